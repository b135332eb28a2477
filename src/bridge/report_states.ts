// What a delivery report says. The operator's own word counts before what the transport has made of it:
// vumi2's SMPP transport calls an UNDELIV pending, and an ACCEPTED delivered.

import type { Event } from "../vumi/mod.ts";
import type { Said } from "./delivery_records.ts";

/** What a word of an operator's means: nothing is that it is not known. */
export type ReportState = "delivered" | "failed" | "sent" | "nothing";

/** By the field of an event's `transport_metadata`, then by the word that stands there, in upper case. */
export type ReportStates = ReadonlyMap<string, ReadonlyMap<string, ReportState>>;

/** What an event says. */
export interface Report {
  /** In one word; undefined if it says that nothing is known. */
  readonly said: Said | undefined;
  /** The operator's word for it, if there is one. */
  readonly word: string | undefined;
}

/**
 * SMPP's words in the text of a receipt, and in its fields (SMPP 5.0, 4.7.15). What else stands there is
 * left to the transport.
 */
const SMPP: Readonly<Record<string, ReportState>> = {
  ...{ DELIVRD: "delivered", DELIVERED: "delivered" },
  ...{ UNDELIV: "failed", UNDELIVERABLE: "failed", EXPIRED: "failed", DELETED: "failed" },
  ...{ REJECTD: "failed", REJECTED: "failed" },
  ...{ ACCEPTD: "sent", ACCEPTED: "sent", ENROUTE: "sent" },
  UNKNOWN: "nothing",
};
const SMPP_FIELD = "smpp_delivery_status";

const SAID: Readonly<Record<ReportState, Said | undefined>> = {
  delivered: "delivered",
  failed: "failed",
  sent: "pending",
  nothing: undefined,
};

/** SMPP's words, and those that are configured before them. */
export function reportStatesOf(
  configured: Readonly<Record<string, Readonly<Record<string, ReportState>>>>,
): ReportStates {
  const words = (states: Readonly<Record<string, ReportState>> = {}) =>
    Object.entries(states).map(([word, state]) => [wordOf(word), state] as const);
  const { [SMPP_FIELD]: smpp, ...others } = configured;
  return new Map([
    ...Object.entries(others).map(([field, states]) => [field, new Map(words(states))] as const),
    [SMPP_FIELD, new Map([...words(SMPP), ...words(smpp)])] as const,
  ]);
}

/** What an event says, by the first field that has a word which is known; else by its `delivery_status`. */
export function reportOf(event: Event, states: ReportStates): Report {
  const { event_type, delivery_status, transport_metadata } = event;
  if (event_type !== "delivery_report") return { said: event_type, word: undefined };
  let unknown: string | undefined;
  for (const [field, words] of states) {
    const word = wordOf(transport_metadata?.[field]);
    const state = words.get(word);
    if (state !== undefined) return { said: SAID[state], word };
    unknown ??= WORD.test(word) ? word : undefined;
  }
  return { said: delivery_status ?? "pending", word: unknown };
}

/** What is short enough to be noted, and no text of a message's. */
const WORD = /^[\w-]{1,20}$/;

/** A word without regard to case and to blanks around it. */
function wordOf(written: unknown): string {
  return typeof written === "string" || typeof written === "number"
    ? String(written).trim().toUpperCase()
    : "";
}
