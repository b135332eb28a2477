// What is kept beside messages, and may be as large as one.

import type { Change } from "./store.ts";
import type { UserAddresses } from "./user_key.ts";

/** What can be kept; see {@linkcode KeptRecord}. */
export type RecordKind =
  /** What a user was asked last; by the user's address. */
  | "prompt"
  /** What a user was not shown yet of a text of several screens; by the user's address. */
  | "pages"
  /** What a phone was shown, if that is not what Turn sent; by the id that Turn was given. */
  | "shown"
  /** What a user's message meant, if not what it says; by its id. */
  | "meaning"
  /** What of a text that was split has been sent; by the id that Turn was given. */
  | "parts"
  /** How far a user's USSD session has come; by the user's address. */
  | "turn"
  /** What a user is shown with the next dial; by the user's address. */
  | "pending"
  /** With which others a message was shown on one screen; by the id that Turn was given of each. */
  | "screen"
  /** How a channel's transport last wrote a user's number; by the connector's name. */
  | "address_form"
  /** An SMS that was sent and may have to be sent again; by its id. */
  | "unacked"
  /** That an SMS was throttled, and since when it is sent; by its id. */
  | "throttled"
  /** The last SMS to a user that waits in the queue `held.sms`; by the user's address. */
  | "last_held";

/** Those that go by a user's address. */
const BY_USER: ReadonlySet<RecordKind> = new Set([
  ...["prompt", "pages", "turn", "pending", "last_held"] as const,
]);

/** Something of a user or a message, to be kept or forgotten. */
export interface KeptRecord {
  /** What it is. */
  readonly kind: RecordKind;
  /** Whose: any string, as for messages. */
  readonly id: string;
  /** A text; undefined if what is kept is to be forgotten. */
  readonly value: string | undefined;
  /** Milliseconds from now, more than 0. */
  readonly ttlMs: number;
  /** What is kept under a later one than this is left as it is; they compare as texts. */
  readonly order?: string;
}

/** A record that has an order; see {@linkcode KeptRecord}. */
export interface OrderedRecord {
  /** Its place among those of the same kind and id. */
  readonly order: string;
  /** Empty if it says only that all up to this place is forgotten. */
  readonly value: string;
}

/** Where it is kept, and after that where another configuration may have kept it. */
export function recordKeys(
  kind: RecordKind,
  id: string,
  addresses: UserAddresses,
): readonly [string, ...string[]] {
  return BY_USER.has(kind) ? addresses.keys(id) : [id];
}

/** The changes that keep or forget the records. */
export function keepRecords(
  records: readonly KeptRecord[],
  addresses: UserAddresses,
): Change[] {
  return records.flatMap(({ kind, id, value, ttlMs, order }): Change[] => {
    const [key, ...old] = recordKeys(kind, id, addresses);
    if (order !== undefined) {
      const unless = { kind, has: { greaterAt: 0 } };
      return [{ type: "set", keys: [[kind, key]], value: [order, value ?? ""], ttlMs, unless }];
    }
    return [
      // Else it would be found again when the new one is forgotten.
      ...old.map((key) => ({ type: "delete", key: [kind, key] } as const)),
      value === undefined
        ? { type: "delete", key: [kind, key] }
        : { type: "set", keys: [[kind, key]], value, ttlMs },
    ];
  });
}

export function toOrdered(row: unknown): OrderedRecord | undefined {
  const [order, value]: unknown[] = Array.isArray(row) ? row : [];
  return typeof order === "string" && typeof value === "string" ? { order, value } : undefined;
}
