// Deno KV on a server instead of in a file, by the protocol KV Connect: what is different then. The
// client is the runtime's own. It takes the token from the environment, and calls again for ever
// while the server fails, so how long is waited for it is decided here.

import { EXPIRED, within } from "../../async/mod.ts";

/** The variable that the runtime's client reads the token from. */
export const TOKEN_VARIABLE = "DENO_KV_ACCESS_TOKEN";

/** Whether a cache's path is the URL of a server. */
export function isRemote(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/** Whether it is a file on a disk; Deno KV's one more place is in memory. */
export function isFile(path: string): boolean {
  return !isRemote(path) && path !== ":memory:" && path !== "";
}

/** What the cache at `path` is called. */
export function kvName(path: string): string {
  return isRemote(path) ? `cache ${path}` : `cache file ${path}`;
}

/**
 * Opens Deno KV at `path`, a server only if it lets us read: the runtime may not ask it before.
 * @throws {Error} The runtime's, or that there was no answer in time.
 */
export async function openKv(path: string): Promise<Deno.Kv> {
  const kv = await inTime(path, Deno.openKv(path));
  try {
    if (isRemote(path)) await inTime(path, kv.get(["check"]));
    return kv;
  } catch (error) {
    kv.close();
    throw error;
  }
}

/**
 * Waits for `work` on the cache at `path`; for a server at most `limitMs` milliseconds. What was asked
 * of it may be done all the same.
 * @throws {Error} If it has not answered in time.
 */
export async function inTime<T>(path: string, work: Promise<T>, limitMs = 5_000): Promise<T> {
  if (!isRemote(path)) return await work;
  const done = await within(work, limitMs);
  if (done === EXPIRED) throw new Error(`no answer within ${limitMs / 1000} s`);
  return done;
}
