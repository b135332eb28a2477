/**
 * Two bridges as on two machines: they share a RabbitMQ and a Redis, and nothing else.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Live } from "../support/live.ts";
import type { Running } from "../support/program.ts";
import { startRedis } from "../support/redis.ts";
import { SECRET } from "../support/bridge.ts";
import { get, sendTo } from "../support/several.ts";
import { inboundMessage } from "../support/transport.ts";
import { until } from "../support/until.ts";

const SIDES = { path: "", secret: SECRET };
const CODE = "*120*8864#";

/** A Redis of its own, and what makes it the cache of both. */
async function redis() {
  const server = await startRedis();
  const flags = {
    "message-cache-class": "RedisMessageCache",
    "message-cache-config-url": server.url,
    "http-bind": "127.0.0.1:0",
    "transport-type": "ussd",
  };
  return { server, flags };
}

/** Starts one more, which is ready then. */
async function machine(live: Live): Promise<Running> {
  const running = await live.program();
  await until(
    "it to be ready",
    async () => (await get(`${running.address}/readyz`)).status === 200,
  );
  return running;
}

/** How many of a flow this one has handed to Turn. */
async function deliveredBy({ address }: Running, flow: string): Promise<number> {
  const { text } = await get(`${address}/metrics`);
  const line = new RegExp(
    `^turn_channels_messages_total\\{flow="${flow}",result="delivered"\\} (.*)$`,
    "m",
  );
  return Number(line.exec(text)?.[1]);
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
  const typed = await Promise.all(users.map((user) => type(live, user, user, "new")));
  const sent: string[] = [];
  // Each is asked by both: one of them has not handled what the user typed.
  for (const [n, user] of users.entries()) {
    for (const [name, one] of [["first", first], ["second", second]] as const) {
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
    for (const one of [first, second]) {
      assert.ok(await deliveredBy(one, flow) > 0, `one of them has handled no ${flow}`);
    }
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
  assert.equal(await live.transport.depth("inbound"), 0);
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
  for (const one of [first, second]) {
    await until("both to notice", () => one.stderr().includes("The cache fails"));
  }
  assert.equal(live.turn.calls.length, before);
  for (const one of [first, second]) {
    assert.equal((await get(`${one.address}/livez`)).status, 200);
  }
  await server.start();
  await until("all that waited", () => {
    const told = new Set(live.told());
    return ids.every((id) => told.has(id)) && statusesOf(live, asked).length > 0;
  });
  assert.equal(live.told().length, 21);
  for (const end of ["inbound.parked", "event.parked"]) {
    assert.equal(await live.transport.depth(end), 0);
  }
  // What the session was before is still known: Redis has kept it.
  await ask(live, second, user, "and your age?", reply);
  assert.ok(!live.transport.outbound.some(({ message }) => message["content"] === "lost"));
});

Deno.test("two machines deliver more than one does, where Turn's answers are what takes time", async () => {
  const { server, flags } = await redis();
  await using _server = server;
  await using live = await Live.prepare({ ...flags, "worker-concurrency": "5" });
  live.turn.answer = async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return Response.json({});
  };
  const perSecond = async (run: string) => {
    const before = live.turn.calls.length;
    const messages = Array.from(
      { length: 300 },
      (_, n) => inboundMessage({ message_id: `${run}${n}`, from_addr: `+${n}` }),
    );
    const started = performance.now();
    await live.transport.publishAll("inbound", messages, {});
    await live.turn.received(before + messages.length);
    return 1000 * messages.length / (performance.now() - started);
  };
  await using _first = await machine(live);
  const one = await perSecond("one");
  await using _second = await machine(live);
  const two = await perSecond("two");
  const line = `one machine ${one.toFixed()} a second, two ${two.toFixed()}\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
  assert.ok(two > 1.4 * one, line);
});
