/**
 * A question that the user does not see takes the place of none that the user has seen, and an SMS of
 * several is sent once however the cache fails.
 *
 * @module
 */

import assert from "node:assert/strict";
import { keepPrompt, readPrompt } from "../../src/bridge/prompts.ts";
import type { OutboundRequest } from "../../src/turn/mod.ts";
import { PublishError } from "../../src/vumi/mod.ts";
import { until } from "../support/until.ts";
import { CONTENT, USSD } from "./support.ts";
import { TestBridge } from "./test_bridge.ts";

const OK = () => Promise.resolve(new Response("{}"));

const OPTIONS = [{ kind: "button", id: "A", title: "A" }] as const;

function menu(title: string): OutboundRequest["message"] {
  const buttons = [{ reply: { id: title, title } }];
  return { type: "interactive", interactive: { type: "button", action: { buttons } } };
}

async function ask(test: TestBridge, message: OutboundRequest["message"], isLate = false) {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const sender = { body, isGone: () => false, isLate: () => isLate };
  const request = { to: "+266", from: null, replyTo: null, content: null, message };
  return await test.bridge.accept({ ...request, waitingForUserInput: true }, sender);
}

async function asked(test: TestBridge): Promise<string | undefined> {
  return readPrompt(await test.cache.getRecord("prompt", "+266"))?.options[0]?.title;
}

Deno.test("a menu that is not published leaves the one before it", async () => {
  await using test = new TestBridge();
  assert.equal((await ask(test, menu("A"))).kind, "accepted");
  for (const fault of ["unavailable", "refused"] as const) {
    test.connector.failure = new PublishError(fault, "no");
    assert.equal((await ask(test, menu("B"))).kind, "unavailable");
    assert.equal(await asked(test), "A");
    const text = { type: "text", text: { body: "Your name?" } } as const;
    assert.equal((await ask(test, text)).kind, "unavailable");
    assert.equal(await asked(test), "A");
  }
  test.connector.failure = undefined;
  assert.equal((await ask(test, menu("C"), true)).kind, "unavailable");
  assert.equal(await asked(test), "A");
  // Of this one nobody knows.
  test.connector.failure = new PublishError("unconfirmed", "gone");
  assert.equal((await ask(test, menu("D"))).kind, "unavailable");
  assert.equal(await asked(test), "D");
});

Deno.test("a menu on USSD that is asked again still ends with its session", async () => {
  const ussd = { ...USSD, sessionMs: 60_000, resumeWindowMs: 0 };
  await using test = new TestBridge(undefined, { ussd });
  const put: [string, number][] = [];
  const putRecords = test.cache.putRecords.bind(test.cache);
  test.cache.putRecords = (records) => {
    const kept = records.filter(({ value }) => value !== undefined);
    put.push(...kept.map(({ kind, ttlMs }): [string, number] => [kind, ttlMs]));
    return putRecords(records);
  };
  const kept = keepPrompt("+266", { id: "t", medium: "ussd", options: OPTIONS }, {
    ussd,
    content: CONTENT,
  });
  await putRecords([kept]);
  test.connector.failure = new PublishError("refused", "no");
  assert.equal((await ask(test, menu("B"))).kind, "unavailable");
  assert.deepEqual(put, [["prompt", 60_000]]);
});

Deno.test("an SMS of several is sent once, while nothing can be written", async () => {
  await using test = new TestBridge(undefined, { content: { ...CONTENT, longSms: "split" } });
  test.answer = OK;
  const sent = await ask(test, { type: "text", text: { body: "word ".repeat(90) } });
  assert.ok(sent.kind === "accepted");
  const published = () => test.broker.waiting("c.outbound").length;
  await until("the first one", () => published() === 1);
  test.cache.failing.add("putRecords");
  const ack = { event_id: "e1", event_type: "ack", user_message_id: sent.id, sent_message_id: "s" };
  await test.broker.publish("c.event", new TextEncoder().encode(JSON.stringify(ack)));
  await until("the cache to fail", () => test.metrics.total("status", "cache_failed") > 1);
  assert.equal(published(), 1);
  test.cache.failing.clear();
  await until("the next one", () => published() === 2);
});
