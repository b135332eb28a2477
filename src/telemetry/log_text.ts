// A log record's words: with the values in their places, and the one line of each message as a person reads
// it at a terminal.

import { inspect } from "node:util";
import type { LogRecord } from "@logtape/logtape";

type Words = Pick<LogRecord, "rawMessage" | "properties">;

/** The text with its values, as they are: what is not there stays a name, and content is never told. */
export function renderMessage({ rawMessage, properties }: Words): string {
  let text = "";
  const parts = partsOf(templateOf(rawMessage));
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] ?? "";
    if (index % 2 === 0) text += part;
    else {
      const value = properties[part];
      if (value !== undefined) text += valueText(value);
      else text += part === "content" ? "(content)" : `{${part}}`;
    }
  }
  return text;
}

/** Constant texts are few; one that is made at run time is none. */
const MOST_TEMPLATES = 1000;
const templates = new Map<string, readonly string[]>();

/** Texts and names in turn, beginning and ending with a text. */
function partsOf(template: string): readonly string[] {
  const known = templates.get(template);
  if (known !== undefined) return known;
  const parts = template.split(/\{(\w+)\}/);
  if (templates.size < MOST_TEMPLATES) templates.set(template, parts);
  return parts;
}

/** The constant text. */
export function templateOf(rawMessage: LogRecord["rawMessage"]): string {
  return typeof rawMessage === "string" ? rawMessage : rawMessage.join("{}");
}

/** Control and format characters, which could end the line or be obeyed by a terminal. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The line for a person, without anything that a terminal would obey. */
export function lineText(record: Words): string {
  const text = record.rawMessage === DONE ? doneText(record.properties) : renderMessage(record);
  return text.replaceAll(
    UNSEEN,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What is said of a message at its end, by bridge/outcomes.ts. */
const DONE = "Done: {flow} {messageId} {result}";

/** `delivered +2661...678 → Turn in 34 ms (ussd, 01a2…)`. */
function doneText(values: Readonly<Record<string, unknown>>): string {
  const { flow, result, user, durationMs, attempts, connector, messageId, why, reason } = values;
  const whose = user === undefined || user === null ? "?" : valueText(user);
  const way = flow === "outbound"
    ? `Turn → ${whose}`
    : `${flow === "status" ? "status of " : ""}${whose} → Turn`;
  const took = typeof durationMs === "number" ? ` in ${Math.round(durationMs)} ms` : "";
  const tried = typeof attempts === "number" && attempts > 1 ? ` at attempt ${attempts}` : "";
  const id = messageId === null || messageId === undefined
    ? "no id"
    : shortId(valueText(messageId));
  const names = connector === undefined ? id : `${valueText(connector)}, ${id}`;
  const cause = why ?? reason;
  return `${valueText(result)} ${way}${took}${tried} (${names})` +
    (cause === undefined ? "" : `: ${valueText(cause)}`);
}

function shortId(id: string): string {
  return id.length > 8 ? `${id.slice(0, 8)}…` : id;
}

function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack ?? value.message;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return inspect(value); // It refers to itself, or has a bigint in it.
  }
}
