// A user's messages, which nothing lists: found by looking at all that is kept, for an operator who asks.

import { fromRow, type Remembered } from "./remembered.ts";
import type { Store } from "./store.ts";
import type { UserAddresses } from "./user_key.ts";

/** The most of a kind that are answered. */
export const MOST_OF_USER = 500;

/** From a user, or to one. */
export type Way = "inbound" | "outbound";

interface Wanted {
  readonly kind: Way;
  readonly userAddr: string;
  readonly addresses: UserAddresses;
  /** A vumi timestamp. */
  readonly since: string;
}

/** Those of a user since that time, in their order; of more than {@linkcode MOST_OF_USER} the last. */
export async function messagesOf(
  store: Store,
  { kind, userAddr, addresses, since }: Wanted,
): Promise<readonly Remembered[]> {
  const user = addresses.key(userAddr);
  const found = new Map<string, Remembered>();
  for await (const row of store.all(kind)) {
    const message = fromRow(row);
    if (message === undefined || message.timestamp < since) continue;
    if (addresses.key(kind === "inbound" ? message.from_addr : message.to_addr) !== user) continue;
    found.set(message.message_id, message);
    if (found.size > 2 * MOST_OF_USER) {
      const last = new Set(lastOf(found));
      for (const [id, message] of found) if (!last.has(message)) found.delete(id);
    }
  }
  return lastOf(found);
}

function lastOf(found: ReadonlyMap<string, Remembered>): readonly Remembered[] {
  const sorted = [...found.values()].sort((a, b) => a.timestamp < b.timestamp ? -1 : 1);
  return sorted.slice(-MOST_OF_USER);
}
