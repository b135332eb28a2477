// Ids of what one of Turn's messages became, where that is several: pages of USSD, SMS that a long text
// was split into, or an SMS that says that there is a message. The id says which it is, so that an event
// about one needs no look-up. And ids of screens of our own, of which Turn is told nothing.

import { createHash } from "node:crypto";

/** One of several. */
export interface PartId {
  /** The id that Turn was given. */
  readonly of: string;
  /** A screen of USSD, an SMS, or a notice by SMS. */
  readonly kind: "page" | "sms" | "notice";
  /** Which of them, from 1. */
  readonly nth: number;
}

/** A page but the first, which has the id that Turn was given. */
export function pageId(of: string, nth: number): string {
  return `${of}-p${nth}`;
}

/** What Turn is given for a text that is split into SMS: the first one's id, by a new id. */
export function firstSmsId(newId: string): string {
  return `${newId}-s1`;
}

/**
 * The first one's id where Turn was given `of` before it was known that the text would be split, or go by
 * SMS at all.
 */
export function firstLateSmsId(of: string): string {
  return `${of}-l1`;
}

/** The id of another SMS of that text, after the first one's. */
export function smsId(first: string, nth: number): string {
  return `${first.slice(0, -1)}${nth}`;
}

/** The id of the SMS that says that there is a message with this id. */
export function noticeId(of: string): string {
  return `${of}-n1`;
}

/** Reads what the functions above have made; undefined for all else. */
export function readPartId(id: string): PartId | undefined {
  const [, base, kind, digits] = /^([0-9a-f]{32})-([psln])([1-9]\d?)$/.exec(id) ?? [];
  if (base === undefined) return undefined;
  const nth = Number(digits);
  if (kind === "s") return { of: firstSmsId(base), kind: "sms", nth };
  if (kind === "l") return { of: base, kind: "sms", nth };
  return { of: base, kind: kind === "p" ? "page" : "notice", nth };
}

/** The id of a screen that shows none of Turn's messages: the same each time it answers this message. */
export function ownId(inboundId: string): string {
  return `${createHash("md5").update(inboundId).digest("hex")}-own`;
}

/** Whether it is the id of such a screen, or of a page of it. */
export function isOwnId(id: string): boolean {
  return /^[0-9a-f]{32}-own(-p\d+)?$/.test(id);
}
