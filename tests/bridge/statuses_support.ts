/**
 * The flow of statuses, and a Turn that answers as the test says.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Owners, reportStatesOf } from "../../src/bridge/mod.ts";
import { StatusFlow, type StatusOptions } from "../../src/bridge/statuses.ts";
import type { CallOptions, CallResult, Status } from "../../src/turn/mod.ts";
import { createMessage, decodeEvent, type Disposition, type Event } from "../../src/vumi/mod.ts";
import { DELIVERED, HOUR_MS, TestDelivery } from "./delivery_support.ts";
import { arrival, memoryConnector, smsSender, USSD } from "./support.ts";

/** The transport took it. */
export const ACK = { event_type: "ack", sent_message_id: "theirs" };
/** It did not. */
export const NACK = { event_type: "nack", nack_reason: "no credit" };

/** A delivery report. */
export function report(delivery_status: string): Record<string, string> {
  return { event_type: "delivery_report", delivery_status };
}

/** A delivery report of vumi2's SMPP transport, which has a status of its own for the SMSC's word. */
export function smppReport(word: string, delivery_status = "pending"): Record<string, unknown> {
  return { ...report(delivery_status), transport_metadata: { smpp_delivery_status: word } };
}

/** An event about the message `m`. */
function event(fields: Record<string, unknown>): Event {
  const all = { user_message_id: "m", timestamp: "2015-06-15 13:00:00.000000", ...fields };
  return decodeEvent(new TextEncoder().encode(JSON.stringify(all)));
}

/** The flow of statuses, which has sent the message `m`. */
export class TestStatuses implements AsyncDisposable {
  /** Its clock, cache and metrics. */
  readonly base = new TestDelivery();
  /** What is remembered. */
  readonly cache = this.base.cache;
  /** What Turn was told, in order. */
  readonly told: Status[] = [];
  /** What Turn answers; by default it takes everything. */
  answer: (status: Status) => CallResult | Promise<CallResult> = () => DELIVERED;
  readonly #flow: StatusFlow;

  private constructor(more: Partial<StatusOptions>) {
    const { base, cache } = this;
    const sendStatus = async (status: Status, options: CallOptions): Promise<CallResult> => {
      assert.deepEqual(options.timeoutMs, 7_000);
      this.told.push(status);
      return await this.answer(status);
    };
    const deliveries = base.deliveriesOf({
      flow: "status",
      call: sendStatus,
      timeoutMs: () => 7_000,
      maxRetries: 1,
      delaysMs: [5_000],
    });
    const options = {
      cache,
      connector: memoryConnector(),
      retryForMs: HOUR_MS,
      failedStatus: "failed",
      compactStatuses: true,
      contactIds: "as_is",
      ussd: USSD,
      reportStates: reportStatesOf({}),
      owners: new Owners(cache),
      metrics: base.metrics,
      ...more,
    } as const;
    const { clock: { elapsed, after }, stopping: { signal: stopping } } = base;
    const sender = smsSender({ ...options, stopping, now: elapsed, elapsed, after });
    this.#flow = new StatusFlow(options, deliveries, sender);
  }

  /** Starts it. */
  static async start(more: Partial<StatusOptions> = {}): Promise<TestStatuses> {
    const statuses = new TestStatuses(more);
    const { content: _, helper_metadata: _h, routing_metadata: _r, ...kept } = createMessage({
      message_id: "m",
      to_addr: "+266",
      from_addr: "8110",
      transport_name: "t",
      transport_type: "sms",
    });
    await statuses.cache.putOutbound(kept);
    return statuses;
  }

  /** An event comes. */
  handle(fields: Record<string, unknown>, how = arrival()): Promise<Disposition> {
    return this.#flow.handle(event(fields), how);
  }

  /** The statuses that Turn was told. */
  get words(): string[] {
    return this.told.map(({ status }) => status);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.base[Symbol.asyncDispose]();
  }
}
