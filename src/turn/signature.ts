// Turn's signature of a request: base64(HMAC-SHA256(secret, raw body)), in the header
// `X-Turn-Hook-Signature`.

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";

/** The header that carries the signature. */
export const SIGNATURE_HEADER = "X-Turn-Hook-Signature";

/** 32 bytes in base64. */
const SIGNATURE = /^[A-Za-z0-9+/]{43}=$/;

/** Whether `signature` could be one of anything. */
export function isPlausible(signature: string): boolean {
  return SIGNATURE.test(signature);
}

/** The signature of `body`, as Turn makes it. */
export function sign(secret: string, body: Uint8Array): string {
  return createHmac("sha256", secret).update(body).digest("base64");
}

/**
 * Whether `signature` is that of `body` with any of the secrets. All are tried: how long it takes
 * tells nothing of the right one, nor which secret it was.
 */
export function verify(
  secrets: readonly string[],
  body: Uint8Array,
  signature: string | undefined,
): boolean {
  // UTF-8, not latin1, which would take "Ł" for "A".
  const given = Buffer.from(signature ?? "");
  let fits = false;
  for (const secret of secrets) {
    const right = Buffer.from(sign(secret, body));
    const same = given.length === right.length && timingSafeEqual(given, right);
    fits = same || fits;
  }
  return fits;
}
