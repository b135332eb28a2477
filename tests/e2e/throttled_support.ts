/**
 * An operator that takes so many SMS a second, as vumi2's SMPP transport tells of one, and people to whom
 * Turn writes in order.
 *
 * @module
 */

import { SECRET } from "../support/bridge.ts";
import { send } from "../support/fake_turn.ts";
import type { Live } from "../support/live.ts";

/** What vumi2's SMPP transport says, word for word. */
export const THROTTLING = "Throttling error (ESME has exceeded allowed message limits";

/** A submit, as it came. */
export interface Submit {
  readonly id: string;
  readonly to: string;
  readonly text: string;
  /** In milliseconds, as `performance.now()` tells. */
  readonly at: number;
  readonly taken: boolean;
}

/** Takes the messages of a connector. */
export class Operator {
  /** All, in order. */
  readonly submits: Submit[] = [];
  /** Most in any second. */
  perSecond: number;
  /** Whether it says anything of those that it takes. */
  acks = true;

  constructor({ transport }: Live, perSecond: number) {
    this.perSecond = perSecond;
    transport.onOutbound = ({ message }) => {
      const at = performance.now();
      const id = String(message["message_id"]);
      const taken = this.taken().filter((submit) => submit.at > at - 1_000).length < this.perSecond;
      const to = String(message["to_addr"]);
      this.submits.push({ id, to, text: String(message["content"]), at, taken });
      if (taken && !this.acks) return;
      const event = taken
        ? { event_type: "ack", sent_message_id: `p-${id}` }
        : { event_type: "nack", nack_reason: THROTTLING };
      void transport.sendEvent({ user_message_id: id, ...event });
    };
  }

  /** What it took, in order. */
  taken(): readonly Submit[] {
    return this.submits.filter(({ taken }) => taken);
  }

  /** What it took of one user's, in order. */
  takenOf(user: string): readonly string[] {
    return this.taken().filter(({ to }) => to === user).map(({ text }) => text);
  }

  /** The least and the most that came in any time of so long, from the first to the last. */
  within(ms: number): readonly [least: number, most: number] {
    const times = this.submits.map(({ at }) => at);
    const end = times.at(-1) ?? 0;
    let [least, most] = [Infinity, 0];
    for (let first = 0, after = 0; first < times.length; first++) {
      const from = times[first] ?? 0;
      while ((times[after] ?? Infinity) < from + ms) after++;
      most = Math.max(most, after - first);
      // Just after one has come there is one fewer.
      if (from + ms < end) least = Math.min(least, after - first - 1);
    }
    return [least, most];
  }
}

/** Turn writes `perUser` messages to each of so many users: one user's one after the other. */
export async function writeToAll(
  live: Live,
  { users, perUser, text = (n) => `Message ${n}` }: {
    readonly users: number;
    readonly perUser: number;
    readonly text?: (n: number) => string;
  },
): Promise<ReadonlyMap<string, readonly string[]>> {
  const ids = new Map<string, string[]>();
  await Promise.all(
    Array.from({ length: users }, async (_, user) => {
      const to = `+2782${`${user}`.padStart(7, "0")}`;
      ids.set(to, []);
      for (let n = 1; n <= perUser; n++) ids.get(to)?.push(await post(live, to, text(n)));
    }),
  );
  return ids;
}

/** Turn sends a text, again as long as it is not taken. Answers the id. */
export async function post({ address }: Live, to: string, body: string): Promise<string> {
  for (;;) {
    try {
      const request = { to, turn: { type: "text", text: { body } } };
      const response = await send(`${address}/messages`, request, { secret: SECRET });
      const json = await response.json();
      if (response.status === 200) return json.messages[0].id;
    } catch {
      // It is not there for now.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
