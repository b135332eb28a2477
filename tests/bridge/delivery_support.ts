/**
 * Deliveries whose calls end as the test says, and what is done for each message, as a flow would.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CrashCounts } from "../../src/bridge/crash_counts.ts";
import { Deliveries } from "../../src/bridge/deliveries.ts";
import type { Delivery } from "../../src/bridge/delivery.ts";
import type { Job } from "../../src/bridge/job.ts";
import type { FlowOptions } from "../../src/bridge/options.ts";
import type { RetryOptions } from "../../src/bridge/retries.ts";
import { TurnGate } from "../../src/bridge/turn_gate.ts";
import type { Note } from "../../src/cache/mod.ts";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";
import type { CallResult } from "../../src/turn/mod.ts";
import type { Arrival, Disposition } from "../../src/vumi/mod.ts";
import { TestClock } from "./clock.ts";
import { arrival, FlakyCache } from "./support.ts";

export const DELIVERED = { kind: "delivered", status: 200 } as const satisfies CallResult;
const FAILED = { kind: "retry", reason: "Turn answered 500", status: 500, afterMs: 0 } as const;
/** It may be the message's fault, or Turn's. */
export const DOUBTFUL = { ...FAILED, fault: "turn" } as const satisfies CallResult;
/** It is the message's. */
export const RETRY = { ...FAILED, fault: "message" } as const satisfies CallResult;
export const UNREACHABLE = { ...FAILED, fault: "unreachable" } as const satisfies CallResult;
export const LIMITED = { ...FAILED, kind: "limited", status: 429 } as const satisfies CallResult;
export const REFUSED = { kind: "refused", reason: "Turn answered 400", status: 400 } as const;
export const DELAYS = [5_000, 60_000, 300_000];
export const HOUR_MS = 3_600_000;
export const HOLD_MS = 900_000;

/** How a call ends: so, with an error, or not before the promise. */
export type End = CallResult | Error | Promise<CallResult>;

/** What Turn is told: how the call ends. */
export type Call = () => Promise<CallResult>;

/** A message, and what is done for it. */
export interface TestJob extends Job {
  isDelivered(): Promise<boolean>;
  /** What is done before Turn is called; answers why it need not be. */
  prepare(isNew: boolean): Promise<string | undefined>;
  readonly call: Call;
  readonly notes: readonly Note[];
}

/** The script of a flow. */
export async function deliver(
  deliveries: Deliveries<Call>,
  job: TestJob,
  arrival: Arrival,
): Promise<Disposition> {
  using delivery = await deliveries.begin(job, arrival);
  return await delivery.run(() => deliverOnce(delivery, job));
}

async function deliverOnce(delivery: Delivery<Call>, job: TestJob): Promise<Disposition> {
  if (delivery.isRepeated && await job.isDelivered()) return await delivery.duplicate();
  const parked = await delivery.begin();
  if (parked !== undefined) return parked;
  const why = await job.prepare(delivery.isNew);
  if (why !== undefined) return await delivery.skip(why);
  const sent = await delivery.send(job.call);
  if (sent.kind !== "delivered") return sent;
  return await delivery.delivered(sent, job.notes);
}

/** What tells one flow's deliveries from another's. */
type TestFlow<P> =
  & Pick<FlowOptions<P>, "flow" | "call" | "timeoutMs">
  & Pick<RetryOptions, "maxRetries" | "delaysMs">;

/** Deliveries of users' messages between a cache and a gate; their clock is set by the test. */
export class TestDelivery implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly stopping = new AbortController();
  readonly abandon = new AbortController();
  readonly registry = new MetricsRegistry();
  readonly metrics = this.registry.channel("c");
  readonly cache: FlakyCache;
  readonly crashes = new CrashCounts();
  readonly gate: TurnGate;
  readonly deliveries: Deliveries<Call>;
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
    this.crashes.takeOver(this.cache.handover);
    this.gate = new TurnGate({ connector: "c", concurrency: 20, ...this.#times });
    this.deliveries = this.deliveriesOf<Call>({
      ...{ flow: "inbound", call: (end) => end(), timeoutMs: () => 1_000 },
      ...{ maxRetries, delaysMs },
    });
  }

  /** A flow's deliveries, between this cache and this gate. */
  deliveriesOf<P>({ maxRetries, delaysMs, ...flow }: TestFlow<P>): Deliveries<P> {
    return new Deliveries<P>({
      ...flow,
      gate: this.gate,
      crashes: this.crashes,
      cache: this.cache,
      metrics: this.metrics,
      stopping: this.stopping.signal,
      abandon: this.abandon.signal,
      retry: { maxRetries, delayBase: 0, delayExponent: 1, delaysMs },
      holdMs: HOLD_MS,
      ...this.#times,
    });
  }

  get #times() {
    const { after, elapsed } = this.clock;
    return { after, elapsed, now: elapsed };
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
    more: Partial<TestJob> = {},
  ): Promise<Disposition> {
    return deliver(this.deliveries, {
      id,
      key: "user",
      rank: 0,
      names: { messageId: id },
      retryForMs: HOUR_MS,
      queuedAt: this.now,
      subject: { user: "+266" },
      isDelivered: async () => await this.cache.getNote("delivered_inbound", id) !== undefined,
      prepare: () => Promise.resolve(undefined),
      call: () => {
        this.calls.push(id);
        const end = this.ends.shift();
        assert.ok(end !== undefined, `called once too often, about ${id}`);
        return end instanceof Error ? Promise.reject(end) : Promise.resolve(end);
      },
      notes: [{ kind: "delivered_inbound", id, value: "1", ttlMs: 48 * HOUR_MS }],
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
