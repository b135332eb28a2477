// For what no message depends on: a cache that fails is said to fail, and the work is left undone.

import { CacheError } from "../cache/mod.ts";

/** What `work` comes to; undefined, and reported with the reason, if the cache fails. */
export async function tolerateCacheError<T>(
  work: Promise<T>,
  report: (reason: string) => void,
): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    report(error.message);
    return undefined;
  }
}
