// Looks at the caches every two seconds, so that how they are is known while no request uses them: a
// load balancer may send none because of it.

import { Repeating } from "../async/mod.ts";
import type { MessageCache } from "../cache/mod.ts";

const LOOK_MS = 2_000;

/** Watches caches that share a store, until it is disposed. */
export function watchCaches(caches: readonly MessageCache[]): AsyncDisposable {
  return new Repeating(LOOK_MS, async () => {
    // One tells of the store that all share; of the others those that have found it failing.
    const looked = caches
      .filter((cache, index) => index === 0 || cache.status().failingSince !== undefined);
    await Promise.all(looked.map((cache) => cache.probe()));
  });
}
