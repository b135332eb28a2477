import assert from "node:assert/strict";
import { formatTimestamp } from "../../src/vumi/mod.ts";
import { bodies } from "./content_support.ts";
import { TestBridge } from "../support/bridge.ts";

const DOCUMENTED = {
  to: "+26612345678",
  from: "8110",
  turn: { type: "text", text: { body: "Hello world!" } },
};

/** As Turn really sends it. */
const REAL = {
  block: null,
  resources: null,
  evaluated_resources: null,
  content: "Hi",
  to: "+1234",
  context: null,
  turn: { type: "text", text: { body: "Hi" } },
  waiting_for_user_input: false,
};

Deno.test("a signed request becomes a message on the queue, all its fields vumi's", async () => {
  await using bridge = await TestBridge.start();
  const { status, body } = await bridge.send(DOCUMENTED);
  assert.equal(status, 200);
  const [{ message, raw } = assert.fail()] = await bridge.transport.received(1);
  assert.deepEqual(body, { messages: [{ id: message["message_id"] }] });
  const { message_id, timestamp, ...rest } = message;
  assert.match(String(message_id), /^[0-9a-f]{32}$/);
  assert.match(String(timestamp), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
  assert.deepEqual(rest, {
    to_addr: "+26612345678",
    from_addr: "8110",
    transport_name: bridge.connector,
    transport_type: "sms",
    message_version: "20110921",
    message_type: "user_message",
    in_reply_to: null,
    provider: null,
    group: null,
    session_event: "close",
    content: "Hello world!",
    routing_metadata: {},
    helper_metadata: {},
    transport_metadata: {},
    to_addr_type: null,
    from_addr_type: null,
  });
  assert.equal(raw.properties.deliveryMode, 2);
  assert.equal(raw.fields.exchange, "vumi");
  assert.equal(raw.fields.routingKey, `${bridge.connector}.outbound`);
});

Deno.test("what Turn really sends is taken, its further keys ignored", async () => {
  await using bridge = await TestBridge.start({ "default-from-addr": "8111" });
  assert.equal((await bridge.send(REAL)).status, 200);
  const [{ message } = assert.fail()] = await bridge.transport.received(1);
  assert.equal(message["from_addr"], "8111");
  assert.equal(message["content"], "Hi");
});

for (
  const [label, from, expected] of [
    ["given", "8119", "8119"],
    ["null", null, "8110"],
    ["missing", undefined, "8110"],
  ] as const
) {
  Deno.test(`a message with from ${label} comes from ${expected}`, async () => {
    await using bridge = await TestBridge.start();
    assert.equal((await bridge.send({ ...DOCUMENTED, from })).status, 200);
    const [{ message } = assert.fail()] = await bridge.transport.received(1);
    assert.equal(message["from_addr"], expected);
  });
}

for (const [waiting, event] of [[true, "resume"], [false, "close"], [null, "close"]] as const) {
  Deno.test(`waiting_for_user_input ${waiting} makes session_event ${event}`, async () => {
    await using bridge = await TestBridge.start({ "transport-type": "ussd" });
    await bridge.send({ ...DOCUMENTED, waiting_for_user_input: waiting });
    const [{ message } = assert.fail()] = await bridge.transport.received(1);
    assert.equal(message["session_event"], event);
    assert.equal(message["transport_type"], "ussd");
  });
}

const USSD = {
  message_id: "ussd1",
  from_addr: "+27820001111",
  to_addr: "*120*8864#",
  transport_name: "ussd_transport",
  transport_type: "ussd",
  session_event: "new",
  content: null,
  provider: "mno",
  group: "g",
  transport_metadata: { session_id: "s1", nested: { deep: [1, null] } },
  helper_metadata: { not: "carried" },
};

/** So many seconds ago, as vumi writes it. */
function ago(seconds: number): string {
  return formatTimestamp(new Date(Date.now() - seconds * 1000));
}

/** The user dials, now unless told otherwise, and Turn is told. */
async function dial(bridge: TestBridge, fields: Record<string, unknown> = {}): Promise<void> {
  await bridge.transport.sendInbound({ ...USSD, timestamp: ago(0), ...fields });
  const id = fields["message_id"] ?? USSD.message_id;
  await bridge.turn.received((calls) => JSON.stringify(calls).includes(`"${id}"`));
}

/** Turn asks for a text to be sent to a user; answers the status, and the message's id or the errors. */
async function say(bridge: TestBridge, body: string, more: Record<string, unknown> = {}) {
  const turn = { type: "text", text: { body } };
  const { status, body: said } = await bridge.send({ ...REAL, to: USSD.from_addr, turn, ...more });
  return { status, id: said.messages?.[0].id, error: said.errors?.[0] };
}

const REPLY = {
  to_addr: "+27820001111",
  from_addr: "*120*8864#",
  in_reply_to: "ussd1",
  transport_name: "ussd_transport",
  transport_type: "ussd",
  provider: "mno",
  group: "g",
  transport_metadata: { session_id: "s1", nested: { deep: [1, null] } },
  helper_metadata: {},
};

for (
  const [label, reply_to] of [["null", null], ["empty", ""], ["missing", undefined], [
    "given",
    "ussd1",
  ]] as const
) {
  Deno.test(`reply_to ${label}: the message answers the user's, session data carried`, async () => {
    await using bridge = await TestBridge.start();
    await dial(bridge);
    const request = { ...REAL, to: "+27820001111", from: "8110", reply_to };
    assert.equal((await bridge.send(request)).status, 200);
    const [{ message } = assert.fail()] = await bridge.transport.received(1);
    for (const [field, value] of Object.entries(REPLY)) assert.deepEqual(message[field], value);
  });
}

Deno.test("without reply_to it is the user's last inbound that is answered", async () => {
  await using bridge = await TestBridge.start();
  await dial(bridge, { message_id: "first" });
  await dial(bridge, { message_id: "last", content: "1" });
  await dial(bridge, { message_id: "other", from_addr: "+27820002222" });
  // Sent before them, and late.
  await dial(bridge, { message_id: "earlier", timestamp: ago(30) });
  await bridge.send({ ...REAL, to: "+27820001111" });
  const [{ message } = assert.fail()] = await bridge.transport.received(1);
  assert.equal(message["in_reply_to"], "last");
});

for (const [label, theirs] of [["+", "+27820001111"], ["no +", "27820001111"]] as const) {
  Deno.test(`an answer to a number in either form answers one that wrote with ${label}`, async () => {
    await using bridge = await TestBridge.start();
    for (const [n, to] of ["+27820001111", "27820001111", "+27 82-000 1111"].entries()) {
      await dial(bridge, { message_id: `m${n}`, from_addr: theirs });
      assert.equal((await say(bridge, `Hi ${n}`, { to })).status, 200);
      const { message } = (await bridge.transport.received(n + 1))[n] ?? assert.fail();
      assert.deepEqual([message["in_reply_to"], message["to_addr"]], [`m${n}`, theirs]);
    }
  });
}

for (
  const [label, fields] of [["ussd", USSD], ["sms", { ...USSD, transport_type: "sms" }]] as const
) {
  Deno.test(`a user's message that is put back is not the last one again: ${label}`, async () => {
    await using bridge = await TestBridge.start({ "max-retries": "0", "retry-for": "0" });
    const { answer } = bridge.turn;
    bridge.turn.answer = () => new Response("no", { status: 400 });
    await dial(bridge, { ...fields, message_id: "parked", timestamp: ago(20) });
    const parked = await bridge.transport.take("inbound.parked");
    bridge.turn.answer = answer;
    await dial(bridge, { ...fields, message_id: "last" });
    await bridge.transport.publish("inbound", parked.content);
    await bridge.counted('{flow="inbound",result="delivered"} 2');
    assert.equal((await say(bridge, "Hi")).status, 200);
    const [{ message } = assert.fail()] = await bridge.transport.received(1);
    assert.equal(message["in_reply_to"], "last");
  });
}

Deno.test("a USSD message takes one answer: further ones are a 422, until the user writes again", async () => {
  await using bridge = await TestBridge.start({ "transport-type": "ussd" });
  await dial(bridge);
  const first = await say(bridge, "One");
  assert.equal(first.status, 200);
  await bridge.transport.received(1);
  const { status, error } = await say(bridge, "Two");
  assert.equal(status, 422);
  assert.deepEqual([error.code, error.title, error.field], [422, "session_over", "to"]);
  assert.match(error.details, /^session_over: .* was answered already$/);
  assert.equal((await say(bridge, "Two", { reply_to: USSD.message_id })).status, 422);
  // Turn may not have heard the first time.
  assert.deepEqual(await say(bridge, "One"), first);
  await dial(bridge, { message_id: "next", session_event: "resume" });
  assert.equal((await say(bridge, "Two")).status, 200);
  const sent = await bridge.transport.received(2);
  assert.deepEqual(sent.map(({ message }) => message["in_reply_to"]), ["ussd1", "next"]);
  await bridge.counted('{flow="outbound",result="session_over"} 2');
});

Deno.test("of answers to one USSD message at once the first is sent, and the others have failed", async () => {
  const flags = { "transport-type": "ussd", "ussd-merge-window": "0", "failed-status": "failed" };
  await using bridge = await TestBridge.start(flags);
  await dial(bridge);
  const texts = ["1", "2", "3", "4", "1"];
  const all = await Promise.all(texts.map((text) => say(bridge, text)));
  const [{ message } = assert.fail()] = await bridge.transport.received(1);
  const others = new Set<string>();
  for (const [n, text] of texts.entries()) {
    const { status, id } = all[n] ?? assert.fail();
    if (text === message["content"]) assert.deepEqual([status, id], [200, message["message_id"]]);
    else if (status === 200) others.add(id);
    else assert.equal(status, 422);
  }
  await bridge.counted(`{flow="status",result="delivered"} ${others.size}`);
  const failed = bodies(bridge).flatMap(({ user_message_id }) => user_message_id ?? []);
  assert.deepEqual(new Set(failed), others);
  assert.equal(bridge.transport.outbound.length, 1);
});

Deno.test("a session whose transport has lost its clock can be answered", async () => {
  await using bridge = await TestBridge.start({ "transport-type": "ussd" });
  await dial(bridge, { timestamp: "2015-06-15 13:00:00.000000" });
  assert.equal((await say(bridge, "Hi")).status, 200);
  const [{ message } = assert.fail()] = await bridge.transport.received(1);
  assert.equal(message["in_reply_to"], USSD.message_id);
});

for (
  const [label, fields, flags] of [
    ["was an hour ago", { timestamp: ago(3600) }, {}],
    ["was ussd.session_timeout ago", { timestamp: ago(20) }, { "ussd-session-timeout": "10" }],
    ["was hung up", { timestamp: ago(0), session_event: "close" }, {}],
  ] as const
) {
  Deno.test(`an answer to a session that ${label} is a 422, or a new message of another type`, async () => {
    for (const type of ["ussd", "sms"]) {
      await using bridge = await TestBridge.start({ "transport-type": type, ...flags });
      await bridge.transport.sendInbound({ ...USSD, ...fields });
      const ended = "session_event" in fields ? "skipped" : "delivered";
      await bridge.counted(`{flow="inbound",result="${ended}"} 1`);
      const { status, id } = await say(bridge, "Hi");
      assert.equal(status, type === "ussd" ? 422 : 200);
      if (type === "ussd") continue;
      const [{ message } = assert.fail()] = await bridge.transport.received(1);
      const { message_id, in_reply_to, to_addr, from_addr, transport_type } = message;
      assert.equal(message_id, id);
      assert.deepEqual(
        { in_reply_to, to_addr, from_addr, transport_type },
        { in_reply_to: null, to_addr: USSD.from_addr, from_addr: "8110", transport_type: "sms" },
      );
    }
  });
}

Deno.test("an SMS is answered as often as Turn likes, and however late", async () => {
  await using bridge = await TestBridge.start();
  await dial(bridge, { transport_type: "sms", timestamp: ago(3000) });
  for (const text of ["One", "Two", "Two"]) assert.equal((await say(bridge, text)).status, 200);
  const sent = await bridge.transport.received(3);
  assert.deepEqual(sent.map(({ message }) => message["in_reply_to"]), ["ussd1", "ussd1", "ussd1"]);
});

Deno.test("a reply_to that is not remembered is a 404, and nothing is published", async () => {
  await using bridge = await TestBridge.start();
  const { status, body } = await bridge.send({ ...DOCUMENTED, reply_to: "unheard-of" });
  assert.equal(status, 404);
  assert.equal(body.errors[0].field, "reply_to");
  await bridge.send(DOCUMENTED);
  const [{ message } = assert.fail(), ...others] = await bridge.transport.received(1);
  assert.equal(message["in_reply_to"], null);
  assert.deepEqual(others, []);
});

Deno.test("an inbound older than message_cache_config.timeout is not answered", async () => {
  await using bridge = await TestBridge.start({ "message-cache-config-timeout": "0.001" });
  await bridge.transport.sendInbound(USSD);
  await bridge.turn.received(1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await bridge.send({ ...REAL, reply_to: "ussd1" })).status, 404);
  await bridge.send({ ...REAL, to: "+27820001111" });
  const [{ message } = assert.fail()] = await bridge.transport.received(1);
  assert.equal(message["in_reply_to"], null);
});

Deno.test("vumi_api_path comes before /messages", async () => {
  await using bridge = await TestBridge.start({ "vumi-api-path": "/api/v1/" });
  assert.equal((await bridge.send(DOCUMENTED)).status, 404);
  assert.equal((await bridge.request("/api/v1/messages", { method: "POST" })).status, 401);
});

for (
  const [status, label, body, init] of [
    [400, "no JSON", "{", {}],
    [400, "the wrong schema", { turn: [] }, {}],
    [401, "a wrong signature", DOCUMENTED, { headers: { "X-Turn-Hook-Signature": "bm8=" } }],
    [405, "a wrong method", "", { method: "PUT" }],
    [413, "a body over max_body_bytes", { ...DOCUMENTED, content: "x".repeat(2_000) }, {}],
    [415, "a content type that is not JSON", DOCUMENTED, {
      headers: { "Content-Type": "text/plain" },
    }],
    [422, "a type without words", { ...DOCUMENTED, turn: { type: "hologram" } }, {}],
  ] as const
) {
  Deno.test(`${label} is a ${status} in Turn's shape, and nothing is published`, async () => {
    await using bridge = await TestBridge.start({ "max-body-bytes": "1000" });
    const answer = await bridge.send(body, init);
    assert.equal(answer.status, status);
    for (const error of answer.body.errors) {
      assert.equal(error.code, status);
      assert.equal(typeof error.title, "string");
      assert.equal(typeof error.details, "string");
    }
    assert.ok(answer.body.errors.length > 0);
    if (status === 405) assert.equal(answer.headers.get("allow"), "POST");
    assert.equal((await bridge.send(DOCUMENTED)).status, 200);
    assert.equal((await bridge.transport.received(1)).length, 1);
  });
}
