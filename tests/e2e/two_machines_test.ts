/**
 * Two bridges as on two machines: they share a RabbitMQ and a Redis, and nothing else.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readSamples } from "../../src/telemetry/mod.ts";
import { formatTimestamp } from "../../src/vumi/mod.ts";
import { Live } from "../support/live.ts";
import { machine, sharedRedis } from "../support/machines.ts";
import type { Running } from "../support/program.ts";
import { SECRET } from "../support/bridge.ts";
import { get, sendTo } from "../support/several.ts";
import { inboundMessage } from "../support/transport.ts";
import { until } from "../support/until.ts";

const SIDES = { path: "", secret: SECRET };
const CODE = "*120*8864#";

/** A Redis of its own, and what makes it the cache of both. */
async function redis() {
  const { server, flags } = await sharedRedis();
  // A session lives for as long as a test takes, on whatever machine.
  return { server, flags: { ...flags, "transport-type": "ussd", "ussd-session-timeout": "3600" } };
}

/** How many of a flow this one has handed to Turn. */
async function deliveredBy({ address }: Running, flow: string): Promise<number> {
  const { text } = await get(`${address}/metrics`);
  const delivered = readSamples(text, "turn_channels_messages_total")
    .find(({ labels }) => labels.flow === flow && labels.result === "delivered");
  return delivered?.value ?? NaN;
}

/** The user types, and Turn is told; answers the message's id. */
async function type(live: Live, user: string, content: string, session_event: string) {
  const message_id = crypto.randomUUID();
  await live.transport.sendInbound({
    message_id,
    from_addr: user,
    to_addr: CODE,
    content,
    session_event,
    transport_type: "ussd",
    timestamp: formatTimestamp(new Date()),
  });
  await until(`${content} to be told`, () => live.told().includes(message_id));
  return message_id;
}

/** What was published with this text. */
async function published(live: Live, content: string): Promise<Record<string, unknown>> {
  const find = () => live.transport.outbound.find(({ message }) => message["content"] === content);
  await until(`${content} to be published`, () => find() !== undefined);
  return find()?.message ?? assert.fail();
}

/** Turn asks by this one; the session goes on with what was typed last. */
async function ask(live: Live, { address }: Running, to: string, text: string, reply: string) {
  const more = { to, waiting_for_user_input: true };
  const { status, id } = await sendTo(address, SIDES, text, more);
  assert.equal(status, 200);
  const message = await published(live, text);
  assert.deepEqual(
    [message["in_reply_to"], message["to_addr"], message["from_addr"], message["session_event"]],
    [reply, to, CODE, "resume"],
  );
  return id ?? assert.fail();
}

/** What Turn was told of a message. */
function statusesOf(live: Live, id: string): readonly unknown[] {
  return live.turn.calls.filter(({ path }) => path === "/statuses")
    // The fake Turn has looked at its form.
    .map(({ body }) => body as { user_message_id: string; status: string })
    .flatMap(({ user_message_id, status }) => user_message_id === id ? [status] : []);
}

Deno.test("of two machines either knows what the other one has heard and sent", async () => {
  const { server, flags } = await redis();
  await using _server = server;
  await using live = await Live.prepare(flags);
  await using first = await machine(live);
  await using second = await machine(live);
  const users = Array.from({ length: 20 }, (_, n) => `+2661234${10 + n}`);
  const sent: string[] = [];
  // Each is asked by both: one of them has not handled what the user typed.
  for (const [name, one] of [["first", first], ["second", second]] as const) {
    const typed = await Promise.all(
      users.map((user) => type(live, user, `${name} ${user}`, "new")),
    );
    for (const [n, user] of users.entries()) {
      sent.push(await ask(live, one, user, `${name} asks ${user}`, typed[n] ?? ""));
    }
  }
  for (const id of sent) {
    await live.transport.sendEvent({
      event_type: "ack",
      user_message_id: id,
      sent_message_id: `s${id}`,
    });
  }
  await until("all to be told of", () => sent.every((id) => statusesOf(live, id).length === 1));
  for (const flow of ["inbound", "status"]) {
    const delivered = [await deliveredBy(first, flow), await deliveredBy(second, flow)];
    assert.equal(delivered.filter((count) => count > 0).length, 1, "one speaks for the channel");
  }
});

Deno.test("answers by two machines to one USSD message are one screen, also if they are sent again", async () => {
  const { server, flags } = await redis();
  await using _server = server;
  await using live = await Live.prepare(flags);
  await using first = await machine(live);
  await using second = await machine(live);
  for (let n = 0; n < 10; n++) {
    const to = `+2661234${10 + n}`;
    await type(live, to, CODE, "new");
    const say = ({ address }: Running, text: string) => sendTo(address, SIDES, text, { to });
    const answers = await Promise.all([say(first, `first ${n}`), say(second, `second ${n}`)]);
    assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
    // Each by the other machine.
    const again = [await say(second, `first ${n}`), await say(first, `second ${n}`)];
    assert.deepEqual(again.map(({ id }) => id), answers.map(({ id }) => id));
    const screens = () =>
      live.transport.outbound.filter(({ message }) => message["to_addr"] === to);
    await until("the screen", () => screens().length > 0);
    const [{ message } = assert.fail(), ...others] = screens();
    assert.deepEqual(others, []);
    const lines = String(message["content"]).split("\n").sort();
    assert.deepEqual(lines, [`first ${n}`, `second ${n}`]);
    assert.ok(answers.some(({ id }) => id === message["message_id"]));
  }
});

Deno.test("a conversation goes on when either machine is killed, with what is on its way", async () => {
  const { server, flags } = await redis();
  await using _server = server;
  await using live = await Live.prepare(flags);
  await using first = await machine(live);
  await using second = await machine(live);
  const user = "+26612345678";
  let reply = await type(live, user, CODE, "new");
  await ask(live, first, user, "1 name?", reply);
  reply = await type(live, user, "Neo", "resume");
  assert.notEqual(await first.stop("SIGKILL"), 0);
  const asked = await ask(live, second, user, "2 age?", reply);
  reply = await type(live, user, "42", "resume");
  await using third = await machine(live);

  // In the hands of Turn and of both programs.
  live.turn.answer = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return Response.json({});
  };
  const ids = Array.from({ length: 300 }, (_, n) => `crowd${n}`);
  const before = live.told().length;
  await Promise.all(
    ids.map((message_id, n) => live.transport.sendInbound({ message_id, from_addr: `+${n}` })),
  );
  await until("the crowd to be on its way", () => live.told().length > before + 50);
  assert.notEqual(await second.stop("SIGKILL"), 0);
  assert.ok(live.told().length < before + 300, "it was over before the kill");
  await live.transport.sendEvent({
    event_type: "ack",
    user_message_id: asked,
    sent_message_id: "s",
  });
  await until("all of the crowd", () => {
    const told = new Set(live.told());
    return ids.every((id) => told.has(id));
  });
  await until("the status", () => statusesOf(live, asked).length > 0);
  await ask(live, third, user, "3 thanks", reply);
  assert.equal(await live.transport.depth("inbound.parked"), 0);
  assert.equal(await third.stop("SIGTERM"), 0);
  // What the second one told Turn of as it died may be in hand again just now, and is put back.
  for (let left = await live.transport.depth("inbound"); left > 0; left--) {
    const { content, fields } = await live.transport.take("inbound");
    assert.ok(fields.redelivered && live.told().includes(JSON.parse(`${content}`).message_id));
  }
});

Deno.test("while Redis is away Turn gets 503 and messages wait; when it is back all goes on", async () => {
  const { server, flags } = await redis();
  await using _server = server;
  await using live = await Live.prepare(flags);
  await using first = await machine(live);
  await using second = await machine(live);
  const user = "+26612345678";
  const reply = await type(live, user, CODE, "new");
  const asked = await ask(live, first, user, "name?", reply);
  const other = "+26687654321";
  const otherReply = await type(live, other, CODE, "new");
  const before = live.turn.calls.length;
  await server.stop();
  for (const { address } of [first, second]) {
    const { status, retryAfter } = await sendTo(address, SIDES, "lost", { to: user });
    assert.equal(status, 503);
    assert.match(retryAfter ?? "", /^[1-9]\d*$/);
  }
  const ids = Array.from({ length: 20 }, (_, n) => `waits${n}`);
  for (const [n, message_id] of ids.entries()) {
    await live.transport.sendInbound({ message_id, from_addr: `+${n}` });
  }
  await live.transport.sendEvent({
    event_type: "ack",
    user_message_id: asked,
    sent_message_id: "s",
  });
  await until("the one that speaks for the channel to notice", () => {
    return [first, second].some((one) => one.stderr().includes("The cache fails"));
  });
  assert.equal(live.turn.calls.length, before);
  for (const one of [first, second]) {
    assert.equal((await get(`${one.address}/livez`)).status, 200);
  }
  for (const { address } of [first, second]) {
    await until("it to be unready", async () => (await get(`${address}/readyz`)).status === 503);
    assert.match((await get(`${address}/readyz`)).text, /the cache has failed for \d+ s/);
  }
  await server.start();
  for (const { address } of [first, second]) {
    await until("it to be ready", async () => (await get(`${address}/readyz`)).status === 200);
  }
  await until("all that waited", () => {
    const told = new Set(live.told());
    return ids.every((id) => told.has(id)) && statusesOf(live, asked).length > 0;
  });
  assert.equal(live.told().length, 22);
  for (const end of ["inbound.parked", "event.parked"]) {
    assert.equal(await live.transport.depth(end), 0);
  }
  // What the session was before is still known: Redis has kept it.
  await ask(live, second, other, "your age?", otherReply);
  assert.ok(!live.transport.outbound.some(({ message }) => message["content"] === "lost"));
});

for (const [how, signal] of [["killed", "SIGKILL"], ["stopped", "SIGTERM"]] as const) {
  Deno.test(`when the one that speaks for a channel is ${how}, the other takes over, in order`, async () => {
    const { server, flags } = await redis();
    await using _server = server;
    await using live = await Live.prepare(flags);
    live.turn.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return Response.json({});
    };
    const machines = [await machine(live), await machine(live)];
    await using _first = machines[0];
    await using _second = machines[1];
    const users = Array.from({ length: 10 }, (_, n) => `+${n}`);
    const ids = (user: string) => Array.from({ length: 30 }, (_, n) => `${user}-${n}`);
    const messages = Array.from(
      { length: 30 },
      (_, n) =>
        users.map((from_addr) => inboundMessage({ message_id: `${from_addr}-${n}`, from_addr })),
    );
    await live.transport.publishAll("inbound", messages.flat(), {});
    await until("some to be told", () => live.told().length > 60);
    const counts = await Promise.all(machines.map((one) => deliveredBy(one, "inbound")));
    const leader = machines[counts.findIndex((count) => count > 0)];
    await leader?.stop(signal);
    await until("all to be told", () => new Set(live.told()).size === messages.flat().length);
    for (const user of users) {
      const told = live.told().filter((id) => id.startsWith(`${user}-`));
      assert.deepEqual([...new Set(told)], ids(user));
    }
    const twice = live.told().length - messages.flat().length;
    assert.ok(twice <= (signal === "SIGKILL" ? 20 : 0), `${twice} told twice`);
  });
}
