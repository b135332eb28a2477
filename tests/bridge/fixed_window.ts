/**
 * A Turn that limits calls in fixed windows, on a clock of its own, and callers who ask a
 * {@linkcode RateLimiter} before each call. Nothing waits: time jumps from event to event.
 *
 * @module
 */

import { RateLimiter, type Resource } from "../../src/bridge/rate_limiter.ts";
import type { RateLimit } from "../../src/turn/mod.ts";

export interface FixedWindow {
  /** Calls a window. */
  readonly limit: number;
  readonly windowMs: number;
  /** Which answers tell the limit. */
  readonly headers: "all" | "refusals";
  readonly bucket?: string;
  /** How long each call takes in milliseconds; Turn counts it at the start. */
  readonly latency: () => number;
  readonly concurrency: number;
  /** What is to be called, in order. */
  readonly calls: readonly Resource[];
}

export interface Outcome {
  readonly delivered: number;
  readonly limited: number;
  readonly windows: number;
  /** What was delivered, in order. */
  readonly order: readonly Resource[];
}

interface Happening {
  readonly at: number;
  readonly happen: () => void;
}

/** Lets all calls be made. Throws if one is not let through within an hour of the last. */
export function simulate(turn: FixedWindow): Outcome {
  const limiter = new RateLimiter();
  const begin = 1_786_331_000_123;
  let now = begin;
  const ahead: Happening[] = [];
  const at = (time: number, happen: () => void): void => {
    const index = ahead.findIndex((other) => other.at > time);
    ahead.splice(index < 0 ? ahead.length : index, 0, { at: time, happen });
  };
  const waiting = [...turn.calls];
  const order: Resource[] = [];
  let [window, taken, inFlight, limited, lookAt] = [0, 0, 0, 0, Infinity];

  function answer(): { ok: boolean; limit: RateLimit | undefined; resetAt: number } {
    const current = Math.floor(now / turn.windowMs);
    if (current !== window) [window, taken] = [current, 0];
    const ok = taken < turn.limit;
    if (ok) taken++;
    const resetAt = (window + 1) * turn.windowMs;
    const { limit, bucket } = turn;
    const told = { bucket, limit, remaining: limit - taken, resetAt };
    return { ok, resetAt, limit: ok && turn.headers === "refusals" ? undefined : told };
  }

  function call(resource: Resource): void {
    const bucket = limiter.begun(resource);
    const { ok, limit, resetAt } = answer();
    const refusedForMs = ok ? undefined : resetAt - now;
    inFlight++;
    at(now + turn.latency(), () => {
      inFlight--;
      limiter.ended(resource, bucket, limit, refusedForMs, now);
      if (ok) order.push(resource);
      else {
        limited++;
        waiting.push(resource);
      }
      dispatch();
    });
  }

  function dispatch(): void {
    while (inFlight < turn.concurrency) {
      const resource = waiting.includes("messages") ? "messages" : waiting[0];
      if (resource === undefined) return;
      const waitMs = limiter.waitMs(resource, now);
      if (waitMs > 3_600_000) throw new Error(`Waits for ${waitMs} ms`);
      if (waitMs > 0) return look(now + waitMs);
      waiting.splice(waiting.indexOf(resource), 1);
      call(resource);
    }
  }

  function look(time: number): void {
    if (time >= lookAt) return;
    lookAt = time;
    at(time, () => {
      lookAt = Infinity;
      dispatch();
    });
  }

  dispatch();
  for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) {
    now = next.at;
    next.happen();
  }
  const windows = (now - begin) / turn.windowMs;
  return { delivered: order.length, limited, windows, order };
}
