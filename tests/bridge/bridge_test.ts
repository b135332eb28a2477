import assert from "node:assert/strict";
import { Bridge } from "../../src/bridge/mod.ts";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";
import { TurnClient } from "../../src/turn/mod.ts";
import { Connector, createMessage, encodeMessage } from "../../src/vumi/mod.ts";
import { until } from "../support/until.ts";
import { FlakyCache } from "./support.ts";

/** A bridge on a broker in memory, and a Turn that is simulated. */
class TestBridge implements AsyncDisposable {
  readonly broker = MemoryBroker.open();
  readonly cache = new FlakyCache();
  readonly registry = new MetricsRegistry();
  readonly metrics = this.registry.channel("c");
  /** Bodies of the calls to Turn. */
  readonly told: unknown[] = [];
  /** What Turn answers: it is not there. */
  answer: () => Promise<Response> = () => Promise.reject(new TypeError("client error (Connect)"));
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

  constructor(holdMs = 15 * 60_000) {
    const { broker, cache } = this;
    const prefetch = { inboundPrefetch: 2, eventPrefetch: 2 };
    this.bridge = new Bridge({
      connector: new Connector({ name: "c", broker, ...prefetch }),
      turn: this.#turn,
      cache,
      metrics: this.metrics,
      defaultFromAddr: "8110",
      transportType: "sms",
      emptyMessageBody: undefined,
      failedStatus: "sent",
      messageTimeoutMs: 1_000,
      statusTimeoutMs: 1_000,
      retry: { maxRetries: 1, delayBase: 0, delayExponent: 1, delaysMs: [5_000] },
      retryForMs: 86_400_000,
      ussdRetryForMs: 86_400_000,
      compactStatuses: true,
      dedupeWindowMs: 0,
      concurrency: 2,
      holdMs,
    });
    broker.declare("c.inbound");
    this.bridge.start();
  }

  /** A user writes. */
  async write(message_id: string): Promise<void> {
    const message = createMessage({
      message_id,
      to_addr: "8110",
      from_addr: "+266",
      transport_name: "t",
      transport_type: "sms",
    });
    await this.broker.publish("c.inbound", encodeMessage(message));
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

Deno.test("Bridge keeps in hand what waits for Turn, and puts it back in its place when it drains", async () => {
  await using test = new TestBridge();
  for (const id of ["m1", "m2", "m3"]) await test.write(id);
  await until("Turn is down", () => test.bridge.turnFigures().breaker === "open");
  assert.deepEqual(test.waiting(), [["m3", undefined]]);
  await test.bridge.drain(AbortSignal.timeout(1_000));
  assert.deepEqual(test.waiting(), [["m1", undefined], ["m2", undefined], ["m3", undefined]]);
});

Deno.test("Bridge sends what was in hand for too long to the end of its queue, in order", async () => {
  await using test = new TestBridge(50);
  for (const id of ["m1", "m2", "m3"]) await test.write(id);
  await until("copies", () => test.waiting().flat().includes(3));
  await test.bridge.drain(AbortSignal.timeout(1_000));
  const ids = test.waiting().map((entry) => Array.isArray(entry) && entry[0]).join();
  assert.ok("m1,m2,m3,m1,m2,m3".includes(ids) && ids.length === 8, ids);
});

Deno.test("Bridge.takeOver() goes by what another one has noted of messages that wait elsewhere", async () => {
  await using test = new TestBridge();
  test.answer = () => Promise.resolve(new Response("{}"));
  await test.write("m1");
  await until("m1", () => test.told.length === 1);
  const ttlMs = 60_000;
  await test.cache.putNotes([
    { kind: "order", id: "inbound", value: `${Date.now() + ttlMs}`, ttlMs },
    { kind: "order", id: "inbound:+266", value: JSON.stringify([[Date.now(), 0, 7]]), ttlMs },
  ]);
  // It has looked already, and what is noted is noted by itself only.
  await test.write("m2");
  await until("m2", () => test.told.length === 2);
  assert.match(await test.registry.text(), /result="again",connector="c"} 0$/m);
  test.bridge.takeOver();
  await test.write("m3");
  await until("m3", () => test.told.length === 3);
  assert.match(await test.registry.text(), /flow="inbound",result="again",connector="c"} 1$/m);
});
