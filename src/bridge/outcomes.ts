/**
 * Counts for the audit, one flow's. They are not waited for: a count is not worth a message.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { CacheError, type MessageCache, type Note } from "../cache/mod.ts";
import type { Flow } from "../telemetry/mod.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** What came, and what became of it, by day. */
export class Outcomes {
  readonly #cache: MessageCache;
  readonly #flow: Flow;

  /** Makes it; no I/O. */
  constructor(cache: MessageCache, flow: Flow) {
    this.#cache = cache;
    this.#flow = flow;
  }

  /** Counts one; what it came to, all or none. */
  count(...results: readonly string[]): void {
    this.#watch(this.#cache.tally(results.map((result) => ({ flow: this.#flow, result }))));
  }

  /** Counts one, and notes something down about it. */
  countWith(note: Note, result: string): void {
    this.#watch(this.#cache.putNotes([note], [{ flow: this.#flow, result }]));
  }

  #watch(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof CacheError)) throw error;
      log.debug("Not counted for the audit: {reason}", { reason: error.message });
    });
  }
}
