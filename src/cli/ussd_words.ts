// What a channel will do with users, above all on USSD, in plain words, and what an operator should know of
// it; for `check`.

import { type ChannelConfig, lateWay, smsFallbackOf } from "../config/mod.ts";
import type { Finding } from "../telemetry/mod.ts";

/** A sentence a line; none for a channel of another kind. */
export function ussdLines(channel: ChannelConfig): readonly string[] {
  if (channel.transport_type !== "ussd") return [];
  return [
    `${merging(channel)}; ${late(channel)}`,
    deadline(channel),
    starting(channel),
    ...resuming(channel),
  ];
}

/** How users' addresses are read and told, if not as they come. */
export function addressLines(channel: ChannelConfig): readonly string[] {
  const { contact_ids, default_country: country } = channel;
  return [
    ...country === undefined ? [] : [`read national numbers as those of ${country}`],
    ...contact_ids === "e164" ? ["tell Turn users' addresses as +27821234567"] : [],
  ];
}

function merging({ ussd }: ChannelConfig): string {
  return ussd.merge_window === 0
    ? "Each message is a screen of its own"
    : `Two messages within ${ussd.merge_window} s become one screen`;
}

function late(channel: ChannelConfig): string {
  const fallback = smsFallbackOf(channel);
  if (lateWay(channel) === "sms" && fallback !== undefined) {
    const form = fallback.mode === "notice" ? "as a notice" : "as it is";
    return `what comes later goes by SMS from ${fallback.from_addr}, ${form}`;
  }
  return "what comes later is refused with 422 or, if it was taken already, told of as " +
    channel.failed_status;
}

function deadline({ ussd }: ChannelConfig): string {
  const others = Object.entries(ussd.answer_deadlines).map(([name, seconds]) =>
    `${name} ${seconds} s`
  );
  const after = [`${ussd.answer_deadline} s`, ...others].join(", ");
  if (ussd.hold_text === undefined) {
    return `After ${after} without an answer nothing is shown until one comes`;
  }
  const times = ussd.hold_max === 1 ? "once" : `up to ${ussd.hold_max} times in a row`;
  return `After ${after} without an answer ${quoted(ussd.hold_text)} is shown, ${times}, ` +
    `then ${quoted(ussd.sorry_text)}`;
}

function starting({ ussd }: ChannelConfig): string {
  const codes = Object.entries(ussd.start_texts).map(([code, text]) =>
    `${quoted(text)} for ${code}`
  );
  const usual = ussd.start_text === undefined ? "what the transport says" : quoted(ussd.start_text);
  return `Turn is told ${[...codes, usual].join(", ")} when somebody dials`;
}

function resuming({ ussd }: ChannelConfig): readonly string[] {
  if (ussd.resume_window === 0) return [];
  const options = `${quoted(ussd.continue_text)} and ${quoted(ussd.restart_text)}`;
  return [`Who dials again within ${ussd.resume_window} s chooses between ${options}`];
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** What is not wrong, but seldom meant. */
export function ussdFindings(channel: ChannelConfig): readonly Finding[] {
  const { transport_type, ussd, connector_name } = channel;
  const isStarted = ussd.start_text !== undefined || Object.keys(ussd.start_texts).length > 0;
  if (transport_type !== "ussd" || isStarted) return [];
  return [{
    channel: connector_name,
    subject: "USSD",
    ok: undefined,
    detail: "Turn is told the code that was dialled, or what else the transport says, " +
      "and flows seldom start on a code",
    fix: "set ussd.start_text to a word on which your flow starts, or ussd.start_texts by code",
  }];
}
