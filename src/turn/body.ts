// Reading a request's body within a size, a time, and what all bodies together may take of memory.

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
  | { readonly kind: "expired" }
  /** All bodies that are held take too much already. */
  | { readonly kind: "crowded" };

/** Up to here a body is read in one go: a stream costs as much as all the rest of taking a request. */
const SMALL_BYTES = 16 * 1024;
/** As much is held of all bodies together; of that as much as follows in larger ones. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_LARGE_BYTES = MOST_BYTES / 2;

/** The bytes of all bodies that are held at once. */
export class BodyMemory {
  /** So many. */
  bytes = 0;
}

/** What one request holds of it, until it is disposed. */
export class BodyHold implements Disposable {
  readonly #memory: BodyMemory;
  #bytes = 0;

  /** Holds nothing yet. */
  constructor(memory: BodyMemory) {
    this.#memory = memory;
  }

  /** Holds so many bytes more, if that makes no more than `most` of all together. */
  take(bytes: number, most: number): boolean {
    if (this.#memory.bytes + bytes > most) return false;
    this.#memory.bytes += bytes;
    this.#bytes += bytes;
    return true;
  }

  [Symbol.dispose](): void {
    this.#memory.bytes -= this.#bytes;
  }
}

/** Reads the body of `request`, up to `maxBytes`. */
export async function readBody(
  request: Request,
  maxBytes: number,
  deadline: Deadline,
  hold: BodyHold,
): Promise<Body> {
  const length = bodyLength(request.headers);
  if (length !== undefined && length > maxBytes) return { kind: "too_large" };
  // What is large counts as it comes: to announce it costs a sender nothing.
  if (length === undefined || length > SMALL_BYTES) {
    return await readStream(request, maxBytes, deadline, hold);
  }
  if (!hold.take(length, MOST_BYTES)) return { kind: "crowded" };
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
  // A header that comes twice, alike, is passed by the server, and reads as "9, 9".
  return /^\d+$/.test(length) ? Number(length) : undefined;
}

/** Reads a body that is large, or whose size is not known before its end. */
async function readStream(
  request: Request,
  maxBytes: number,
  deadline: Deadline,
  hold: BodyHold,
): Promise<Body> {
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
      if (!hold.take(part.value.length, MOST_LARGE_BYTES)) return { kind: "crowded" };
      chunks.push(part.value);
    }
  } catch {
    return { kind: "broken" };
  } finally {
    // Nobody is left to hear that what is not wanted could not be cancelled.
    reader.cancel().catch(() => {});
  }
}
