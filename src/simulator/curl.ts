/**
 * Turn's request as a line for a shell, so that a person can play Turn.
 *
 * @module
 */

import { sign, SIGNATURE_HEADER } from "../turn/mod.ts";

/** The `curl` that POSTs `body` to `url`, signed with `secret`, for any POSIX shell. */
export function curlCommand(url: string, body: string, secret: string): string {
  const signature = sign(secret, new TextEncoder().encode(body));
  const headers = ["Content-Type: application/json", `${SIGNATURE_HEADER}: ${signature}`];
  const words = ["curl", ...headers.flatMap((header) => ["-H", quote(header)])];
  return [...words, "--data-raw", quote(body), quote(url)].join(" ");
}

/** Between single quotes a shell takes all as it is, except a single quote. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
