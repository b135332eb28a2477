/**
 * What Turn was told in the conversations of many phones.
 *
 * @module
 */

import type { FakeTurn } from "../support/fake_turn.ts";
import { until } from "../support/until.ts";

/** What a Turn was called about, read as far as that. */
class Calls {
  // deno-lint-ignore no-explicit-any -- JSON of several shapes, which the assertions look into.
  readonly messages = new Map<string, any>();
  readonly statuses = new Map<string, string[]>();
  #read = 0;

  /** Reads what has come since. */
  readOn({ calls }: FakeTurn): this {
    for (; this.#read < calls.length; this.#read++) {
      // deno-lint-ignore no-explicit-any -- the same
      const { message, user_message_id: id, status } = calls[this.#read]?.body as any ?? {};
      if (message !== undefined) this.messages.set(message.id, message);
      else if (id !== undefined) this.statuses.set(id, [...this.statuses.get(id) ?? [], status]);
    }
    return this;
  }
}

const read = new WeakMap<FakeTurn, Calls>();

/** Hundreds of phones ask for them, again and again. */
function callsOf(turn: FakeTurn): Calls {
  const calls = read.get(turn) ?? new Calls();
  read.set(turn, calls);
  return calls.readOn(turn);
}

/** What Turn was told of a user's message at last; `text` is undefined of a choice. */
export async function told(turn: FakeTurn, id: string) {
  await until(`Turn to be told of ${id}`, () => wasTold(turn, id), 30_000);
  return callsOf(turn).messages.get(id);
}

/** Whether Turn was told of a user's message. */
export function wasTold(turn: FakeTurn, id: string): boolean {
  return callsOf(turn).messages.has(id);
}

/** What Turn was told of its messages, each time, by their ids. */
export function statuses(turn: FakeTurn, ...ids: readonly string[]): string[][] {
  return ids.map((id) => callsOf(turn).statuses.get(id) ?? []);
}

/** Resolves when Turn was told this of each of its messages at last. */
export async function untilStatus(
  turn: FakeTurn,
  status: string,
  ...ids: readonly string[]
): Promise<void> {
  await until(`${status} of ${ids}`, () => {
    return statuses(turn, ...ids).every((all) => all.at(-1) === status);
  }, 30_000);
}
