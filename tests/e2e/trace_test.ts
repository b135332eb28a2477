/**
 * The trace of a message, passed on from side to side, by a bridge that is not traced itself.
 *
 * @module
 */

import assert from "node:assert/strict";
import { AmqpBroker } from "../../src/broker/rabbitmq/rabbitmq_broker.ts";
import type { TurnCall } from "../support/fake_turn.ts";
import { EXCHANGE } from "../../src/vumi/mod.ts";
import { ParkedMessages } from "../../src/inspect/parked_messages.ts";
import { TestBridge } from "../support/bridge.ts";
import { until } from "../support/until.ts";
import { amqpUrl } from "../support/rabbitmq.ts";

const TRACE = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "vendor=1,b@c=2",
};
const REQUEST = { to: "+26612345678", turn: { type: "text", text: { body: "Hi" } } };

function traceOf({ headers }: TurnCall): unknown {
  return { traceparent: headers.get("traceparent"), tracestate: headers.get("tracestate") };
}

const NONE = { traceparent: null, tracestate: null };

Deno.test("the trace of a request goes with its message, and a message without one has no headers", async () => {
  await using bridge = await TestBridge.start();
  await bridge.send(REQUEST, { headers: TRACE });
  await bridge.send(REQUEST);
  await bridge.send(REQUEST, { headers: { ...TRACE, traceparent: "nonsense" } });
  const sent = await bridge.transport.received(3);
  assert.deepEqual(sent.map(({ raw }) => raw.properties.headers ?? {}), [TRACE, {}, {}]);
});

Deno.test("the trace of a user's message, and of an event, goes with the call to Turn", async () => {
  await using bridge = await TestBridge.start();
  const { body } = await bridge.send(REQUEST);
  const event = {
    event_id: "e1",
    event_type: "ack",
    user_message_id: body.messages[0].id,
    sent_message_id: "p",
  };
  await bridge.transport.publish("event", event, TRACE);
  await bridge.turn.received(1);
  const message = { message_id: "m1", to_addr: "1", from_addr: "2", content: "Hi" };
  const transport = { transport_name: "t", transport_type: "sms" };
  await bridge.transport.publish("inbound", { ...message, ...transport }, TRACE);
  await bridge.turn.received(2);
  await bridge.transport.sendInbound();
  const calls = await bridge.turn.received(3);
  assert.deepEqual(calls.map(({ path }) => path), ["/statuses", "/messages", "/messages"]);
  assert.deepEqual(calls.map(traceOf), [TRACE, TRACE, NONE]);
});

Deno.test("a message keeps its trace through delays, parking and replay", async () => {
  await using bridge = await TestBridge.start({
    "max-retries": "0",
    "retry-schedule": "0.1",
    "retry-for": "0.3",
  });
  bridge.turn.answer = () => new Response("oh no", { status: 500 });
  const message = { message_id: "m1", to_addr: "1", from_addr: "2", content: "Hi" };
  const transport = { transport_name: "t", transport_type: "sms" };
  await bridge.transport.publish("inbound", { ...message, ...transport }, TRACE);
  await bridge.counted('{flow="inbound",result="parked"} 1');
  const before = bridge.turn.calls.length;
  assert.ok(before >= 2, `${before} calls`);
  bridge.turn.answer = () => Response.json({});
  await using broker = AmqpBroker.open({ urls: [amqpUrl()], exchange: EXCHANGE });
  await broker.ready(10_000);
  await until("the copy", async () => await bridge.transport.depth("inbound.parked") === 1);
  const parked = new ParkedMessages([bridge.connector], broker);
  assert.equal(await parked.replay({ queue: "inbound" }), 1);
  const calls = await bridge.turn.received(before + 1);
  assert.deepEqual(calls.map(traceOf), calls.map(() => TRACE));
});
