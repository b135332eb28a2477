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

/** The least and the most that is taken of the SMS that are held at once. */
const [LEAST, MOST] = [500, 10_000];

/** How many of the SMS that are held are in hand: no more than go within a minute. */
export function heldSmsPrefetch({ sms }: ChannelConfig): number {
  return Math.min(MOST, Math.max(LEAST, 60 * sms.max_per_second));
}
