// What a service designer should know of a flow before anyone else sees it on a phone: what it is, and
// what to do about it.

import type { Block } from "./container.ts";

/** What a warning is about. */
export type WarningKind =
  | "pages"
  | "many_options"
  | "not_gsm7"
  | "says_nothing"
  | "template_without_text"
  | "web_call"
  | "too_late"
  | "not_sent"
  | "start_words"
  | "number_keyword"
  | "same_options"
  | "unknown_length"
  | "differs";

/** Something that a phone will not do as the flow's author may think. */
export interface Warning {
  /** What it is about. */
  readonly kind: WarningKind;
  /** What authors call a step. */
  readonly card: string;
  /** The card's, where the export says it. */
  readonly line?: number;
  /** Empty if it is so in all. */
  readonly language: string;
  /** What it is. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
}

/** What is said of a block in a language. */
export function warningAt(
  { card, line }: Block,
  language: string,
  kind: WarningKind,
  message: string,
  remedy: string,
): Warning {
  return { kind, card, ...line !== undefined && { line }, language, message, remedy };
}

/** As many of a long list as are named. */
const NAMED = 3;

/** Some of a list, for a sentence. */
export function named(words: readonly string[]): string {
  const more = words.length - NAMED;
  return words.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
