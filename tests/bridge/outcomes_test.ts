import assert from "node:assert/strict";
import { PublishError } from "../../src/broker/mod.ts";
import type { Acceptance, OutboundRequest } from "../../src/turn/mod.ts";
import type { Event } from "../../src/vumi/mod.ts";
import { until } from "../support/until.ts";
import { TestBridge } from "./test_bridge.ts";

const NEVER_ENDED = ["in", "redelivered", "delayed", "undelayed"];

/** What metrics call an end that the audit counts under this name. */
function named(result: string): string {
  if (result === "skipped_duplicate") return "duplicate";
  return result.startsWith("skipped_") ? "skipped" : result;
}

/** What has ended, and how often, by flow and result: as the audit has it, and as metrics do. */
async function ends(test: TestBridge): Promise<readonly [audit: unknown, metrics: unknown]> {
  const audited: Record<string, number> = {};
  for (const { flow, result, count } of await test.cache.tallied()) {
    const name = `${flow} ${named(result)}`;
    if (!NEVER_ENDED.includes(result)) audited[name] = (audited[name] ?? 0) + count;
  }
  const text = await test.registry.text();
  const counted = [
    ...text.matchAll(/^turn_channels_messages_total{flow="(\w+)",result="(\w+)",.*} ([1-9]\d*)$/gm),
  ].map(([, flow, result, count]) => [`${flow} ${result}`, Number(count)] as const);
  return [audited, Object.fromEntries(counted)];
}

/** How many have come, and how many have ended that had not ended before. */
async function sums(test: TestBridge): Promise<readonly [came: number, ended: number]> {
  let [came, ended] = [0, 0];
  for (const { result, count } of await test.cache.tallied()) {
    if (result === "in") came += count;
    else if (![...NEVER_ENDED, "duplicate"].includes(result)) ended += count;
  }
  return [came, ended];
}

function text(body: string): OutboundRequest["message"] {
  return { type: "text", text: { body } };
}

/** Turn asks for it. */
async function ask(test: TestBridge, fields: Partial<OutboundRequest>): Promise<Acceptance> {
  const request = {
    to: "+266",
    from: null,
    replyTo: null,
    message: text("Hi"),
    content: null,
    ...fields,
  };
  const body = new TextEncoder().encode(JSON.stringify(request));
  const sender = { body, isGone: () => true, isLate: () => false };
  return await test.bridge.accept({ waitingForUserInput: false, ...request }, sender);
}

function event(fields: Partial<Event>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({
    event_id: "e1",
    user_message_id: "unknown",
    event_type: "ack",
    sent_message_id: "s1",
    ...fields,
  }));
}

Deno.test("metrics and the audit agree on each kind of end", async () => {
  await using test = new TestBridge(undefined, {
    transportType: "ussd",
    dedupeWindowMs: 60_000,
    retry: { maxRetries: 0, delayBase: 0, delayExponent: 1, delaysMs: [5_000] },
  });
  const { broker, cache, connector, bridge } = test;
  test.answer = () => Promise.resolve(new Response("{}"));
  const result = async (name: string, count = 1): Promise<void> => {
    await until(`${name} ${count}`, async () => {
      const [, metrics] = await ends(test);
      return (metrics as Record<string, number>)[name] === count;
    });
  };

  await test.write("delivered", { transport_type: "ussd", session_event: "new" });
  await result("inbound delivered");
  await broker.publish("c.inbound", new Uint8Array());
  await result("inbound unreadable");
  await test.write("hung up", { from_addr: "+1", session_event: "close", content: null });
  await result("inbound skipped");
  await cache.putNotes([{
    kind: "delivered_inbound",
    id: "again",
    value: "{}",
    ttlMs: 60_000,
  }]);
  await test.write("again", {}, { "x-retry-waits": 0 });
  await result("inbound duplicate");
  test.answer = () => Promise.resolve(new Response("no", { status: 400 }));
  await test.write("refused", { from_addr: "+1" });
  await result("inbound parked");
  test.answer = () => Promise.resolve(new Response("{}"));
  // For a bug of ours, before it is counted that it has come.
  cache.putInbound = () => Promise.reject(new TypeError("bug"));
  await test.write("bug", { from_addr: "+1" });
  await result("inbound parked", 2);

  const sent = await ask(test, {});
  assert.ok(sent.kind === "accepted");
  await until("the screen", () => broker.waiting("c.outbound").length > 0);
  assert.equal((await ask(test, { message: text("Another") })).kind, "session_over");
  assert.deepEqual(await ask(test, {}), sent);
  assert.equal((await ask(test, { replyTo: "unheard-of" })).kind, "unknown_reply_to");
  for (const error of [new PublishError("refused", "no"), new TypeError("bug")]) {
    connector.failure = error;
    const asked = ask(test, { to: "+2", message: text(error.name) });
    if (error instanceof TypeError) await assert.rejects(asked, TypeError);
    else assert.equal((await asked).kind, "unavailable");
  }

  const about = { user_message_id: sent.id };
  await broker.publish("c.event", event({ ...about, event_type: "delivery_report" }));
  await result("status unreadable");
  await broker.publish("c.event", event({}));
  await result("status skipped");
  const delivered = {
    ...about,
    event_type: "delivery_report",
    delivery_status: "delivered",
  } as const;
  await broker.publish("c.event", event(delivered));
  await result("status delivered");
  await broker.publish("c.event", event(delivered));
  await result("status duplicate");
  await broker.publish("c.event", event({ ...about, event_id: "late" }));
  await result("status skipped", 2);

  await bridge.drain(AbortSignal.timeout(1_000));
  const [audited, metrics] = await ends(test);
  assert.deepEqual(audited, metrics);
  const [came, ended] = await sums(test);
  assert.equal(came, ended);
});
