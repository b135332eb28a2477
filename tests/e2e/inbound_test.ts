import assert from "node:assert/strict";
import { TestBridge, TOKEN } from "../support/bridge.ts";
import { until } from "../support/until.ts";

Deno.test("a user's message reaches Turn as the text has it", async () => {
  await using bridge = await TestBridge.start();
  await bridge.transport.sendInbound({ message_id: "message-uuid-5678" });
  const [call = assert.fail()] = await bridge.turn.received(1);
  assert.equal(call.path, "/messages");
  assert.equal(call.headers.get("authorization"), `Bearer ${TOKEN}`);
  assert.deepEqual(call.body, {
    contact: { id: "+26612345678", profile: { name: "+26612345678" } },
    message: {
      type: "text",
      text: { body: "Hello world!" },
      from: "+26612345678",
      id: "message-uuid-5678",
      timestamp: "1434373200",
    },
  });
});

Deno.test("a message is not acked before Turn's 2xx", async () => {
  await using bridge = await TestBridge.start();
  bridge.turn.answer = () => "hang";
  await bridge.transport.sendInbound();
  await bridge.turn.received(1);
  await bridge.stop();
  await until("the message back in its queue", async () => {
    return await bridge.transport.depth("inbound") === 1;
  });
});

Deno.test("a message is acked after Turn's 2xx", async () => {
  await using bridge = await TestBridge.start();
  await bridge.transport.sendInbound();
  await bridge.turn.received(1);
  await bridge.counted('{flow="inbound",result="delivered"} 1');
  await bridge.stop();
  assert.equal(await bridge.transport.depth("inbound"), 0);
});

for (const status of [500, 502, 503, 504, 408, 425]) {
  Deno.test(`a ${status} is tried max_retries times more, then parked with the reason`, async () => {
    await using bridge = await TestBridge.start({ "max-retries": "2", "retry-for": "0" });
    bridge.turn.answer = () => new Response(null, { status });
    await bridge.transport.sendInbound({ message_id: "m1", content: "secret" });
    const { content, properties } = await bridge.transport.take("inbound.parked");
    assert.equal(bridge.turn.calls.length, 3);
    assert.equal(JSON.parse(content.toString()).message_id, "m1");
    assert.match(properties.headers?.["x-parked-reason"], new RegExp(String(status)));
    assert.equal(properties.headers?.["x-parked-status"], status);
    assert.ok(Math.abs(Date.parse(properties.headers?.["x-parked-at"]) - Date.now()) < 600_000);
  });
}

for (const status of [400, 404, 413, 422]) {
  Deno.test(`a ${status} is for good: parked at once`, async () => {
    await using bridge = await TestBridge.start();
    bridge.turn.answer = () => new Response(null, { status });
    await bridge.transport.sendInbound({ message_id: "m1" });
    const { properties } = await bridge.transport.take("inbound.parked");
    assert.equal(properties.headers?.["x-parked-status"], status);
    assert.equal(bridge.turn.calls.length, 1);
  });
}

for (const isDropped of [false, true]) {
  Deno.test(`a Turn that ${isDropped ? "drops calls" : "does not answer"} is tried again`, async () => {
    await using bridge = await TestBridge.start({ "mo-message-url-timeout": "0.2" });
    let calls = 0;
    // Deno 2.9's own repetition of a reset POST may make one call more.
    bridge.turn.answer = () => {
      if (++calls > 2) return Response.json({});
      return isDropped ? bridge.turn.drop() : "hang";
    };
    await bridge.transport.sendInbound({ message_id: "m1" });
    await bridge.turn.received(3);
    await bridge.counted('{flow="inbound",result="delivered"} 1');
    assert.equal(await bridge.transport.depth("inbound.parked"), 0);
  });
}

Deno.test("Retry-After is waited for", async () => {
  await using bridge = await TestBridge.start();
  let calls = 0;
  bridge.turn.answer = () =>
    ++calls === 1
      ? new Response(null, { status: 429, headers: { "Retry-After": "0.5" } })
      : Response.json({});
  await bridge.transport.sendInbound();
  const [first = assert.fail(), second = assert.fail()] = await bridge.turn.received(2);
  assert.ok(second.at - first.at >= 490, `tried again after ${second.at - first.at} ms`);
});

Deno.test("one user's messages stay in order through retries, others do not wait", async () => {
  await using bridge = await TestBridge.start({ "max-retries": "9" });
  const { promise: opened, resolve: open } = Promise.withResolvers<Response>();
  let failures = 0;
  bridge.turn.answer = ({ body }) => {
    const { id } = (body as { message: { id: string } }).message;
    if (id === "a0") return opened;
    return id === "a1" && failures++ < 3 ? new Response(null, { status: 500 }) : Response.json({});
  };
  const send = (message_id: string, from_addr: string): Promise<void> =>
    bridge.transport.sendInbound({ message_id, from_addr });
  for (const id of ["a0", "a1", "a2", "a3"]) await send(id, "+1");
  await send("b0", "+2");
  const ids = (): string[] =>
    bridge.turn.calls.map(({ body }) => (body as { message: { id: string } }).message.id);
  await until("another user's message", () => ids().includes("b0"));
  assert.deepEqual(ids().filter((id) => id.startsWith("a")), ["a0"]);
  open(Response.json({}));
  await until("all", () => ids().includes("a3"));
  assert.deepEqual(ids().filter((id) => id.startsWith("a")), [
    "a0",
    "a1",
    "a1",
    "a1",
    "a1",
    "a2",
    "a3",
  ]);
});

Deno.test("no more than worker_concurrency messages are in work at once", async () => {
  await using bridge = await TestBridge.start({ "worker-concurrency": "3" });
  bridge.turn.answer = () => "hang";
  for (let n = 0; n < 5; n++) await bridge.transport.sendInbound({ from_addr: `+${n}` });
  await bridge.turn.received(3);
  assert.equal(await bridge.transport.depth("inbound"), 2);
  assert.equal(bridge.turn.calls.length, 3);
});

for (
  const [label, flags, fields, text] of [
    ["the dialled code for null", {}, { content: null, session_event: "new" }, "*120*8864#"],
    ['the dialled code for ""', {}, { content: "" }, "*120*8864#"],
    ["empty_message_body", { "empty-message-body": "(empty)" }, { content: null }, "(empty)"],
    ["what was written at a hang-up", {}, { content: "bye", session_event: "close" }, "bye"],
  ] as const
) {
  Deno.test(`Turn is told ${label}`, async () => {
    await using bridge = await TestBridge.start(flags);
    await bridge.transport.sendInbound({
      to_addr: "*120*8864#",
      transport_type: "ussd",
      ...fields,
    });
    const [{ body } = assert.fail()] = await bridge.turn.received(1);
    assert.equal((body as { message: { text: { body: string } } }).message.text.body, text);
  });
}

Deno.test("a hang-up is not forwarded, but kept and counted", async () => {
  await using bridge = await TestBridge.start();
  await bridge.transport.sendInbound({ message_id: "h", content: null, session_event: "close" });
  await bridge.transport.sendInbound({ message_id: "next", from_addr: "+2" });
  const [{ body } = assert.fail()] = await bridge.turn.received(1);
  assert.equal((body as { message: { id: string } }).message.id, "next");
  await bridge.counted('{flow="inbound",result="skipped"} 1');
  const turn = { type: "text", text: { body: "x" } };
  assert.equal((await bridge.send({ to: "+26612345678", turn, reply_to: "h" })).status, 200);
});

for (
  const [label, body] of [
    ["no JSON", new TextEncoder().encode("{")],
    ["no UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
    ["no vumi message", new TextEncoder().encode("[]")],
    ["empty", new Uint8Array()],
  ] as const
) {
  Deno.test(`what is ${label} is parked, bytes and headers as they were`, async () => {
    await using bridge = await TestBridge.start();
    await bridge.transport.publish("inbound", body, { "x-theirs": "kept" });
    const { content, properties } = await bridge.transport.take("inbound.parked");
    assert.deepEqual(new Uint8Array(content), body);
    assert.equal(properties.headers?.["x-theirs"], "kept");
    assert.match(properties.headers?.["x-parked-reason"], /Cannot read vumi message/);
    await bridge.transport.sendInbound();
    await bridge.turn.received(1);
  });
}
