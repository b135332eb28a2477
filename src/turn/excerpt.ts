// What Turn, or the runtime, says when a call fails, short enough for a log line and for a header.

import * as z from "zod";
import { isOutOfDescriptors, isTimeout, messageOfCause, parseJson } from "../async/mod.ts";
import { countLeftFds } from "../telemetry/mod.ts";
import { bodyLength } from "./body.ts";

/** As much of an answer's body as is read, unless more is asked for. */
const READ_BYTES = 4096;
const EXCERPT_CHARACTERS = 200;

const text = z.string().optional().catch(undefined);

/** Turn's two forms of error: `{"errors":[{title,details}]}` and `{"error":{message}}`. */
const errorSchema = z.object({
  errors: z.array(z.object({ title: text, details: text })).catch([]),
  error: z.object({ message: text }).catch({ message: undefined }),
});

/** What an answer's body says, as one line; empty if it says nothing or can't be read. */
export function readErrorText(body: string, secret: string): string {
  return oneLine(errorText(body) ?? body, secret);
}

/** One line of at most 200 characters, without control characters and without `secret`. */
export function oneLine(text: string, secret = ""): string {
  const safe = secret === "" ? text : text.replaceAll(secret, "[secret]");
  const line = safe.replace(/[\s\p{C}]+/gu, " ").trim();
  return line.slice(0, EXCERPT_CHARACTERS).toWellFormed();
}

/** The beginning of the answer's body, up to `maxBytes` and no more than what came last. */
export async function readStart(response: Response, maxBytes = READ_BYTES): Promise<string> {
  if (response.body === null) return "";
  // A stream costs as much as the whole call does otherwise, and most answers are short.
  const length = bodyLength(response.headers);
  if (length !== undefined && length <= READ_BYTES) return await response.text().catch(() => "");
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length >= maxBytes) break;
    }
  } catch {
    // What came before it broke off is still worth reading.
  }
  return text;
}

/** Whether an answer is a web page, of a proxy's or a login: no answer of Turn's API is one. */
export function isPage(headers: Headers, start: string): boolean {
  const text = start.trimStart();
  const isHtml = /html/i.test(headers.get("content-type") ?? "");
  return text.startsWith("<") || isHtml && text !== "";
}

function errorText(body: string): string | undefined {
  const read = errorSchema.safeParse(parseJson(body));
  if (!read.success) return undefined;
  const { errors, error } = read.data;
  const said = [...errors.flatMap(({ title, details }) => [title, details]), error.message]
    .filter((part) => part !== undefined);
  return said.length === 0 ? undefined : said.join(", ");
}

/** What the runtime says when a call gets no answer, without the address, which the configuration has. */
export function networkError(error: unknown): string {
  if (isTimeout(error)) return "it timed out";
  return messageOfCause(error).replace(/^error sending request .*?: client error \(\w+\): /, "");
}

/** Whether there was no connection to send the call on: refused, no such host, no route. */
export function isUnreachable(error: unknown): boolean {
  return messageOfCause(error).includes("client error (Connect)");
}

/** How many free file descriptors it takes to look up a name and to connect. */
const FILES_TO_CONNECT = 4;

/**
 * Whether a call failed for our own lack of file descriptors. The words alone don't tell: a name that
 * could not be looked up for it is "not known". So it is tried.
 */
export function isOutOfFiles(error: unknown): boolean {
  if (isOutOfDescriptors(error)) return true;
  return isUnreachable(error) &&
    (countLeftFds(FILES_TO_CONNECT) ?? FILES_TO_CONNECT) < FILES_TO_CONNECT;
}
