// A text as screens of USSD: one, or pages that each but the last end with what brings the next.

import { cut } from "./cut.ts";
import { type Capacity, fits } from "./gsm7.ts";

/** How {@linkcode toPages} makes pages. */
export interface PageOptions {
  /** Septets on a screen, at most 182. */
  readonly pageChars: number;
  /** The answer that brings the next page. */
  readonly moreKey: string;
  /** What stands beside it. */
  readonly moreText: string;
  /** After so many pages the text ends, with `...`; 1 or more. */
  readonly maxPages: number;
}

/** `text` as screens, one or more; what fits on one is not changed. */
export function toPages(text: string, options: PageOptions): readonly string[] {
  const capacity = screenCapacity(options.pageChars);
  if (fits(text, capacity)) return [text];
  const more = `\n${options.moreKey}. ${options.moreText}`;
  const pages: string[] = [];
  let rest = tidy(text);
  while (!fits(rest, capacity)) {
    const isLast = pages.length === options.maxPages - 1;
    const suffix = isLast ? "..." : more;
    const { head, rest: next } = cut(rest, capacity, suffix, true);
    pages.push(head + suffix);
    if (isLast) return pages;
    rest = next;
  }
  return [...pages, rest];
}

/** What a screen of so many septets holds: of UCS-2, as many units as its bytes have pairs. */
export function screenCapacity(pageChars: number): Capacity {
  return { septets: pageChars, units: Math.floor(Math.ceil(pageChars * 7 / 8) / 2) };
}

/** Without what takes room and says nothing: CRs, blank lines, blanks at the ends of lines. */
function tidy(text: string): string {
  const lines = text.split("\n").map((line) => line.trimEnd());
  return lines.filter((line) => line !== "").join("\n").trimStart();
}
