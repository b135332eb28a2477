// Publishes an SMS that has waited, and keeps what is needed should it have to be sent again.

import { type Message, PublishError, unixMilliseconds } from "../vumi/mod.ts";
import { confirmedNote } from "./delivery_records.ts";
import { log } from "./log.ts";
import type { Sms } from "./sms_lines.ts";
import { forgetHeld, forgetSms, forgetThrottled, keepSms } from "./sms_records.ts";
import type { SmsSenderOptions } from "./sms_sender.ts";
import { tolerateCacheError } from "./tolerate.ts";

/** How long it is waited when RabbitMQ takes nothing. */
const PAUSE_MS = 1_000;

/** Answers whether RabbitMQ has it; else it is to be tried when it is due again. */
export async function publishSms(
  { connector, cache, metrics, now, sms: { resendForMs } }: SmsSenderOptions,
  sms: Sms,
  message: Message,
): Promise<boolean> {
  const sentAt = now();
  try {
    await connector.publish(message, sms.trace);
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    const values = { messageId: sms.id, reason: error.message };
    log.warning("The SMS {messageId} waits for RabbitMQ: {reason}", values);
    sms.dueAt = now() + PAUSE_MS;
    return false;
  }
  if (sms.tries === 0) {
    sms.firstAt = sentAt;
    metrics.transports.sent(sms.transport, unixMilliseconds(message.timestamp));
  }
  sms.tries++;
  sms.sentAt = sentAt;
  const { firstAt, tries, errors, dueAt, nack } = sms;
  const kept = { message, sentAt, firstAt, tries, errors, dueAt, nack };
  const records = [
    forgetHeld(message),
    ...resendForMs > 0 ? [keepSms(kept, resendForMs, now())] : [],
    ...nack === undefined ? [] : [forgetThrottled(sms.id)],
    // Of when it was sent again.
    ...resendForMs === 0 && nack !== undefined ? [forgetSms(sms.id)] : [],
  ];
  await tolerateCacheError(
    cache.putNotes([confirmedNote(sms.id, sentAt)], [], records),
    (reason) => {
      log.warning("Could not record that an SMS is sent, it may be so twice: {reason}", { reason });
    },
  );
  return true;
}
