// Reading a request's body within a size and a time.

import { Buffer } from "node:buffer";
import { type Deadline, EXPIRED } from "../async/mod.ts";

/** A body, or why it could not be read. */
type Body =
  | { readonly kind: "complete"; readonly bytes: Uint8Array }
  /** More than was allowed is coming; no more than that was kept. */
  | { readonly kind: "too_large" }
  /** The sender hung up, or its framing is wrong. */
  | { readonly kind: "broken" }
  /** The deadline passed first. */
  | { readonly kind: "expired" };

/** Reads the body of `request`, up to `maxBytes`. */
export async function readBody(
  request: Request,
  maxBytes: number,
  deadline: Deadline,
): Promise<Body> {
  const length = bodyLength(request.headers);
  if (length === undefined) return await readStream(request, maxBytes, deadline);
  if (length > maxBytes) return { kind: "too_large" };
  // All at once: a stream costs as much as all the rest of taking a request.
  const bytes = await deadline.race(request.bytes().catch(() => undefined));
  if (bytes === EXPIRED) return { kind: "expired" };
  return bytes === undefined ? { kind: "broken" } : { kind: "complete", bytes };
}

/**
 * How many bytes a body has, if its headers tell for sure: the length does not count for one that
 * comes in chunks, and says little of one that fetch unpacks.
 */
export function bodyLength(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  if (length === null || headers.has("transfer-encoding") || headers.has("content-encoding")) {
    return;
  }
  return Number(length);
}

/** Reads a body whose size is not known before its end. */
async function readStream(request: Request, maxBytes: number, deadline: Deadline): Promise<Body> {
  if (request.body === null) return { kind: "complete", bytes: new Uint8Array() };
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    while (true) {
      const part = await deadline.race(reader.read());
      if (part === EXPIRED) return { kind: "expired" };
      if (part.done) return { kind: "complete", bytes: Buffer.concat(chunks) };
      length += part.value.length;
      if (length > maxBytes) return { kind: "too_large" };
      chunks.push(part.value);
    }
  } catch {
    return { kind: "broken" };
  } finally {
    // Nobody is left to hear that what is not wanted could not be cancelled.
    reader.cancel().catch(() => {});
  }
}
