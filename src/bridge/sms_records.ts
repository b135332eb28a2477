// What is kept of an SMS until it is known what became of it: what it says, so that it can be sent again,
// and how often that was done. And how it waits in the queue `held.sms`. All of it is ours, so it is not
// checked when it is read.

import { Buffer } from "node:buffer";
import type { KeptRecord } from "../cache/mod.ts";
import { formatTimestamp, type Message, unixMilliseconds } from "../vumi/mod.ts";

/** An SMS as it is kept. Times are in milliseconds since 1970. */
export interface KeptSms {
  /** As it is published. */
  readonly message: Message;
  /** When it was published last; null while it waits to be so again. */
  readonly sentAt: number | null;
  /** When it was published first. */
  readonly firstAt: number;
  /** How often it was published. */
  readonly tries: number;
  /** How often it was nacked for an error of which it is not known whether it ends. */
  readonly errors: number;
  /** When it is sent again, if it waits. */
  readonly dueAt: number;
  /** The key of the last event for which it is sent again. */
  readonly nack: string | undefined;
}

/** The same in the queue `held.sms`. */
export interface HeldSms {
  readonly message: Message;
  /** The id of the user's message before it, which it must not overtake. */
  readonly after: string | undefined;
  /** Whether anything was heard of its transport; an earlier version has not said so. */
  readonly isHeardOf?: boolean;
}

/** How long it is known that nothing of a user's waits any more: a request may just be looking. */
const NONE_HELD_TTL_MS = 60_000;
/** How long something may wait there, at most, and be known of. */
const HELD_TTL_MS = 24 * 60 * 60_000;

/** How what is ours begins there, as JSON. */
const BEGINNING = '{"form":2,';

/** The change that has it kept, for as long as it may be sent again. */
export function keepSms(sms: KeptSms, resendForMs: number, now: number): KeptRecord {
  const ttlMs = Math.max(1, sms.firstAt + resendForMs - now);
  return { kind: "unacked", id: sms.message.message_id, value: JSON.stringify(sms), ttlMs };
}

/** What of an SMS is known for longer than what it says. */
type Throttled = Pick<KeptSms, "firstAt" | "tries">;

/** The change that has it known of one that waits to be sent again that it does: it may become too late. */
export function keepThrottled({ message, firstAt, tries }: KeptSms): KeptRecord {
  const value = JSON.stringify({ firstAt, tries } satisfies Throttled);
  return { kind: "throttled", id: message.message_id, value, ttlMs: HELD_TTL_MS };
}

/** The change that has it known that it waits no longer. */
export function forgetThrottled(id: string): KeptRecord {
  return { kind: "throttled", id, value: undefined, ttlMs: 1 };
}

/** Reads what `keepThrottled` has kept. */
export function readThrottled(value: string | undefined): Throttled | undefined {
  return value === undefined ? undefined : JSON.parse(value);
}

/** The same of one that is just being sent for the first time. */
export function keepNew(message: Message, resendForMs: number, now: number): KeptRecord {
  const sent = { sentAt: now, firstAt: now, tries: 1, errors: 0, dueAt: 0, nack: undefined };
  return keepSms({ message, ...sent }, resendForMs, now);
}

/** The change that has what it says forgotten. */
export function forgetSms(id: string): KeptRecord {
  return { kind: "unacked", id, value: undefined, ttlMs: 1 };
}

/** Reads what was kept. */
export function readSms(value: string | undefined): KeptSms | undefined {
  return value === undefined ? undefined : JSON.parse(value);
}

/** The change that has it known that an SMS waits in `held`. */
export function keepHeld({ to_addr, timestamp, message_id }: Message): KeptRecord {
  const value = message_id;
  return { kind: "last_held", id: to_addr, value, order: timestamp, ttlMs: HELD_TTL_MS };
}

/** The same that none does, unless one came later. */
export function forgetHeld({ to_addr, timestamp }: Message): KeptRecord {
  return { kind: "last_held", id: to_addr, value: "", order: timestamp, ttlMs: NONE_HELD_TTL_MS };
}

export function encodeHeldSms(held: HeldSms): Uint8Array {
  return Buffer.from(JSON.stringify({ form: 2, ...held }));
}

/** What `encodeHeldSms` has made; undefined for all else. */
export function decodeHeldSms(body: Uint8Array): HeldSms | undefined {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  return text.startsWith(BEGINNING) ? JSON.parse(text) : undefined;
}

/** The message with a timestamp that is later than these: by that the order of a user's is known. */
export function after(message: Message, timestamps: readonly string[]): Message {
  const last = timestamps.reduce((a, b) => a > b ? a : b, "");
  if (message.timestamp > last) return message;
  const micros = Number(last.slice(20)) + 1;
  const timestamp = micros < 1_000_000
    ? last.slice(0, 20) + `${micros}`.padStart(6, "0")
    : formatTimestamp(new Date(unixMilliseconds(last) + 1));
  return { ...message, timestamp };
}
