/**
 * What is late is shown once and announced if it is not shown, and what was asked last is what an answer is
 * read by, whatever fails, comes again or is sent meanwhile.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readAnswer } from "../../src/bridge/answers.ts";
import { CONTENT } from "./support.ts";
import { buttons, MERGING, NOTICE, reported, request, TestTurns } from "./turns_support.ts";

const BY_NOTICE = { late: "sms", smsFallback: NOTICE } as const;
const BY_CONTENT = { late: "sms", smsFallback: { ...NOTICE, mode: "content" } } as const;
const RESUMING = { resumeWindowMs: 600_000 };

function hangUp(test: TestTurns) {
  return test.answer("", { session_event: "close", content: null });
}

/** What a message means: what was chosen, or which kind of answer it is. */
async function meaning(test: TestTurns, message: ReturnType<TestTurns["message"]>) {
  const ussd = { ...MERGING, ...RESUMING };
  const answer = await readAnswer(message, "first", { cache: test.cache, ussd, content: CONTENT });
  return answer.kind === "choice" ? answer.chosen.choice.title : answer.kind;
}

/** How many screens, or SMS, say this. */
function times(test: TestTurns, text: string): number {
  return test.screens.filter((screen) => screen.includes(text)).length;
}

Deno.test("what came while somebody was asked to go on stays, though the cache fails once at the choice to start again", async () => {
  await using test = new TestTurns(RESUMING);
  await test.dial();
  await test.post(1, request("Name?", true));
  await test.clock.advance(1_000);
  await hangUp(test);
  await test.dial(); // 1. Continue / 2. Start again
  await test.post(2, request("Words"));
  const two = test.message({ content: "2" });
  test.cache.failing.add("putRecords");
  await assert.rejects(test.receive(two));
  test.cache.failing.clear();
  await test.receive(two);
  await test.post(3, request("Welcome", true));
  await test.clock.advance(400_000);
  assert.equal(test.ended.get(2), "done");
});

Deno.test("what could not be announced is shown to who dials, or announced", async () => {
  await using test = new TestTurns(BY_NOTICE);
  test.connector.failure = "unavailable";
  await test.post(1, request("Words"), { over: "before" });
  await test.dial();
  await test.clock.advance(1_000);
  test.connector.failure = undefined; // after a second
  await test.clock.advance(1_000);
  await hangUp(test); // before anything was shown
  await test.clock.advance(400_000);

  const announced = times(test, "Dial *120#") + times(test, "Words");
  assert.deepEqual([test.ended.get(1), announced, reported(test.broker)], ["done", 1, []]);
});

Deno.test("what could not be announced is announced when RabbitMQ is back after the session", async () => {
  await using test = new TestTurns(BY_NOTICE);
  test.connector.failure = "unavailable";
  await test.post(1, request("Words"), { over: "before" });
  await test.dial();
  await test.clock.advance(200_000);
  test.connector.failure = undefined;
  await test.clock.advance(400_000);
  assert.equal(times(test, "Dial *120#"), 1);
});

Deno.test("what is late, and comes again while a request is open, is shown once", async () => {
  await using test = new TestTurns(BY_NOTICE);
  await test.dial();
  await test.post(1, request("Name?", true));
  await test.clock.advance(1_000);
  await test.post(2, request("Operator")); // late: pending, with a notice
  await test.clock.advance(300);
  await test.answer("Bob");
  await test.post(2, request("Operator"), { redelivered: true }); // the ack was lost
  await test.post(3, request("Age?", true));
  await test.clock.advance(1_000);
  await test.dial();
  await test.post(4, request("Welcome", true));
  await test.clock.advance(5_000);
  assert.equal(times(test, "Operator"), 1);
});

Deno.test("what could not be announced, and is shown to a request meanwhile, is shown once", async () => {
  await using test = new TestTurns(BY_NOTICE);
  await test.dial();
  await test.post(1, request("Name?", true));
  await test.clock.advance(1_000);
  test.connector.failure = "unavailable";
  await test.post(2, request("Operator"));
  await test.answer("Bob");
  test.connector.failure = undefined;
  await test.clock.advance(1_000);
  await test.post(3, request("Age?", true));
  await test.clock.advance(1_000);
  await test.dial();
  await test.post(4, request("Welcome", true));
  await test.clock.advance(5_000);
  assert.equal(times(test, "Operator"), 1); // 2, and no notice at all
});

Deno.test("what was shown at a redial while it could not be announced is not announced", async () => {
  await using test = new TestTurns(BY_NOTICE);
  await test.dial();
  await test.post(1, request("Words"));
  test.connector.failure = "unavailable";
  await hangUp(test);
  await test.clock.advance(300);
  await test.dial();
  test.connector.failure = undefined;
  await test.post(2, request("Welcome", true));
  await test.clock.advance(5_000);
  await test.dial();
  await test.post(3, request("Welcome", true));
  await test.clock.advance(5_000);
  assert.deepEqual([times(test, "Words"), times(test, "Dial *120#")], [1, 0]);
});

Deno.test("what asks something is shown to one request of two, though it could not be announced", async () => {
  await using test = new TestTurns(BY_NOTICE);
  test.connector.failure = "unavailable";
  await test.post(1, request("Asks?", true), { over: "before" });
  const first = test.message({ session_event: "new" });
  const second = test.message({ session_event: "new" });
  await test.receive(first);
  await test.clock.advance(0);
  const later = test.receive(second);
  await test.clock.advance(200);
  test.connector.failure = undefined;
  await test.clock.advance(2_000);
  await later;
  await test.clock.advance(20_000);
  assert.equal(times(test, "Asks?"), 1);
});

Deno.test("what a notice announced is shown once, though the connection is lost while its screen waits", async () => {
  await using test = new TestTurns(BY_NOTICE);
  await test.post(1, request("Late"), { over: "before" });
  await test.clock.advance(1_000);
  await test.dial();
  test.connector.failure = "unavailable";
  const lost = new AbortController();
  await test.post(2, request("Name?", true), { lost: lost.signal });
  await test.clock.advance(1_000);
  lost.abort();
  await test.clock.advance(1_000);
  test.connector.failure = undefined;
  await test.post(2, request("Name?", true), { redelivered: true });
  await test.clock.advance(1_000);
  await test.dial();
  await test.post(3, request("Welcome", true));
  await test.clock.advance(5_000);
  assert.equal(times(test, "Late"), 1);
});

Deno.test("who goes on after a long time is shown the question, and picks nothing", async () => {
  await using test = new TestTurns({ ...RESUMING, sessionMs: 60_000 });
  await test.dial();
  await test.post(1, buttons("Delete your record?", "Yes", "No"));
  await test.clock.advance(1_000);
  await hangUp(test);
  await test.dial(); // 1. Continue / 2. Start again
  await test.clock.advance(61_000);
  const one = test.message({ content: "1" });
  const { kind } = await test.receive(one);
  assert.deepEqual([kind, kind === "tell" && await meaning(test, one)], ["ours", false]);
});

Deno.test("an answer on a page of a text that asks nothing picks from no SMS", async () => {
  await using test = new TestTurns(BY_CONTENT);
  await test.dial();
  await test.post(1, request("word ".repeat(60).trim()));
  await test.clock.advance(3_000); // ... 98. More
  await test.post(2, buttons("How is it?", "Good", "Bad"));
  await test.clock.advance(1_000);
  const two = test.message({ content: "2" });
  await test.receive(two);
  assert.equal(await meaning(test, two), "text");
});

Deno.test("nobody is asked to go on with what was told of as failed", async () => {
  await using test = new TestTurns(RESUMING);
  await test.dial();
  test.connector.failure = "unavailable";
  await test.post(1, request("Name?", true));
  await test.clock.advance(181_000);
  test.connector.failure = undefined;
  await test.clock.advance(5_000);
  await test.dial();
  await test.answer("1");
  assert.deepEqual([reported(test.broker), test.screens], [["nack 1"], []]);
});

Deno.test("who starts again leaves the menu of an SMS", async () => {
  await using test = new TestTurns({ ...BY_CONTENT, ...RESUMING });
  await test.dial();
  await test.post(1, request("Name?", true));
  await test.clock.advance(200_000);
  await test.post(2, buttons("How is it?", "Good", "Bad"));
  await test.clock.advance(1_000);
  await test.dial();
  await test.answer("2");
  await test.post(3, request("Bye"));
  await test.clock.advance(5_000);
  const sms = test.message({ content: "2", transport_type: "sms", session_event: null });
  assert.equal(await meaning(test, sms), "Bad");
});
