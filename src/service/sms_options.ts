// What a channel's configuration says of how SMS are sent.

import type { SmsSendingOptions } from "../bridge/mod.ts";
import type { ChannelConfig } from "../config/mod.ts";

export function smsOptionsOf({ sms }: ChannelConfig): SmsSendingOptions {
  return {
    resendForMs: sms.resend_for * 1000,
    maxPerSecond: sms.max_per_second,
    unackedAfterMs: sms.unacked_after * 1000,
    failUnacked: sms.fail_unacked,
  };
}

/** The least that is taken of the queue `held` at once for a channel of SMS. */
const LEAST_HELD = 500;
/** The same of one of USSD: as many as the users that wait, and more. */
const HELD_BY_USSD = 10_000;

/** How much of the queue `held` is in hand: of what waits to be sent, no more than goes within a minute. */
export function heldPrefetch({ transport_type, sms }: ChannelConfig): number {
  if (transport_type === "ussd") return HELD_BY_USSD;
  return Math.min(HELD_BY_USSD, Math.max(LEAST_HELD, 60 * sms.max_per_second));
}
