import assert from "node:assert/strict";
import { TestBridge, TOKEN } from "../support/bridge.ts";
import { until } from "../support/until.ts";

const REQUEST = { to: "+26612345678", turn: { type: "text", text: { body: "Hello world!" } } };

/** A bridge that has sent one message, and its id. */
async function sent(flags: Record<string, string> = {}): Promise<[TestBridge, string]> {
  const bridge = await TestBridge.start(flags);
  const { body } = await bridge.send(REQUEST);
  return [bridge, body.messages[0].id];
}

const ACK = { event_type: "ack", sent_message_id: "providers-id" };
const NACK = { event_type: "nack", nack_reason: "no credit" };
const report = (delivery_status: string) => ({ event_type: "delivery_report", delivery_status });

for (
  const [label, event, flags, status] of [
    ["an ack", ACK, {}, "sent"],
    ["a nack", NACK, {}, "sent"],
    ["a nack", NACK, { "failed-status": "failed" }, "failed"],
    ["a delivery report delivered", report("delivered"), {}, "delivered"],
    ["a delivery report pending", report("pending"), {}, "sent"],
    ["a delivery report failed", report("failed"), {}, "sent"],
    ["a delivery report failed", report("failed"), { "failed-status": "failed" }, "failed"],
  ] as const
) {
  Deno.test(`${label} is ${status} to Turn, ${JSON.stringify(flags)}`, async () => {
    const [bridge, id] = await sent(flags);
    await using _ = bridge;
    await bridge.transport.sendEvent({ ...event, user_message_id: id });
    const [call = assert.fail()] = await bridge.turn.received(1);
    assert.equal(call.path, "/statuses");
    assert.equal(call.headers.get("authorization"), `Bearer ${TOKEN}`);
    assert.deepEqual(call.body, {
      user_message_id: id,
      timestamp: "2015-06-15 13:00:00",
      status,
    });
  });
}

Deno.test("status_format nested is what vumi2 posts", async () => {
  const [bridge, id] = await sent({ "status-format": "nested", "failed-status": "failed" });
  await using _ = bridge;
  await bridge.transport.sendEvent({ ...NACK, user_message_id: id });
  const [call = assert.fail()] = await bridge.turn.received(1);
  assert.deepEqual(call.body, {
    status: { id, timestamp: "1434373200", status: "failed", recipient_id: "+26612345678" },
  });
});

Deno.test("an event is found by sent_message_id when user_message_id is unknown", async () => {
  const [bridge, id] = await sent();
  await using _ = bridge;
  await bridge.transport.sendEvent({ ...ACK, user_message_id: "other", sent_message_id: id });
  const [call = assert.fail()] = await bridge.turn.received(1);
  assert.equal((call.body as { user_message_id: string }).user_message_id, id);
});

Deno.test("an event of an unknown message is acked, counted and not forwarded", async () => {
  await using bridge = await TestBridge.start();
  await bridge.transport.sendEvent({ ...ACK, user_message_id: "unknown" });
  await bridge.counted('{flow="status",result="skipped"} 1');
  assert.deepEqual(bridge.turn.calls, []);
  await bridge.stop();
  assert.equal(await bridge.transport.depth("event"), 0);
});

Deno.test("an event later than message_cache_config.outbound_timeout is not forwarded", async () => {
  const [bridge, id] = await sent({ "message-cache-config-outbound-timeout": "0.001" });
  await using _ = bridge;
  await bridge.transport.sendEvent({ ...ACK, user_message_id: id });
  await bridge.counted('{flow="status",result="skipped"} 1');
  assert.deepEqual(bridge.turn.calls, []);
});

Deno.test("one message's statuses stay in order through retries", async () => {
  const [bridge, id] = await sent({ "max-retries": "9", "compact-statuses": "false" });
  await using _ = bridge;
  let failures = 0;
  bridge.turn.answer = () =>
    failures++ < 3 ? new Response(null, { status: 503 }) : Response.json({});
  await bridge.transport.sendEvent({ ...ACK, user_message_id: id });
  await bridge.transport.sendEvent({ ...report("delivered"), user_message_id: id });
  const calls = await bridge.turn.received(5);
  const statuses = calls.map(({ body }) => (body as { status: string }).status);
  assert.deepEqual(statuses, ["sent", "sent", "sent", "sent", "delivered"]);
});

Deno.test("a status is not sent when a further one is waiting", async () => {
  const [bridge, id] = await sent({ "max-retries": "9", "worker-concurrency": "1" });
  await using _ = bridge;
  const { promise: answering, resolve: answer } = Promise.withResolvers<void>();
  bridge.turn.answer = async () => {
    await answering;
    return Response.json({});
  };
  await bridge.transport.sendEvent({ ...ACK, user_message_id: id });
  await bridge.turn.received(1);
  for (const status of ["pending", "pending", "delivered"]) {
    await bridge.transport.sendEvent({ ...report(status), user_message_id: id });
  }
  // All are in hand, so none is left in the queue.
  await until("the events", async () => await bridge.transport.depth("event") === 0);
  answer();
  await bridge.counted('{flow="status",result="skipped"} 2');
  await bridge.counted('{flow="status",result="delivered"} 2');
  const statuses = bridge.turn.calls.map(({ body }) => (body as { status: string }).status);
  assert.deepEqual(statuses, ["sent", "delivered"]);
});

Deno.test("statuses never go backwards: what is late is acked and not told", async () => {
  const [bridge, id] = await sent();
  await using _ = bridge;
  await bridge.transport.sendEvent({ ...report("delivered"), user_message_id: id });
  await bridge.counted('{flow="status",result="delivered"} 1');
  await bridge.transport.sendEvent({ ...report("pending"), user_message_id: id });
  await bridge.counted('{flow="status",result="skipped"} 1');
  assert.equal(bridge.turn.calls.length, 1);
});

Deno.test("event_url_timeout ends an attempt, and what Turn refuses is parked", async () => {
  const [bridge, id] = await sent({
    "event-url-timeout": "0.1",
    "max-retries": "1",
    "retry-for": "0",
  });
  await using _ = bridge;
  bridge.turn.answer = () => "hang";
  await bridge.transport.sendEvent({ ...ACK, user_message_id: id });
  const { properties } = await bridge.transport.take("event.parked");
  assert.match(properties.headers?.["x-parked-reason"], /0\.1 s/);
  assert.equal(bridge.turn.calls.length, 2);
});

Deno.test("an event that can't be read is parked", async () => {
  await using bridge = await TestBridge.start();
  await bridge.transport.publish("event", { event_type: "ack" });
  const { properties } = await bridge.transport.take("event.parked");
  assert.match(properties.headers?.["x-parked-reason"], /user_message_id/);
});
