/**
 * Turn's request as a line for a shell, so that a person can play Turn.
 *
 * @module
 */

import { sign, SIGNATURE_HEADER } from "../turn/mod.ts";

/** A request that Turn would make. */
export interface SignedRequest {
  /** The bridge's address for messages. */
  readonly url: string;
  /** The secret to sign with. */
  readonly secret: string;
  /** The body, of which the signature is. */
  readonly body: string;
}

/** The `curl` that makes the request, for any POSIX shell. */
export function curlCommand({ url, secret, body }: SignedRequest): string {
  const signature = sign(secret, new TextEncoder().encode(body));
  const headers = ["Content-Type: application/json", `${SIGNATURE_HEADER}: ${signature}`];
  const words = ["curl", ...headers.flatMap((header) => ["-H", quote(header)])];
  return [...words, "--data-raw", quote(body), quote(url)].join(" ");
}

/** Between single quotes a shell takes all as it is, except a single quote. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
