import assert from "node:assert/strict";
import { readSession } from "../../src/bridge/sessions.ts";
import { formatTimestamp } from "../../src/vumi/mod.ts";
import { until } from "../support/until.ts";
import { TestHandover, USSD } from "./support.ts";
import { TestBridge } from "./test_bridge.ts";

Deno.test("Bridge keeps in hand what waits for Turn, and puts it back in its place when it drains", async () => {
  await using test = new TestBridge();
  for (const id of ["m1", "m2", "m3"]) await test.write(id);
  await until("Turn is down", () => test.bridge.turnFigures().breaker === "open");
  assert.deepEqual(test.waiting(), [["m3", undefined]]);
  await test.bridge.drain(AbortSignal.timeout(1_000));
  assert.deepEqual(test.waiting(), [["m1", undefined], ["m2", undefined], ["m3", undefined]]);
});

Deno.test("Bridge sends what was in hand for too long to the end of its queue, in order", async () => {
  await using test = new TestBridge(50);
  for (const id of ["m1", "m2", "m3"]) await test.write(id);
  await until("copies", () => test.waiting().flat().some((copies) => Number(copies) >= 3));
  await test.bridge.drain(AbortSignal.timeout(1_000));
  const ids = test.waiting().map((entry) => Array.isArray(entry) && entry[0]).join();
  assert.ok("m1,m2,m3,m1,m2,m3".includes(ids) && ids.length === 8, ids);
});

Deno.test("Bridge.takeOver() goes by what another one has noted of messages that wait elsewhere", async () => {
  await using test = new TestBridge();
  test.answer = () => Promise.resolve(new Response("{}"));
  await test.write("m1");
  await until("m1", () => test.told.length === 1);
  const ttlMs = 60_000;
  await test.cache.putNotes([
    { kind: "order", id: "inbound", value: `${Date.now() + ttlMs}`, ttlMs },
    { kind: "order", id: "inbound:+266", value: JSON.stringify([[Date.now(), 0, 7]]), ttlMs },
  ]);
  // It has looked already, and what is noted is noted by itself only.
  await test.write("m2");
  await until("m2", () => test.told.length === 2);
  assert.match(await test.registry.text(), /result="again",connector="c"} 0$/m);
  test.bridge.takeOver(new TestHandover());
  await test.write("m3");
  await until("m3", () => test.told.length === 3);
  assert.match(await test.registry.text(), /flow="inbound",result="again",connector="c"} 1$/m);
});

Deno.test("Bridge answers who was asked to wait, though Turn still has the message before", async () => {
  const ussd = { ...USSD, holdText: "Wait", sorryText: "Sorry", holdMax: 2 };
  await using test = new TestBridge(undefined, {
    ussd: { ...ussd, answerDeadlineMs: () => 50 },
    messageTimeoutMs: 300_000,
  });
  // It does not come before the end.
  const { promise: answer, resolve } = Promise.withResolvers<Response>();
  test.answer = () => answer;
  const screens = () =>
    test.broker.waiting("c.outbound").map(({ body }) => {
      const { content, in_reply_to } = JSON.parse(new TextDecoder().decode(body));
      return [content, in_reply_to];
    });
  const wanted = [["Wait", "dial"], ["Wait", "reply 1"], ["Sorry", "reply 2"]];
  for (const [nth, [, id = ""]] of wanted.entries()) {
    const session_event = nth === 0 ? "new" : "resume";
    const timestamp = formatTimestamp(new Date());
    await test.write(id, { transport_type: "ussd", session_event, content: "1", timestamp });
    await until("a screen", () => screens().length > nth);
    await until("it to be kept", async () => {
      const session = readSession(await test.cache.getRecord("turn", "+266"));
      return session?.sending === undefined && session?.inbound.message_id === id;
    });
  }
  assert.deepEqual(screens(), wanted);
  assert.equal(test.told.length, 1);
  resolve(new Response("{}"));
});
