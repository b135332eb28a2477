// Payloads and headers as the page shows them: formatted, and cut if they are long.

import { parseJson } from "../../async/mod.ts";
import type { TraceStep } from "./events.ts";

const LONGEST_BODY = 6_000;
const LONGEST_TEXT = 600;
const MOST_HEADERS = 30;

export function excerpt(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

/** A payload as indented JSON; text is parsed if it is JSON. */
export function formatBody(value: unknown): string {
  const json = typeof value === "string" ? parseJson(value) : undefined;
  const text = JSON.stringify(json === undefined ? value : json, undefined, 2);
  return text.length > LONGEST_BODY ? `${text.slice(0, LONGEST_BODY)}\n…` : text;
}

export function headersOf(headers: Headers): NonNullable<TraceStep["headers"]> {
  return [...headers].slice(0, MOST_HEADERS).map(([name, value]) => [name, excerpt(value)]);
}

export function formatMs(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1).replace(".0", "")} s`;
}
