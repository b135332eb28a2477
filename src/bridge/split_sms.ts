// A text that was split into SMS: which of them are sent, and what became of each. The next one is sent
// when the one before is acked, so that they come in order; Turn is told of all of them as of one.

import type { KeptRecord, MessageCache } from "../cache/mod.ts";
import type { Message } from "../vumi/mod.ts";
import { DELIVERED_TTL_MS, type Said } from "./delivery_records.ts";
import { type PartId, readPartId, smsId } from "./part_ids.ts";

/** A text that was split, as it is kept. All of it is ours, so it is not checked when it is read. */
export interface SplitSms {
  /** The first SMS; the others differ from it in id and text. Its id says what Turn was given. */
  readonly message: Message;
  /** The texts of all. */
  readonly texts: readonly string[];
  /** How many of them were sent. */
  readonly sent: number;
  /** What the furthest event about each has said, in their order; null for none. */
  readonly said: readonly (Said | null)[];
}

/** What an event about one of the SMS comes to. */
export interface SplitStep {
  readonly split: SplitSms;
  /** The SMS that is to be sent now. */
  readonly next: Message | undefined;
  /** What is now true of all of them, if anything is. */
  readonly said: Said | undefined;
}

/** The change that has it kept: of what it says, what may have to be sent from here. */
export function keepSplitSms({ message, texts, sent, said }: SplitSms): KeptRecord {
  const { message_id } = message;
  const id = readPartId(message_id)?.of ?? message_id;
  const isOver = said.some(isFailure);
  const left = texts.map((text, index) => index < sent || isOver ? "" : text);
  const value = JSON.stringify({ message: { ...message, content: "" }, texts: left, sent, said });
  return { kind: "parts", id, value, ttlMs: DELIVERED_TTL_MS };
}

export function readSplitSms(value: string | undefined): SplitSms | undefined {
  return value === undefined ? undefined : JSON.parse(value);
}

/**
 * The id of the last SMS that was sent of the message with this id: another one if it was split.
 * @throws {CacheError} If the cache fails.
 */
export async function lastSmsId(cache: MessageCache, id: string): Promise<string> {
  const split = readSplitSms(await cache.getRecord("parts", id));
  return split === undefined ? id : smsId(split.message.message_id, split.sent);
}

/** Whether the SMS `nth`, from 1, is not to be sent any more: the operator has it, or one has failed. */
export function isEnded({ said }: SplitSms, nth: number): boolean {
  return said.some(isFailure) || isTaken(said[nth - 1]);
}

/**
 * Whether the operator is known to have that part of a text.
 * @throws {CacheError} If the cache fails.
 */
export async function isPartTaken(cache: MessageCache, part: PartId | undefined): Promise<boolean> {
  if (part?.kind !== "sms") return false;
  return isTaken(readSplitSms(await cache.getRecord("parts", part.of))?.said[part.nth - 1]);
}

/** How far an SMS has come by what was said of it; one that has failed, as far as was known, may be there. */
const STEPS: Readonly<Record<Said, number>> = {
  pending: 0,
  ack: 1,
  nack: 2,
  failed: 2,
  delivered: 3,
};

/** Takes an event about the SMS `nth`, from 1, which says `said`. The same one twice does no harm. */
export function hearOfSms(split: SplitSms, nth: number, said: Said): SplitStep {
  const known = split.said[nth - 1];
  const isFurther = known == null || STEPS[said] > STEPS[known];
  const heard = split.texts.map((_, index) =>
    index === nth - 1 && isFurther ? said : split.said[index] ?? null
  );
  // Empty: one has failed, and the rest was ended by that.
  const nextText = split.texts[split.sent];
  const isDue = nth === split.sent && !heard.some(isFailure);
  const next = isDue && nextText
    ? {
      ...split.message,
      message_id: smsId(split.message.message_id, split.sent + 1),
      content: nextText,
    }
    : undefined;
  return {
    split: { ...split, sent: split.sent + (next === undefined ? 0 : 1), said: heard },
    next,
    said: together(heard),
  };
}

/** What is true of all: that one failed, that each was delivered, or that each was sent. */
function together(heard: readonly (Said | null)[]): Said | undefined {
  const failed = heard.find(isFailure);
  if (failed != null) return failed;
  if (heard.every((each) => each === "delivered")) return "delivered";
  return heard.every((each) => each === "ack" || each === "delivered") ? "ack" : undefined;
}

/** Whether that was said of one that has failed. */
export function isFailure(said: Said | null | undefined): boolean {
  return said === "nack" || said === "failed";
}

function isTaken(said: Said | null | undefined): boolean {
  return said === "ack" || said === "delivered";
}
