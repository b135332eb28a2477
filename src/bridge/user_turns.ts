// The turns of all users: the work on one user's goes one after the other, and what is known of it here is
// dropped when nothing waits in it, as another bridge may go on with it.

import type { MessageCache } from "../cache/mod.ts";
import { BACK } from "./held_returns.ts";
import { readSession } from "./sessions.ts";
import { Turn } from "./turn.ts";
import { UserOrder } from "./user_order.ts";

interface UserTurnsOptions {
  readonly cache: MessageCache;
  readonly stopping: AbortSignal;
  /** Sets the time at which something is to be done, if anything is. */
  readonly schedule: (turn: Turn) => void;
}

export class UserTurns {
  readonly #options: UserTurnsOptions;
  readonly #order = new UserOrder<undefined>();
  /** Those in which something waits. */
  readonly #turns = new Map<string, Turn>();

  constructor(options: UserTurnsOptions) {
    this.#options = options;
  }

  /**
   * Does `work` on a user's turn when all earlier work on it is done.
   * @throws {CacheError} If the turn can't be looked up; and what `work` throws.
   */
  inTurn<R>(user: string, work: (turn: Turn) => Promise<R>): Promise<R> {
    const { cache, stopping, schedule } = this.#options;
    const key = cache.addresses.key(user);
    return this.#order.run(key, undefined, async () => {
      const turn = this.#turns.get(key) ??
        new Turn(user, readSession(await cache.getRecord("turn", user)));
      this.#turns.set(key, turn);
      turn.leaveLost(BACK);
      try {
        return await work(turn);
      } finally {
        // Else another bridge has spoken for the channel meanwhile.
        const isOurs = this.#turns.get(key) === turn;
        if (isOurs && !stopping.aborted) schedule(turn);
        else turn.leave(BACK);
        if (isOurs && !turn.isAwaited) this.#turns.delete(key);
      }
    });
  }

  /** Drops it, with what waits in it. */
  drop({ user }: Turn): void {
    this.#turns.delete(this.#options.cache.addresses.key(user));
  }

  /** Another bridge has spoken for the channel: what is known of sessions is looked up anew. */
  forget(): void {
    for (const turn of this.#turns.values()) turn.leave(BACK);
    this.#turns.clear();
  }

  /** Those in which something waits. */
  all(): Iterable<Turn> {
    return this.#turns.values();
  }
}
