// What is to be done about a user's message on USSD.

import type { KeptRecord } from "../cache/mod.ts";
import { keepMeaning } from "./answers.ts";
import type { BridgeOptions } from "./options.ts";
import { keepSession, type Session } from "./sessions.ts";
import type { Turn } from "./turn.ts";

/** What is to be done about a user's message. */
export type Received =
  /** Turn is to be told: what it says, or these words. */
  | {
    readonly kind: "tell";
    readonly text: string | undefined;
    /** Whether it may be an answer to what was asked. */
    readonly isAnswer: boolean;
    /** Whether a later message of the user's was taken before it. */
    readonly isEarlier?: boolean;
    /** To be kept before. */
    readonly records: readonly KeptRecord[];
  }
  /** Turn is not told, for a reason in a plain word. */
  | { readonly kind: "ours"; readonly why: "waited" | "resumed" | "pending" };

/** What Turn is told of the message that is a session's request. */
export function tellOf({ told, inbound }: Session): Extract<Received, { kind: "tell" }> {
  // Other words for what the user has typed are those for the choice to start again.
  if (typeof told === "string" && inbound.session_event !== "new") {
    const records = [keepMeaning(inbound.message_id, { told })];
    return { kind: "tell", text: told, isAnswer: false, records };
  }
  return { kind: "tell", text: told ?? undefined, isAnswer: true, records: [] };
}

/**
 * Keeps a request of which Turn is not told.
 * @throws {CacheError} If the cache fails.
 */
export async function keepOurs(
  turn: Turn,
  why: Extract<Received, { kind: "ours" }>["why"],
  { cache, ussd }: Pick<BridgeOptions, "cache" | "ussd">,
): Promise<Received> {
  if (turn.session === undefined) throw new Error("no session");
  turn.session = { ...turn.session, told: null };
  await cache.putRecords([keepSession(turn.session, ussd)]);
  return { kind: "ours", why };
}
