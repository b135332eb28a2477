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
  if (kept.sentAt === null || now() - kept.sentAt < unackedAfterMs) sender.resume(kept);
}
