// One screen's or message's worth off the beginning of a text that is too long for one.

import { type Capacity, fillSeptets, sizeOf, wholeEnd } from "./gsm7.ts";

/** A text that was cut: what was taken off, and what is left; the blank between them is gone. */
export interface Cut {
  /** As much as fits; not blank. */
  readonly head: string;
  /** What comes after it. */
  readonly rest: string;
}

const clusters = new Intl.Segmenter("und", { granularity: "grapheme" });

/**
 * Cuts `text`, which begins with no blank and is too long for `capacity`, so that `suffix` fits
 * behind its head: at the last line end in the second half, if `lines`; else at the last blank;
 * else between two characters, as people see them.
 */
export function cut(text: string, capacity: Capacity, suffix: string, lines: boolean): Cut {
  const end = longest(text, capacity, suffix);
  const at = lastBreak(text, end, lines) ?? characterEnd(text, end);
  return { head: text.slice(0, at).trimEnd(), rest: text.slice(at).trimStart() };
}

/** How much of `text` fits before `suffix`, wherever that ends. */
function longest(text: string, capacity: Capacity, suffix: string): number {
  const size = sizeOf(suffix);
  const inUnits = capacity.units - suffix.length;
  if (size.encoding === "ucs2") return Math.max(1, inUnits);
  // More septets fit than units, but only up to the first character that isn't GSM-7.
  return Math.max(1, inUnits, fillSeptets(text, capacity.septets - size.septets).end);
}

function lastBreak(text: string, end: number, lines: boolean): number | undefined {
  const line = text.lastIndexOf("\n", end);
  if (lines && line >= end / 2) return line;
  const blank = Math.max(line, text.lastIndexOf(" ", end), text.lastIndexOf("\t", end));
  return blank > 0 ? blank : undefined;
}

function characterEnd(text: string, end: number): number {
  // Whether there is a boundary at `end` depends on what comes before, and on one character more.
  const cluster = clusters.segment(text.slice(0, end + 2)).containing(end);
  // A cluster that is larger than the capacity can't stay whole; a surrogate pair can.
  return cluster?.index || wholeEnd(text, end) || 2;
}
