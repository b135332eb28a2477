// An SMS that the operator has throttled is no failed one: it is sent again, later, for as long as that is
// worth it. It waits in the queue `held.sms` before its nack is acked.

import type { KeptRecord } from "../cache/mod.ts";
import { eventKey } from "./delivery_records.ts";
import { log } from "./log.ts";
import {
  encodeHeldSms,
  forgetSms,
  keepHeld,
  keepSms,
  keepThrottled,
  type KeptSms,
  readSms,
} from "./sms_records.ts";
import type { SmsEvent } from "./event_subject.ts";
import type { SmsSender } from "./sms_sender.ts";
import { delayAfter, MOST_ERRORS, throttledBy } from "./throttling.ts";

/**
 * Has the SMS with this id sent again if that is what an event about it asks for. Answers whether it is. The same
 * event again does no harm.
 * @throws {CacheError} If the cache fails.
 * @throws {PublishError} If RabbitMQ does not take it.
 */
export async function sendAgain(
  sender: SmsSender,
  { id, transport, event }: SmsEvent,
): Promise<boolean> {
  const { cache, connector, now, sms: { resendForMs } } = sender.options;
  // The event may be quicker than what is noted of its sending.
  await sender.lines.get(id)?.sending;
  const why = throttledBy(event);
  if (why === undefined) return false;
  const known = sender.lines.get(id);
  const kept = resendForMs > 0 ? readSms(await cache.getRecord("unacked", id)) : undefined;
  const last = kept ?? known;
  const nack = eventKey(event.event_id);
  if (resendForMs > 0 && last?.nack === nack) return true;
  if (why === "busy") sender.throttled(transport, last?.sentAt ?? known?.sentAt ?? now());
  // It went twice, or was nacked so: that it is sent again is known.
  if (kept?.sentAt === null && known?.state === "waits") return true;
  const message = known?.message ?? kept?.message;
  if (resendForMs === 0 || last === undefined || message === undefined) return false;
  const { tries, firstAt } = last;
  const errors = last.errors + (why === "error" ? 1 : 0);
  const dueAt = now() + delayAfter(tries);
  if (errors > MOST_ERRORS || dueAt > firstAt + resendForMs) return false;
  const next: KeptSms = { message, sentAt: null, firstAt, tries, errors, dueAt, nack };
  // Else it could be acked, as one that is unacked, before it is kept that it is sent again.
  if (known !== undefined) sender.unacked.delete(known);
  sender.lines.reopen(id);
  // While it is in hand it is in the queue.
  if ((known?.items.length ?? 0) === 0) {
    await connector.holdSms(encodeHeldSms({ message, after: undefined, isHeardOf: true }));
  }
  const records = [keepSms(next, resendForMs, now()), keepThrottled(next), keepHeld(message)];
  await cache.putRecords(records);
  if (connector.leads && (known !== undefined || !sender.isFull)) sender.resume(next);
  const values = { messageId: id, transport, tries, delayMs: dueAt - now() };
  log.info("Throttled, so it is sent again: {messageId} to {transport} in {delayMs} ms", values);
  return true;
}

/** Ends those of the SMS with these ids that wait to be sent. Answers what is to be forgotten of them. */
export function endWaiting(sender: SmsSender, ids: readonly string[]): readonly KeptRecord[] {
  return ids.flatMap((id) => {
    const sms = sender.lines.get(id);
    if (sms?.state !== "waits") return [];
    sender.end(sms);
    return [forgetSms(id)];
  });
}
