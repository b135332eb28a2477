/**
 * What is held outlives the one that speaks for the channel: another bridge shows it, and so does the same
 * one when RabbitMQ was away, or when it was stopped.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "amqplib";
import { formatTimestamp, queuesOf } from "../../src/vumi/mod.ts";
import { Live } from "../support/live.ts";
import { machine, sharedRedis, speaker } from "../support/machines.ts";
import { makeByHand } from "../support/queues.ts";
import { startRabbitMq } from "../support/rabbitmq.ts";
import { getRaw, publishRaw } from "../support/raw_amqp.ts";
import { inboundMessage } from "../support/transport.ts";
import { until } from "../support/until.ts";
import {
  ask,
  CODE,
  endpointAt,
  Network,
  say,
  together,
  told,
  untilStatus,
  USSD_TRANSPORT,
} from "./ussd_support.ts";

/** Long enough to be killed in. */
const WINDOW = { "ussd-merge-window": "2", "ussd-settle": "2", "failed-status": "failed" };

Deno.test("of two bridges the one that speaks is killed in the window: the other one shows what both were told", async () => {
  const { server, flags } = await sharedRedis();
  await using _server = server;
  await using live = await Live.prepare({ ...flags, ...WINDOW });
  const network = new Network(live.transport);
  await using parts = new AsyncDisposableStack();
  const two = await together([1, 2].map(async () => parts.use(await machine(live))));
  const speaking = await speaker(two);
  const other = two.find((one) => one !== speaking) ?? assert.fail();
  const phones = [1, 2, 3, 4].map((n) => network.phone(`+2782000${n}`));
  for (const phone of phones) await told(live.turn, await phone.dial());
  const said = await together(phones.map(async (phone, n) => [
    await say(endpointAt(speaking.address), phone, `To the one that speaks ${n}`),
    await ask(endpointAt(other.address), phone, `To the other one ${n}?`),
  ]));
  assert.equal(network.screens.length, 0);
  assert.notEqual(await speaking.stop("SIGKILL"), 0);
  for (const [n, phone] of phones.entries()) {
    const { text, open, id } = await phone.screen();
    assert.equal(text, `To the one that speaks ${n}\nTo the other one ${n}?`);
    assert.deepEqual([open, id], [true, said[n]?.[0]]);
  }
  await untilStatus(live.turn, "sent", ...said.flat());
  network.assertAllShown();
  // And goes on with the sessions.
  for (const [n, phone] of phones.entries()) {
    const answer = await phone.type(`Answer ${n}`);
    assert.deepEqual((await told(live.turn, answer)).text, { body: `Answer ${n}` });
    await say(endpointAt(other.address), phone, "Goodbye");
  }
  for (const phone of phones) assert.equal((await phone.screen()).text, "Goodbye");
  network.assertAllShown();
});

Deno.test("a bridge that stands by takes posts, and the one that speaks shows them", async () => {
  const { server, flags } = await sharedRedis();
  await using _server = server;
  await using live = await Live.prepare(flags);
  const network = new Network(live.transport);
  await using parts = new AsyncDisposableStack();
  const two = await together([1, 2].map(async () => parts.use(await machine(live))));
  const speaking = await speaker(two);
  const other = two.find((one) => one !== speaking) ?? assert.fail();
  const bridge = endpointAt(other.address);
  const phone = network.phone("+27820001111");
  for (let round = 0; round < 3; round++) {
    await told(live.turn, await (round === 0 ? phone.dial() : phone.type("1")));
    await say(bridge, phone, `Screen ${round}`);
    await ask(bridge, phone, "And?");
    assert.equal((await phone.screen()).text, `Screen ${round}\nAnd?`);
    // It knows too that it is late.
    const url = endpointAt(round % 2 ? speaking.address : other.address);
    const late = await url.send({ to: phone.address, turn: { type: "text", text: { body: "." } } });
    assert.equal(late.status, 200); // On a channel of SMS it goes as a new message.
  }
  await until("the late ones", () => network.sms.length === 3);
  network.assertAllShown();
});

Deno.test("who is stopped in the window shows what it holds, or leaves it to the next one", async () => {
  await using live = await Live.prepare(WINDOW);
  const network = new Network(live.transport);
  const phone = network.phone("+27820001111");
  const ids: string[] = [];
  {
    await using running = await live.start();
    await told(live.turn, await phone.dial());
    ids.push(await say(endpointAt(running.address), phone, "Welcome"));
    ids.push(await ask(endpointAt(running.address), phone, "Name?"));
    assert.equal(phone.shown, undefined);
    assert.equal(await running.stop("SIGTERM"), 0);
  }
  await using _next = await live.start();
  const { text, id, open } = await phone.screen();
  assert.deepEqual([text, id, open], ["Welcome\nName?", ids[0], true]);
  await untilStatus(live.turn, "sent", ...ids);
  network.assertAllShown();
  assert.equal(network.screens.length, 1);
});

Deno.test("RabbitMQ is restarted in the window: what was taken is shown", async () => {
  await using rabbitmq = await startRabbitMq();
  await using live = await Live.prepare({ ...WINDOW, "amqp-url": rabbitmq.url });
  const making = await connect(rabbitmq.url);
  const { lead: _, ...queues } = queuesOf(live.connector);
  await makeByHand(making, Object.values(queues));
  await making.close();
  await using running = await live.start();
  const bridge = endpointAt(running.address);
  const dialled = ["a", "b", "c"].map((n) => ({ n, to: `+2782000${n.charCodeAt(0)}` }));
  for (const { n, to } of dialled) {
    // Live's own transport is at the server that all tests share.
    const message = inboundMessage({
      message_id: n,
      from_addr: to,
      to_addr: CODE,
      transport_name: USSD_TRANSPORT,
      transport_type: "ussd",
      session_event: "new",
      timestamp: formatTimestamp(new Date()),
    });
    const persistent = new Uint8Array([0x10, 0x00, 2]);
    const inbound = {
      routingKey: `${live.connector}.inbound`,
      propertyBytes: persistent,
      body: Buffer.from(JSON.stringify(message)),
    };
    // It may not have declared its queues yet.
    await until("its queue", () => publishRaw(rabbitmq.url, inbound).then(() => true, () => false));
    await told(live.turn, n);
  }
  const said = await together(dialled.map(async ({ n, to }) => [
    await say(bridge, to, `Welcome ${n}`),
    await ask(bridge, to, "Name?"),
  ]));
  await rabbitmq.stop();
  await rabbitmq.start();
  const screens = new Map<unknown, Record<string, unknown>>();
  await until("all screens", async () => {
    const raw = await getRaw(rabbitmq.url, `${live.connector}.outbound`).catch(() => undefined);
    if (raw === undefined) return screens.size === dialled.length;
    const screen = JSON.parse(new TextDecoder().decode(raw.body));
    const before = screens.get(screen.in_reply_to);
    // Nobody knows of what was not confirmed whether it is there.
    if (before !== undefined) assert.equal(screen.message_id, before["message_id"]);
    screens.set(screen.in_reply_to, screen);
    return false;
  });
  for (const [nth, { n }] of dialled.entries()) {
    const { content, message_id, session_event } = screens.get(n) ?? {};
    assert.deepEqual([content, message_id, session_event], [
      `Welcome ${n}\nName?`,
      said[nth]?.[0],
      "resume",
    ]);
  }
});
