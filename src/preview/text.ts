// A preview for a terminal: screens in frames, warnings below them, in 80 columns.

import type { FlowPreview, Preview, Step } from "./preview.ts";
import type { Page } from "./screens.ts";
import type { Warning } from "./warnings.ts";
import {
  lengthOf,
  placeOf,
  sharedWords,
  startsWords,
  stepWords,
  summaryOf,
  titleOf,
  unreadWords,
} from "./phrases.ts";

const WIDTH = 80;
/** Of a phone's screen, without its frame. */
const SCREEN = 44;
const INDENT = "   ";

/** Prints a preview bit by bit; `safe` makes what others wrote safe for a terminal. */
export function* formatText(preview: Preview, safe: (text: string) => string): Generator<string> {
  for (const flow of preview.flows) yield* flowText(flow, preview, safe);
  if (preview.unread.length > 0) {
    yield "Could not be read:\n";
    for (const each of preview.unread) yield wrapped(safe(unreadWords(each)), "  ", "    ");
    yield "\n";
  }
  yield wrapped(summaryOf(preview), "", "");
}

function* flowText(
  flow: FlowPreview,
  preview: Preview,
  safe: (text: string) => string,
): Generator<string> {
  const title = safe(`${flow.name} (${flow.file})`);
  yield `${wrapped(title, "", "")}${"=".repeat(Math.min(WIDTH, widthOf(title)))}\n`;
  yield `${wrapped(safe(startsWords(flow)), "", "")}\n`;
  for (const warning of flow.warnings) yield `${warningText(warning, "", safe)}\n`;
  for (const language of flow.languages) {
    if (flow.languages.length > 1) {
      const name = safe(titleOf(language));
      yield `--- ${name} ${"-".repeat(Math.max(3, WIDTH - 5 - widthOf(name)))}\n\n`;
    }
    for (const step of language.steps) yield stepText(step, preview, safe);
  }
}

function stepText(step: Step, preview: Preview, safe: (text: string) => string): string {
  const lines = [wrapped(safe(stepWords(step)), "", "  ")];
  const shared = sharedWords(step, preview.medium);
  if (shared !== undefined) lines.push(wrapped(shared, INDENT, INDENT));
  if (step.pages.length === 0) lines.push(`${INDENT}Nothing is shown.\n`);
  for (const [index, page] of step.pages.entries()) {
    lines.push(frame(page, lengthOf(page, index, step, preview.medium), safe));
  }
  for (const warning of step.warnings) lines.push(warningText(warning, INDENT, safe));
  return `${lines.join("")}\n`;
}

function frame({ text }: Page, length: string, safe: (text: string) => string): string {
  const lines = text.split(/\r\n|\r|\n/).flatMap((line) => wrapLine(safe(line), SCREEN));
  const rows = lines.map((line) => `${INDENT}│ ${padded(line)} │\n`);
  const label = ` ${length} `;
  const rest = SCREEN + 2 - widthOf(label);
  return `${INDENT}┌${"─".repeat(SCREEN + 2)}┐\n${rows.join("")}` +
    `${INDENT}└${"─".repeat(Math.max(0, rest - 1))}${label}${rest > 0 ? "─" : ""}┘\n`;
}

function warningText(warning: Warning, indent: string, safe: (text: string) => string): string {
  const { message, remedy } = warning;
  return wrapped(safe(`${placeOf(warning)}: ${message}`), `${indent}! `, `${indent}  `) +
    wrapped(safe(`To do: ${remedy}`), `${indent}  `, `${indent}  `);
}

/** A paragraph of one or more lines. */
function wrapped(text: string, first: string, others: string): string {
  return wrapLine(text, WIDTH - Math.max(first.length, others.length))
    .map((line, index) => `${index === 0 ? first : others}${line}\n`).join("");
}

/** A line as several, broken at blanks where there are some. */
function wrapLine(line: string, width: number): readonly string[] {
  const lines: string[] = [];
  if (NARROW.test(line)) {
    let rest = line;
    while (rest.length > width) {
      const at = rest.lastIndexOf(" ", width);
      lines.push(rest.slice(0, at > 0 ? at : width));
      rest = rest.slice(at > 0 ? at + 1 : width);
    }
    return [...lines, rest];
  }
  let current = "";
  let used = 0;
  let blank = -1;
  for (const { segment } of clusters.segment(line)) {
    const wide = widthOf(segment);
    if (used + wide > width && current !== "") {
      const at = segment === " " ? current.length : blank;
      lines.push(at > 0 ? current.slice(0, at) : current);
      current = at > 0 ? current.slice(at + 1) : "";
      used = widthOf(current);
      blank = -1;
      if (segment === " ") continue;
    }
    if (segment === " ") blank = current.length;
    current += segment;
    used += wide;
  }
  return [...lines, current];
}

function padded(line: string): string {
  return line + " ".repeat(Math.max(0, SCREEN - widthOf(line)));
}

const clusters = new Intl.Segmenter("und", { granularity: "grapheme" });

/** Letters of Latin, Greek, Cyrillic and Ethiopic, each as wide as one: what needs no slow segmenter. */
const NARROW =
  /^[ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u1200-\u135a\u1360-\u137f─]*$/;

/** What a terminal shows as wide as two letters. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6])/u;

/** How many columns a terminal needs for a text. */
function widthOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const { segment } of clusters.segment(text)) {
    width += WIDE.test(segment) ? 2 : /^\p{M}/u.test(segment) ? 0 : 1;
  }
  return width;
}
