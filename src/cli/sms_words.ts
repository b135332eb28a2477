// How a channel will send SMS, in plain words; for `check`.

import { type ChannelConfig, smsFallbackOf } from "../config/mod.ts";

/** A sentence a line; none for a channel that sends none. */
export function smsLines(channel: ChannelConfig): readonly string[] {
  const { transport_type, sms } = channel;
  if (transport_type === "ussd" && smsFallbackOf(channel) === undefined) return [];
  const again = sms.resend_for === 0
    ? "An SMS that is throttled has failed"
    : `A throttled SMS is tried again for ${duration(sms.resend_for)}`;
  const rate = sms.max_per_second === 0
    ? "as many go in a second as the operator takes"
    : `at most ${sms.max_per_second} segments go in a second`;
  const then = sms.fail_unacked
    ? `is told of as ${channel.failed_status}`
    : "is counted, and named in the log";
  return [
    `${again}; ${rate}`,
    `One of which nothing is heard for ${duration(sms.unacked_after)} ${then}`,
  ];
}

function duration(seconds: number): string {
  return seconds >= 60 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
