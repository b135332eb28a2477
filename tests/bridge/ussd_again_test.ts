import assert from "node:assert/strict";
import { keepPending, readPending } from "../../src/bridge/notices.ts";
import { CacheError } from "../../src/cache/mod.ts";
import { readSession } from "../../src/bridge/sessions.ts";
import { formatTimestamp } from "../../src/vumi/mod.ts";
import { until } from "../support/until.ts";
import { NEVER, USSD } from "./support.ts";
import { TestBridge } from "./test_bridge.ts";
import { buttons, postId, reported, request, TestTurns, USER } from "./turns_support.ts";

const MINUTES_AGO = 600_000;
const HOLD = { holdText: "Wait", sorryText: "Sorry" };

Deno.test("UssdInbound tells of a dial by the same words when it comes after a later message", async () => {
  await using test = new TestTurns({ startText: "hi", startTexts: new Map([["*120*2#", "two"]]) });
  for (const [content, told] of [["*120#", "hi"], ["*120*2#", "two"]] as const) {
    const dial = test.message({ session_event: "new", content });
    await test.receive(dial);
    await test.clock.advance(1_000);
    const answer = test.message({ content: "1" });
    await test.receive(answer);
    const again = await test.receive(dial);
    assert.equal(again.kind === "tell" && again.text, told);
    const { inbound } = readSession(await test.cache.getRecord("turn", USER)) ?? {};
    assert.equal(inbound?.message_id, answer.message_id);
    await test.clock.advance(1_000);
  }
});

Deno.test("UssdInbound takes at once what answers a screen that asked to wait", async () => {
  const own = (test: TestTurns, message = test.message()) =>
    test.ussd.receiveEarly(message, test.clock.now, NEVER, () => false, (r) => Promise.resolve(r));
  await using test = new TestTurns(HOLD);
  assert.equal(await own(test), undefined, "no session");
  const dial = test.message({ session_event: "new" });
  await test.receive(dial);
  assert.equal(await own(test), undefined, "an open request");
  assert.equal(await own(test, dial), undefined, "Turn is told of it");
  await test.clock.advance(8_000);
  const timestamp = formatTimestamp(new Date(test.clock.now - 9_000));
  assert.deepEqual(test.screens, ["own resume: Wait"]);
  assert.equal(await own(test, test.message({ timestamp })), undefined, "it came before");
  for (const session_event of ["new", "close"] as const) {
    assert.equal(await own(test, test.message({ session_event })), undefined, session_event);
  }
  const answer = test.message();
  const waited = { kind: "ours", why: "waited" };
  assert.deepEqual([await own(test, answer), await own(test, answer)], [waited, waited]);
  assert.equal(await own(test), undefined, "the request is open again");
  await test.clock.advance(8_000);
  await test.post(1, request("late", true));
  const redial = test.message({ session_event: "new" });
  assert.deepEqual(await own(test, redial), waited, "something is there to be shown");
  await test.clock.advance(2_000);
  await test.receive(test.message());
  await test.clock.advance(8_000);
  await test.clock.advance(180_001);
  const { state } = readSession(await test.cache.getRecord("turn", USER)) ?? {};
  assert.deepEqual([state, await own(test)], ["holding", undefined], "it took too long");
});

Deno.test("Bridge shows the next page, and asks nobody to wait, when Turn has the message before", async () => {
  const ussd = { ...USSD, mergeWindowMs: 100, settleMs: 10, ...HOLD };
  await using test = new TestBridge(undefined, {
    ussd: { ...ussd, answerDeadlineMs: () => 300 },
    messageTimeoutMs: 300_000,
    concurrency: 5,
  });
  const { promise: answer, resolve } = Promise.withResolvers<Response>();
  test.answer = () => answer;
  const shown = () =>
    test.broker.waiting("c.outbound").map(({ body }) => {
      const { content, in_reply_to } = JSON.parse(new TextDecoder().decode(body));
      return [in_reply_to, content === "Wait" ? content : "page"];
    });
  const write = (id: string, session_event: "new" | "resume", content: string, agoMs = 0) => {
    const timestamp = formatTimestamp(new Date(Date.now() - agoMs));
    return test.write(id, { transport_type: "ussd", session_event, content, timestamp });
  };
  await write("dial", "new", "*120#");
  await until("the request", async () => (
    await test.cache.getRecord("turn", "+266") !== undefined
  ));
  const long = { ...request("long words ".repeat(40), true), to: "+266" };
  const sender = { body: new Uint8Array(3), isLate: () => false, isGone: () => false };
  await test.bridge.accept(long, sender as unknown as Parameters<typeof test.bridge.accept>[1]);
  await until("the first page", () => shown().length === 1);
  await write("more", "resume", "98");
  await until("the second page", () => shown().length === 2);
  assert.equal(test.told.length, 1);
  // Longer than it takes until a user is asked to wait.
  await new Promise((resolve) => setTimeout(resolve, 600));
  resolve(new Response("{}"));
  // Nobody waits any more for an answer to what was on its way for so long.
  await write("old", "resume", "98", MINUTES_AGO);
  await until("it to be done with", async () => (
    /result="skipped",connector="c"} 1$/m.test(await test.registry.text())
  ));
  assert.deepEqual(shown(), [["dial", "page"], ["more", "page"]]);
});

Deno.test("UssdInbound shows who dials instead of waiting what has come, and Turn is not told", async () => {
  await using test = new TestTurns({ ...HOLD, startText: "hi" });
  await test.dial();
  await test.clock.advance(8_000);
  await test.post(1, buttons("Go?", "Yes", "No"));
  await test.clock.advance(5_000);
  assert.deepEqual(await test.dial(), { kind: "ours", why: "waited" });
  await test.clock.advance(2_000);
  assert.deepEqual(test.screens, ["own resume: Wait", "1 resume: Go? / 1. Yes / 2. No"]);
  assert.deepEqual([reported(test.broker), test.ended.get(1)], [[], "done"]);
});

Deno.test("UssdInbound asks nothing of a dial whose session is over, and keeps what waits", async () => {
  await using test = new TestTurns({ resumeWindowMs: 3_600_000, startText: "hi" });
  await test.dial();
  await test.post(1, buttons("Go?", "Yes", "No"));
  await test.clock.advance(MINUTES_AGO + 60_000);
  const messages = [{ id: postId(8), request: request("words", true), inbound: test.message() }];
  await test.cache.putRecords([keepPending(USER, { messages, noticedAt: 0 })]);
  const timestamp = formatTimestamp(new Date(test.clock.now - MINUTES_AGO));
  const received = await test.dial({ timestamp });
  assert.equal(received.kind === "tell" && received.text, "hi");
  await test.clock.advance(60_000);
  assert.equal(test.screens.length, 1);
  const left = readPending(await test.cache.getRecord("pending", USER));
  assert.deepEqual(left?.messages.map(({ id }) => id), [postId(8)]);
});

Deno.test("UssdInbound: what was pending is shown once, though the cache failed at the dial", async () => {
  await using test = new TestTurns();
  await test.dial();
  const messages = [{ id: postId(8), request: request("words"), inbound: test.message() }];
  await test.cache.putRecords([keepPending(USER, { messages, noticedAt: 0 })]);
  await test.clock.advance(9_000);
  const dial = test.message({ session_event: "new", content: "*120#" });
  test.cache.failing.add("putRecords");
  await assert.rejects(test.receive(dial), CacheError);
  test.cache.failing.clear();
  await test.clock.advance(5_000);
  assert.deepEqual(test.screens, [], "nothing is shown to a request that is not kept");
  await test.receive(dial);
  await test.clock.advance(9_000);
  assert.deepEqual(test.screens, ["8 close: words"]);
});

Deno.test("UssdInbound leaves what has come with the request before, if an answer can't be kept", async () => {
  await using test = new TestTurns();
  const dial = test.message({ session_event: "new", content: "*120#" });
  await test.receive(dial);
  await test.post(1, request("words"));
  test.cache.failing.add("putRecords");
  await assert.rejects(test.answer("1"), CacheError);
  test.cache.failing.clear();
  await test.clock.advance(5_000);
  const [screen] = test.connector.published;
  assert.deepEqual([test.screens, screen?.in_reply_to], [["1 close: words"], dial.message_id]);
});
