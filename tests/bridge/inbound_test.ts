import assert from "node:assert/strict";
import { readDelivered } from "../../src/bridge/delivery_records.ts";
import { InboundFlow, type InboundOptions } from "../../src/bridge/inbound.ts";
import type { CallOptions, CallResult, InboundText } from "../../src/turn/mod.ts";
import { createMessage, type Disposition, type Message } from "../../src/vumi/mod.ts";
import { DELIVERED, headersOf, HOUR_MS, RETRY, TestDelivery } from "./delivery_support.ts";
import { ussdInbound } from "./ussd_support.ts";
import { AGAIN, arrival, CONTENT, memoryConnector, settle, USSD } from "./support.ts";

const DONE: Disposition = { kind: "done" };

/** The flow of users' messages. */
class TestInbound implements AsyncDisposable {
  readonly base = new TestDelivery();
  readonly cache = this.base.cache;
  /** What Turn was told, in order. */
  readonly told: InboundText[] = [];
  /** What Turn answers. */
  answer: () => CallResult | Promise<CallResult> = () => DELIVERED;
  readonly #flow: InboundFlow;

  constructor(more: Partial<InboundOptions> = {}) {
    const { base, cache } = this;
    const sendMessage = async (text: InboundText, options: CallOptions): Promise<CallResult> => {
      assert.equal(options.timeoutMs, 9_000);
      // Turn's answer may come before Turn has answered our call.
      assert.equal((await cache.getInbound(text.id))?.message_id, text.id);
      this.told.push(text);
      return this.answer();
    };
    const deliveries = base.deliveriesOf({
      flow: "inbound",
      call: sendMessage,
      timeoutMs: () => 9_000,
      maxRetries: 0,
      delaysMs: [5_000, 60_000],
    });
    this.#flow = new InboundFlow(
      {
        cache,
        connector: memoryConnector(),
        metrics: base.metrics,
        content: CONTENT,
        ussd: USSD,
        contactIds: "as_is",
        transportType: "sms",
        retryForMs: 72 * HOUR_MS,
        ussdRetryForMs: 120_000,
        emptyMessageBody: undefined,
        defaultFromAddr: "8110",
        ...more,
      },
      deliveries,
      ussdInbound(base, more),
    );
  }

  handle(fields: Partial<Message> = {}, how = arrival()): Promise<Disposition> {
    return this.#flow.handle(
      createMessage({
        message_id: "m1",
        to_addr: "*120#",
        from_addr: "+266",
        transport_name: "t",
        transport_type: "sms",
        timestamp: "2015-06-15 13:00:00.000000",
        content: "hello",
        ...fields,
      }),
      how,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.base[Symbol.asyncDispose]();
  }
}

Deno.test("InboundFlow remembers a message, tells Turn of it and counts it", async () => {
  await using test = new TestInbound();
  assert.deepEqual(await test.handle(), DONE);
  assert.deepEqual(test.told, [{ id: "m1", from: "+266", text: "hello", timestamp: 1434373200 }]);
  assert.equal((await test.cache.getLastInbound("+266"))?.message_id, "m1");
  assert.deepEqual(await test.cache.counts(), ["inbound delivered: 1", "inbound in: 1"]);
  assert.deepEqual(await test.handle({}, AGAIN), DONE);
  assert.equal(test.told.length, 1);
  test.base.now += 48 * HOUR_MS - 1;
  assert.deepEqual(readDelivered(await test.cache.getNote("delivered_inbound", "m1")), {
    at: test.base.now - 48 * HOUR_MS + 1,
    attempts: 1,
  });
  test.base.now += 1;
  assert.equal(await test.cache.getNote("delivered_inbound", "m1"), undefined);
});

for (
  const [label, fields, emptyMessageBody, text] of [
    ["no text", { content: null }, undefined, "*120#"],
    ["an empty text", { content: "" }, undefined, "*120#"],
    ["an empty text, and what stands for it", { content: "" }, "(empty)", "(empty)"],
    ["no text, to no address", { content: null, to_addr: "" }, undefined, "8110"],
    ["a last word", { content: "bye", session_event: "close" }, undefined, "bye"],
  ] as const
) {
  Deno.test(`InboundFlow tells Turn something also of ${label}`, async () => {
    await using test = new TestInbound({ emptyMessageBody });
    await test.handle(fields);
    assert.equal(test.told[0]?.text, text);
  });
}

Deno.test("InboundFlow: a message that is tried again does not become the user's last one", async () => {
  await using test = new TestInbound();
  const ussd = { transport_type: "ussd", from_addr: "+266" } as const;
  const first = { ...ussd, message_id: "a", timestamp: "2015-06-15 13:00:00.000000" };
  test.answer = () => RETRY;
  let headers = headersOf(await test.handle(first));
  headers = headersOf(await test.handle(first, arrival({ headers })));
  test.answer = () => DELIVERED;
  test.base.now += 61_000;
  // It is delayed for longer than others wait; the user writes from the number in its other form.
  const next = { ...ussd, message_id: "b", timestamp: "2015-06-15 13:01:00.000000" };
  await test.handle({ ...next, from_addr: "266" });
  await test.handle(first, arrival({ headers }));
  assert.deepEqual(test.told.map(({ id }) => id), ["a", "a", "b", "a"]);
  assert.equal((await test.cache.getLastInbound("+266"))?.message_id, "b");
});

Deno.test("InboundFlow has one order for a user whose number comes in two forms", async () => {
  await using test = new TestInbound();
  const turn = Promise.withResolvers<CallResult>();
  test.answer = () => turn.promise;
  const first = test.handle({ message_id: "a", from_addr: "+27 82" });
  const second = test.handle({ message_id: "b", from_addr: "2782" });
  await settle();
  assert.deepEqual(test.told.map(({ id }) => id), ["a"]);
  turn.resolve(DELIVERED);
  await Promise.all([first, second]);
  assert.deepEqual(test.told.map(({ from }) => from), ["+27 82", "2782"]);
});

Deno.test("InboundFlow keeps a hang-up to itself, but remembers it", async () => {
  await using test = new TestInbound();
  for (const content of [null, ""]) {
    assert.deepEqual(await test.handle({ content, session_event: "close" }), DONE);
  }
  assert.deepEqual(test.told, []);
  assert.equal((await test.cache.getLastInbound("+266"))?.session_event, "close");
  await settle();
  assert.deepEqual(await test.cache.counts(), ["inbound in: 2", "inbound skipped_hung_up: 2"]);
});

Deno.test("InboundFlow counts a message as come once, however often it comes", async () => {
  await using test = new TestInbound();
  test.answer = () => RETRY;
  const later = await test.handle();
  assert.ok(later.kind === "later");
  test.answer = () => DELIVERED;
  await test.handle({}, arrival({ headers: later.headers }));
  await test.handle({}, AGAIN);
  await settle();
  assert.deepEqual(await test.cache.counts(), [
    "inbound delayed: 1",
    "inbound delivered: 1",
    "inbound duplicate: 1",
    "inbound in: 1",
    "inbound undelayed: 1",
  ]);
  // It was in work when we ended, before it was counted.
  await test.handle({ message_id: "m2" }, AGAIN);
  await settle();
  assert.ok((await test.cache.counts()).includes("inbound in: 2"));
});

Deno.test("InboundFlow counts a message as come once, though it went to the end of its queue", async () => {
  await using test = new TestInbound();
  // It was in hand when we ended, once too often: it may have been counted or not.
  for (const [message_id, isCounted] of [["m1", true], ["m2", false]] as const) {
    if (isCounted) {
      test.answer = () => RETRY;
      await test.handle({ message_id });
      test.answer = () => DELIVERED;
    }
    const from_addr = `+${message_id}`;
    const how = arrival({ redelivered: true, returns: 3 });
    const again = await test.handle({ message_id, from_addr }, how);
    assert.ok(again.kind === "again");
    const { headers } = again;
    assert.deepEqual(await test.handle({ message_id, from_addr }, arrival({ headers })), DONE);
  }
  await settle();
  assert.ok((await test.cache.counts()).includes("inbound in: 2"));
});

for (
  const [transport_type, retryForMs, kind] of [
    ["sms", 72 * HOUR_MS, "later"],
    ["ussd", 72 * HOUR_MS, "park"],
    ["sms", 60_000, "park"],
  ] as const
) {
  Deno.test(`InboundFlow: a minute after it failed ${transport_type} is to ${kind}, of ${retryForMs} ms`, async () => {
    await using test = new TestInbound({ retryForMs });
    test.answer = () => RETRY;
    const first = await test.handle({ transport_type });
    assert.ok(first.kind === "later");
    test.base.now += 61_000;
    const second = await test.handle({ transport_type }, arrival({ headers: first.headers }));
    assert.equal(second.kind, kind);
  });
}

Deno.test("InboundFlow: USSD is not tried for longer than other messages", async () => {
  await using test = new TestInbound({ retryForMs: 0 });
  test.answer = () => RETRY;
  assert.equal((await test.handle({ transport_type: "ussd" })).kind, "park");
});

Deno.test("InboundFlow calls Turn only when the message is remembered", async () => {
  await using test = new TestInbound();
  test.cache.failing.add("putInbound");
  const disposition = test.handle();
  await settle();
  test.base.stopping.abort();
  assert.deepEqual(await disposition, { kind: "requeue" });
  assert.deepEqual(test.told, []);
});
