/**
 * A courier whose calls end as told, and the parcels that it is given.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TurnDelivery } from "../../src/bridge/delivery.ts";
import { TurnGate } from "../../src/bridge/turn_gate.ts";
import type { TurnJob } from "../../src/bridge/turn_job.ts";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";
import type { CallResult } from "../../src/turn/mod.ts";
import type { Arrival, Disposition } from "../../src/vumi/mod.ts";
import { TestClock } from "./clock.ts";
import { arrival, FlakyCache } from "./support.ts";

export const DELIVERED = { kind: "delivered", status: 200 } as const satisfies CallResult;
const FAILED = { kind: "retry", reason: "Turn answered 500", status: 500, afterMs: 0 } as const;
export const RETRY = { ...FAILED, fault: "turn" } as const satisfies CallResult;
export const UNREACHABLE = { ...FAILED, fault: "unreachable" } as const satisfies CallResult;
export const LIMITED = { ...FAILED, kind: "limited", status: 429 } as const satisfies CallResult;
export const REFUSED = { kind: "refused", reason: "Turn answered 400", status: 400 } as const;
export const DELAYS = [5_000, 60_000, 300_000];
export const HOUR_MS = 3_600_000;
export const HOLD_MS = 900_000;

/** How a call ends: so, with an error, or not before the promise. */
export type End = CallResult | Error | Promise<CallResult>;

/** A courier of users' messages between a cache and a gate; its clock is set by the test. */
export class TestCourier implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly stopping = new AbortController();
  readonly abandon = new AbortController();
  readonly registry = new MetricsRegistry();
  readonly metrics = this.registry.channel("c");
  readonly cache: FlakyCache;
  readonly gate: TurnGate;
  readonly courier: TurnDelivery<string>;
  /** Ids that Turn was called about, in order. */
  readonly calls: string[] = [];
  /** How the next calls end. */
  readonly ends: End[];

  /** With another's cache it is the same program, started anew. */
  constructor(
    ends: End[] = [],
    cache?: FlakyCache,
    delaysMs: readonly number[] = DELAYS,
    { maxRetries = 2 } = {},
  ) {
    this.ends = ends;
    this.cache = cache ?? new FlakyCache(() => this.now);
    const { after, elapsed } = this.clock;
    const times = { after, elapsed, now: elapsed };
    this.gate = new TurnGate({ connector: "c", concurrency: 20, ...times });
    this.courier = new TurnDelivery({
      flow: "inbound",
      gate: this.gate,
      cache: this.cache,
      metrics: this.metrics,
      stopping: this.stopping.signal,
      abandon: this.abandon.signal,
      retry: { maxRetries, delayBase: 0, delayExponent: 1, delaysMs },
      holdMs: HOLD_MS,
      ...times,
    });
  }

  /** What time it is. */
  get now(): number {
    return this.clock.now;
  }

  set now(now: number) {
    this.clock.now = now;
  }

  /** Begins nothing more. */
  stop(): void {
    this.stopping.abort();
    this.gate.stop();
  }

  /** Delivers a message of user `key`. */
  deliver(
    id: string,
    how: Partial<Arrival> = {},
    more: Partial<TurnJob<string>> = {},
  ): Promise<Disposition> {
    return this.courier.deliver({
      id,
      key: "user",
      value: id,
      names: { messageId: id },
      retryForMs: HOUR_MS,
      isDelivered: async () => await this.cache.getNote("delivered_inbound", id) !== undefined,
      prepare: () => Promise.resolve(undefined),
      whose: () => Promise.resolve({ user: "+266", about: undefined }),
      call: () => {
        this.calls.push(id);
        const end = this.ends.shift();
        assert.ok(end !== undefined, `called once too often, about ${id}`);
        return end instanceof Error ? Promise.reject(end) : Promise.resolve(end);
      },
      notes: () => [{ kind: "delivered_inbound", id, value: "1", ttlMs: 48 * HOUR_MS }],
      ...more,
    }, arrival(how));
  }

  /** How many were counted so. */
  async counted(result: string): Promise<number> {
    const line = new RegExp(`{flow="inbound",result="${result}",connector="c"} (\\d+)`);
    return Number(line.exec(await this.registry.text())?.[1] ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.stop();
    await this.cache[Symbol.asyncDispose]();
  }
}

/** The headers of a message that comes back from elsewhere. */
export function headersOf(disposition: Disposition): Arrival["headers"] {
  assert.ok("headers" in disposition, disposition.kind);
  return disposition.headers ?? {};
}
