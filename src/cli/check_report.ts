// What `check` has found, as text of 80 columns or as JSON: what is to be mended first.

import { styleText } from "node:util";
import { wrap } from "../config/mod.ts";
import type { Finding } from "../telemetry/mod.ts";
import { plainJson } from "./print.ts";

const WIDTH = 80;
/** Room for a whole address of Turn's beside it. */
const MARGIN = " ".repeat(4);
/** Instead of a channel, where something is of all of them. */
const SHARED = "all";
/** Longer names are not made room for on each line. */
const WIDEST_NAME = 16;

interface Report {
  readonly findings: readonly Finding[];
  /** What the configuration means. */
  readonly summary: string;
}

/** The report as text. */
export function formatReport({ findings, summary }: Report): string {
  const names = findings.map(({ channel = SHARED }) => channel.length);
  const width = Math.min(Math.max(...names), WIDEST_NAME);
  const { mend, look, fine } = sorted(findings);
  const section = (title: string, its: readonly Finding[]): string =>
    its.length === 0 ? "" : `${title}\n\n${its.map((one) => lines(one, width)).join("")}\n`;
  return section("To mend:", mend) + section("To look at:", look) + summary +
    section("Fine:", fine) + `${count(findings)}\n`;
}

/** The report as JSON. */
export function jsonReport(findings: readonly Finding[]): string {
  const { mend, look, fine } = sorted(findings);
  const counts = { to_mend: mend.length, to_look_at: look.length, fine: fine.length };
  const each = [...mend, ...look, ...fine].map(({ channel, subject, ok, detail, fix }) => ({
    channel: channel ?? null,
    subject,
    result: ok === undefined ? "look" : ok ? "fine" : "mend",
    detail,
    fix: fix ?? null,
  }));
  return `${plainJson({ ...counts, findings: each }, 2)}\n`;
}

function sorted(findings: readonly Finding[]) {
  return {
    mend: findings.filter(({ ok }) => ok === false),
    look: findings.filter(({ ok }) => ok === undefined),
    fine: findings.filter(({ ok }) => ok === true),
  };
}

function count(findings: readonly Finding[]): string {
  const { mend, look, fine } = sorted(findings);
  return [
    mend.length === 0 ? "Nothing to mend" : `${mend.length} to mend`,
    ...look.length === 0 ? [] : [`${look.length} to look at`],
    `${fine.length} fine`,
  ].join(", ");
}

function lines({ channel = SHARED, subject, ok, detail, fix }: Finding, width: number): string {
  const text = `${channel.padEnd(width)} ${subject}: ${detail}`;
  const said = `${mark(ok)} ${hanging(text, WIDTH - 2)}\n`;
  if (ok === true || fix === undefined) return said;
  return `${said}${MARGIN}→ ${hanging(fix, WIDTH - MARGIN.length - 2)}\n`;
}

/** The text's lines, the first of which has `first` characters of room, below each other. */
export function hanging(text: string, first: number): string {
  // The padding of a name is no gap between words.
  const [head = "", rest = ""] = splitAt(text, first);
  if (rest === "") return head;
  return [head, ...wrap(rest, WIDTH - MARGIN.length)].join(`\n${MARGIN}`);
}

/** The longest beginning of whole words that fits, and the rest. */
function splitAt(text: string, width: number): readonly [string, string] {
  if (text.length <= width) return [text, ""];
  const end = text.lastIndexOf(" ", width);
  const cut = end > 0 ? end : text.indexOf(" ");
  return cut < 0 ? [text, ""] : [text.slice(0, cut), text.slice(cut + 1)];
}

function mark(ok: boolean | undefined): string {
  const [sign, colour] = ok === undefined ? QUESTIONABLE : ok ? GOOD : BAD;
  const isColoured = Deno.stdout.isTerminal() && !Deno.noColor;
  return isColoured ? styleText(colour, sign, { validateStream: false }) : sign;
}

const GOOD = ["✓", "green"] as const;
const BAD = ["✗", "red"] as const;
const QUESTIONABLE = ["!", "yellow"] as const;
