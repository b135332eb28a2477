// What the bridge that speaks for the channel has to know of an SMS that another one has sent, or has had to
// send again.

import { readSms } from "./sms_records.ts";
import type { SmsSender } from "./sms_sender.ts";
import { lastSmsId } from "./split_sms.ts";

/**
 * Has it known to the sender, by the id of its message.
 * @throws {CacheError} If the cache fails.
 */
export async function adopt(
  sender: SmsSender,
  messageId: string | undefined,
): Promise<void> {
  const { options: { cache, now, sms: { unackedAfterMs } }, lines } = sender;
  if (messageId === undefined) return;
  const id = await lastSmsId(cache, messageId);
  if (lines.get(id) !== undefined || lines.hasEnded(id)) return;
  const kept = readSms(await cache.getRecord("unacked", id));
  if (kept === undefined || lines.get(id) !== undefined || lines.hasEnded(id)) return;
  if (kept.nack !== undefined) sender.unacked.noteHeardOf(kept.message.transport_name);
  if (kept.sentAt === null || now() - kept.sentAt < unackedAfterMs) sender.resume(kept);
}

/** Most users of whom it is known that what another bridge has sent them is. */
const MOST_USERS = 20_000;

/** The same for a bridge that has begun to speak: once for each user, as from then on nobody else sends. */
export class Adoption {
  readonly #sender: SmsSender;
  /** Until then what another one has sent may be under way, in milliseconds since 1970. */
  #until = 0;
  #known = new Set<string>();

  constructor(sender: SmsSender) {
    this.#sender = sender;
  }

  /** Another one may have spoken until now. */
  begin(until: number): void {
    this.#until = until;
    this.#known = new Set();
  }

  /** Whether something that was sent to the user may not be known. */
  isDue(user: string, now: number): boolean {
    return now < this.#until && !this.#known.has(user);
  }

  /**
   * Has it known, by the id of the last message to the user.
   * @throws {CacheError} If the cache fails.
   */
  async adopt(user: string, messageId: string | undefined): Promise<void> {
    const known = this.#known;
    await adopt(this.#sender, messageId);
    if (known.size < MOST_USERS) known.add(user);
  }
}
