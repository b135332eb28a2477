/**
 * Claims, groups and turns of the broker in one process.
 *
 * @module
 */

import type { Claim, Membership, Mover } from "./mod.ts";

/** Somebody who waits for a turn, or has it. */
interface Turn {
  begin(): void;
  end(): Promise<void>;
}

/** Who has what. */
export class MemoryClaims {
  /** By what is claimed or joined. */
  readonly #held = new Map<string, Set<AbortController>>();
  /** By what turns are taken at; the first one has it. */
  readonly #turns = new Map<string, Turn[]>();

  /** See {@linkcode Broker.claim}. */
  claim(name: string): Claim | undefined {
    const isTaken = (this.#held.get(name)?.size ?? 0) > 0;
    return isTaken ? undefined : this.join(name);
  }

  /** See {@linkcode Broker.join}. */
  join(name: string): Membership {
    const members = this.#held.get(name) ?? new Set();
    this.#held.set(name, members);
    const own = new AbortController();
    members.add(own);
    return {
      lost: own.signal,
      count: () => Promise.resolve(members.size),
      release: () => {
        members.delete(own);
        own.abort();
        return Promise.resolve();
      },
    };
  }

  /** Begins when all who came before have stopped. */
  takeTurns(name: string, turn: Turn): Mover {
    const turns = this.#turns.get(name) ?? [];
    this.#turns.set(name, turns);
    if (turns.push(turn) === 1) turn.begin();
    let stopped: Promise<void> | undefined;
    return { stop: () => stopped ??= endTurn(turns, turn) };
  }

  /** The broker is closed. */
  loseAll(): void {
    for (const members of this.#held.values()) {
      for (const own of members) own.abort();
      members.clear();
    }
  }
}

async function endTurn(turns: Turn[], turn: Turn): Promise<void> {
  const index = turns.indexOf(turn);
  if (index > 0) return void turns.splice(index, 1);
  await turn.end();
  turns.shift();
  turns[0]?.begin();
}
