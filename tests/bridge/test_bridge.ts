/**
 * A bridge on a broker in memory, and a Turn that is simulated.
 *
 * @module
 */

import { Bridge, Owners, reportStatesOf } from "../../src/bridge/mod.ts";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";
import { TurnClient } from "../../src/turn/mod.ts";
import { Connector, createMessage, encodeMessage, type Message } from "../../src/vumi/mod.ts";
import { CONTENT, FlakyCache, SMS, USSD } from "./support.ts";

/** A connector that can be made to fail. */
class TestConnector extends Connector {
  /** Why nothing can be published. */
  failure: Error | undefined;

  override publish(...args: Parameters<Connector["publish"]>): Promise<void> {
    return this.failure === undefined ? super.publish(...args) : Promise.reject(this.failure);
  }
}

/** The bridge of the connector `c`. */
export class TestBridge implements AsyncDisposable {
  /** All of its queues. */
  readonly broker = MemoryBroker.open();
  /** What it remembers. */
  readonly cache = new FlakyCache();
  /** Where its metrics are. */
  readonly registry = new MetricsRegistry();
  /** Its own metrics. */
  readonly metrics = this.registry.channel("c");
  /** Its queues' names, and what is published. */
  readonly connector: TestConnector;
  /** Bodies of the calls to Turn. */
  readonly told: unknown[] = [];
  /** What Turn answers: it is not there. */
  answer: () => Promise<Response> = () => Promise.reject(new TypeError("client error (Connect)"));
  /** It itself. */
  readonly bridge: Bridge;
  readonly #turn = new TurnClient({
    apiUrl: "http://turn.example",
    authToken: "t",
    statusFormat: "flat",
    fetch: (_, init) => {
      // Deno 2.6's types know no body of it.
      this.told.push((init as { readonly body?: unknown } | undefined)?.body);
      return this.answer();
    },
  });

  /** Starts it. */
  constructor(
    holdMs = 15 * 60_000,
    more: Partial<ConstructorParameters<typeof Bridge>[0]> = {},
    inboundPrefetch = 2,
  ) {
    const { broker, cache } = this;
    const connector = new TestConnector({ name: "c", broker, inboundPrefetch, eventPrefetch: 2 });
    this.connector = connector;
    this.bridge = new Bridge({
      connector,
      turn: this.#turn,
      cache,
      metrics: this.metrics,
      defaultFromAddr: "8110",
      transportType: "sms",
      content: CONTENT,
      emptyMessageBody: undefined,
      failedStatus: "sent",
      messageTimeoutMs: 1_000,
      statusTimeoutMs: 1_000,
      retry: { maxRetries: 1, delayBase: 0, delayExponent: 1, delaysMs: [5_000] },
      retryForMs: 86_400_000,
      ussdRetryForMs: 86_400_000,
      compactStatuses: true,
      dedupeWindowMs: 0,
      ussd: USSD,
      sms: SMS,
      contactIds: "as_is",
      reportStates: reportStatesOf({}),
      owners: new Owners(cache),
      concurrency: 2,
      holdMs,
      ...more,
    });
    broker.declare("c.inbound");
    this.bridge.start();
  }

  /** A user writes. */
  async write(
    message_id: string,
    fields: Partial<Message> = {},
    headers: Record<string, number> = {},
  ): Promise<void> {
    const message = createMessage({
      message_id,
      to_addr: "8110",
      from_addr: "+266",
      transport_name: "t",
      transport_type: "sms",
      ...fields,
    });
    await this.broker.publish("c.inbound", encodeMessage(message), headers);
  }

  /** What waits in the queue: ids, and the copy's number of each. */
  waiting(): unknown[] {
    return this.broker.waiting("c.inbound").map(({ body, headers }) => [
      JSON.parse(new TextDecoder().decode(body)).message_id,
      headers["x-retry-copies"],
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bridge.drain(AbortSignal.timeout(1_000));
    this.#turn[Symbol.dispose]();
    await this.broker[Symbol.asyncDispose]();
    await this.cache[Symbol.asyncDispose]();
  }
}
