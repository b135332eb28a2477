/**
 * What is not merged, on a real broker: SMS, whose bytes are as they were before there was a queue
 * `<connector>.held`, and all of a channel with `ussd.merge_window: 0`, as vumi2 does it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { connect } from "amqplib";
import { TestBridge } from "../support/bridge.ts";
import { workersQueue } from "../support/queues.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import {
  ask,
  Network,
  pause,
  type Phone,
  post,
  say,
  SMS_CONTENT,
  told,
  untilStatus,
} from "./ussd_support.ts";

/** A proxy before the tests' RabbitMQ, and the flag with which the bridge goes through it. */
function proxied(): { readonly proxy: TcpProxy; readonly flags: Record<string, string> } {
  const url = new URL(amqpUrl());
  const proxy = TcpProxy.start({ hostname: url.hostname, port: Number(url.port || 5672) });
  url.host = `127.0.0.1:${proxy.port}`;
  return { proxy, flags: { "amqp-url": url.href } };
}

/** From now on all stalls as soon as something is published to this queue; others may look at it. */
async function stallOnHolding(
  proxy: TcpProxy,
  { connector, transport }: TestBridge,
  end: "held" | "held.sms" = "held",
): Promise<void> {
  const queue = `${connector}.${end}`;
  await transport.depth(end);
  await transport.consumed(end);
  // The exchange and the routing key, each behind its length.
  proxy.stallOn(`\u0004vumi${String.fromCharCode(queue.length)}${queue}`);
}

/** A phone that was asked its user's name: by way of the held queue. */
async function phoneThatIsAsked(bridge: TestBridge): Promise<Phone> {
  const phone = new Network(bridge.transport).phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  await ask(bridge, phone, "Name?");
  await phone.screen();
  return phone;
}

const USER = "+26612345678";

Deno.test("a conversation by SMS does not touch the queues of what is held, and its bytes are as they always were", async () => {
  const { proxy, flags } = proxied();
  await using _proxy = proxy;
  await using bridge = await TestBridge.start(flags);
  await stallOnHolding(proxy, bridge, "held.sms");
  await bridge.transport.sendInbound({ message_id: "m1", from_addr: USER });
  await told(bridge.turn, "m1");
  const sends = [
    () => say(bridge, USER, "One"),
    () => ask(bridge, USER, "Two?"),
    () => say(bridge, "+26687654321", "To another"),
  ];
  for (const [n, send] of sends.entries()) {
    const id = await send();
    const sent = await bridge.transport.received(n + 1);
    const { raw, message } = sent[n] ?? assert.fail();
    assert.equal(message["message_id"], id);
    const isReply = n < 2;
    const fields = {
      to_addr: isReply ? USER : "+26687654321",
      from_addr: "8110",
      transport_name: isReply ? "smpp_transport" : bridge.connector,
      transport_type: "sms",
      message_version: "20110921",
      message_type: "user_message",
      timestamp: message["timestamp"],
      message_id: id,
      in_reply_to: isReply ? "m1" : null,
      provider: null,
      group: null,
      session_event: n === 1 ? "resume" : "close",
      content: ["One", "Two?", "To another"][n],
      routing_metadata: {},
      helper_metadata: {},
      transport_metadata: {},
      to_addr_type: null,
      from_addr_type: null,
    };
    assert.deepEqual(message, fields);
    const names = Object.keys(message).map((name) => JSON.stringify(name)).join();
    assert.equal(raw.content.toString(), JSON.stringify(message), names);
    assert.deepEqual(raw.properties.headers ?? {}, {});
    await bridge.transport.sendEvent({
      event_type: "ack",
      user_message_id: id,
      sent_message_id: "s",
    });
    await untilStatus(bridge.turn, "sent", id);
  }

  // It does see what goes there.
  await stallOnHolding(proxy, bridge);
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  let isAnswered = false;
  const asked = ask(bridge, phone, "Name?").then(() => isAnswered = true);
  await pause(500);
  assert.equal(isAnswered, false);
  proxy.resume();
  await asked;
  await phone.screen();
});

Deno.test("the held queue is durable, and has a parking queue beside it", async () => {
  await using bridge = await TestBridge.start();
  await phoneThatIsAsked(bridge);
  const connection = await connect(amqpUrl());
  const channel = await connection.createChannel();
  // It is refused where it is otherwise.
  const held = await channel.assertQueue(`${bridge.connector}.held`, workersQueue());
  assert.deepEqual([held.messageCount, held.consumerCount], [0, 1]);
  await connection.close();
});

Deno.test("what can't be read in the held queue is parked", async () => {
  await using bridge = await TestBridge.start();
  const phone = await phoneThatIsAsked(bridge);
  await bridge.transport.publish("held", "nonsense");
  const parked = await bridge.transport.take("held.parked");
  assert.equal(parked.content.toString(), '"nonsense"');
  await told(bridge.turn, await phone.type("Anna"));
  await ask(bridge, phone, "Age?");
  await phone.screen();
});

for (
  const [label, flags] of [["a 422", { "transport-type": "ussd" }], [
    "by SMS",
    SMS_CONTENT,
  ]] as const
) {
  Deno.test(`with ussd.merge_window 0 each post is its own reply at once, and a second one is late: ${label}`, async () => {
    await using bridge = await TestBridge.start({ ...flags, "ussd-merge-window": "0" });
    const network = new Network(bridge.transport);
    const phone = network.phone("+27820001111");
    const dialled = await phone.dial();
    await told(bridge.turn, dialled);
    const id = await say(bridge, phone, "Welcome");
    const { text, open, id: shown } = await phone.screen();
    assert.deepEqual([text, open, shown], ["Welcome", false, id]);
    const late = await post(bridge, phone, "Name?", { waiting_for_user_input: true });
    if (label === "a 422") assert.deepEqual([late.status, late.error], [422, "session_over"]);
    else assert.equal((await network.sentBySms(1))[0]?.["content"], "Name?");
    await told(bridge.turn, await phone.type("1"));
    await ask(bridge, phone, "Age?");
    assert.deepEqual([(await phone.screen()).text, phone.shown?.open], ["Age?", true]);
    await untilStatus(bridge.turn, "sent", id);
    network.assertAllShown();
  });
}
