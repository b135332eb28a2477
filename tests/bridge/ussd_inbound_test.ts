import assert from "node:assert/strict";
import type { UssdOptions } from "../../src/bridge/mod.ts";
import type { Received } from "../../src/bridge/received.ts";
import { CacheError } from "../../src/cache/mod.ts";
import { readSession } from "../../src/bridge/sessions.ts";
import { formatTimestamp } from "../../src/vumi/mod.ts";
import { buttons, reported, request, TestTurns, USER } from "./turns_support.ts";

const HOLD = { holdText: "Wait", sorryText: "Sorry" };
const RESUME = { resumeWindowMs: 600_000 };
const NOTICE: Partial<UssdOptions> = {
  late: "sms",
  smsFallback: {
    ...{ transportName: "smpp", transportType: "sms", fromAddr: "8110", address: "as_is" },
    ...{ mode: "notice", noticeText: "Dial" },
  },
};
const ASKED = "own resume: 1. Continue / 2. Start again";

/** What Turn is told, or why it is not. */
function said(received: Received): string | undefined {
  return received.kind === "tell" ? received.text : received.why;
}

/** The user has been asked something, and the session ended. */
async function asked(test: TestTurns, question = "Go?"): Promise<void> {
  await test.dial();
  await test.post(1, buttons(question, "Yes", "No"));
  await test.clock.advance(60_000);
  test.connector.published.length = 0;
}

Deno.test("UssdInbound asks to wait, shows what has come at the next input, or says sorry", async () => {
  await using test = new TestTurns(HOLD);
  await test.dial();
  await test.clock.advance(8_000);
  assert.deepEqual(test.screens, ["own resume: Wait"]);
  await test.post(1, request("late"));
  await test.clock.advance(20_000);
  assert.equal(said(await test.answer("1")), "waited");
  await test.clock.advance(0);
  assert.deepEqual(test.screens.slice(1), ["1 close: late"]);
  await test.dial();
  for (let n = 0; n < 3; n++) {
    await test.clock.advance(8_000);
    if (n < 2) assert.equal(said(await test.answer("1")), "waited");
  }
  assert.deepEqual(test.screens.slice(2), [
    "own resume: Wait",
    "own resume: Wait",
    "own close: Sorry",
  ]);
  await test.post(2, request("too late", true));
  await test.clock.advance(0);
  assert.deepEqual(reported(test.broker), ["nack 2"]);
});

Deno.test("UssdInbound: what comes while a user is asked to wait fails with the session", async () => {
  await using test = new TestTurns(HOLD);
  await test.dial();
  await test.clock.advance(8_000);
  await test.post(1, request("late"));
  await test.clock.advance(180_000);
  assert.deepEqual([reported(test.broker), test.ended.get(1)], [["nack 1"], "done"]);
});

Deno.test("UssdInbound asks to wait again after we have ended before it was sent", async () => {
  await using test = new TestTurns(HOLD);
  await test.dial();
  test.connector.failure = "unavailable";
  await test.clock.advance(8_000);
  const other = new TestTurns(HOLD, test);
  await other.post(1, request("late"), { redelivered: true });
  await test.clock.advance(0);
  assert.deepEqual(other.screens, ["own resume: Wait"]);
  assert.equal(said(await other.answer("1", { message_id: "next" })), "waited");
  await test.clock.advance(2_000);
  assert.deepEqual(other.screens.slice(1), ["1 close: late"]);
  await other[Symbol.asyncDispose]();
});

const ANSWERS = [
  { answer: "1", told: "resumed", screens: ["own resume: Go? / 1. Yes / 2. No"] },
  { answer: "Continue", told: "resumed", screens: ["own resume: Go? / 1. Yes / 2. No"] },
  { answer: "2", told: "hi", screens: [] },
  { answer: "start again", told: "hi", screens: [] },
  { answer: "?", told: "resumed", screens: [ASKED] },
];

for (const { answer, told, screens } of ANSWERS) {
  Deno.test(`UssdInbound asks who dials again whether to go on; "${answer}"`, async () => {
    await using test = new TestTurns({ ...RESUME, startText: "hi" });
    await asked(test);
    assert.equal(said(await test.dial()), "resumed");
    assert.deepEqual(test.screens, [ASKED]);
    const message = test.message({ content: answer });
    const received = await test.receive(message);
    assert.deepEqual([said(received), test.screens.slice(1)], [told, screens]);
    if (received.kind === "tell") assert.equal(received.isAnswer, false);
    // The same again has the same effect, here and at another bridge.
    for (const again of [test, new TestTurns({ ...RESUME, startText: "hi" }, test)]) {
      const repeated = await again.receive(message);
      assert.equal(repeated.kind === "tell" ? repeated.text : "resumed", told);
      assert.deepEqual(again.screens.slice(again === test ? 1 : 0), again === test ? screens : []);
    }
  });
}

Deno.test("UssdInbound: who starts again is shown what came meanwhile with what Turn says then", async () => {
  await using test = new TestTurns({ ...RESUME, startText: "hi" });
  await asked(test);
  await test.dial();
  await test.post(2, request("Reminder"));
  await test.clock.advance(10_000);
  assert.equal(said(await test.answer("2")), "hi");
  await test.clock.advance(500);
  await test.post(3, request("Welcome", true));
  await test.clock.advance(3_000);
  assert.deepEqual(test.screens, [ASKED, "2 resume: Reminder / Welcome"]);
});

Deno.test("UssdInbound asks again who dials again, and nobody after the time", async () => {
  await using test = new TestTurns({ ...RESUME, startText: "hi" });
  await asked(test);
  await test.dial();
  assert.equal(said(await test.dial()), "resumed");
  assert.deepEqual(test.screens, [ASKED, ASKED]);
  await test.clock.advance(600_000);
  assert.equal(said(await test.dial()), "hi");
});

Deno.test("UssdInbound counts the time to go on from when a question was last on the screen", async () => {
  await using test = new TestTurns({ resumeWindowMs: 120_000, startText: "hi" });
  await asked(test, "Are you well? ".repeat(20));
  await test.dial();
  await test.answer("1");
  await test.clock.advance(100_000);
  assert.equal(said(await test.dial()), "resumed");
  await test.answer("1");
  await test.clock.advance(70_000);
  // The user reads on.
  const more = test.message({ content: "98" });
  await test.receive(more);
  await test.clock.advance(100_000);
  assert.equal(said(await test.dial()), "resumed");
  // To be asked is not to be shown the question.
  await test.clock.advance(30_000);
  assert.equal(said(await test.dial()), "hi");
});

Deno.test("UssdInbound asks whether to go on when the cache is back, once", async () => {
  await using test = new TestTurns(RESUME);
  await asked(test);
  const dial = test.message({ session_event: "new", content: "*120#" });
  for (const method of ["putRecords", "getRecord"] as const) {
    test.cache.failing.add(method);
    await assert.rejects(test.receive(dial), CacheError);
    test.cache.failing.clear();
  }
  await test.receive(dial);
  assert.deepEqual(test.screens, [ASKED]);
});

Deno.test("UssdInbound asks whether to go on after a kill before it was sent, under the same id", async () => {
  await using test = new TestTurns(RESUME);
  await asked(test);
  const dial = test.message({ session_event: "new", content: "*120#" });
  test.connector.failure = "unconfirmed";
  const lost = new AbortController();
  const failing = assert.rejects(test.receive(dial, lost.signal));
  await test.clock.advance(100);
  const other = new TestTurns(RESUME, test);
  await other.receive(dial);
  assert.deepEqual(other.connector.published, [test.connector.published[0]]);
  lost.abort();
  await failing;
  await other[Symbol.asyncDispose]();
});

Deno.test("UssdInbound shows what was pending first, and asks to go on below it", async () => {
  await using test = new TestTurns({ ...RESUME, ...NOTICE });
  await asked(test);
  await test.post(2, request("for later"));
  assert.match(test.screens.join(), /^0*2-n1|own null: Dial$/);
  test.connector.published.length = 0;
  await test.dial();
  assert.deepEqual(test.screens, ["2 resume: for later / 1. Continue / 2. Start again"]);
  await test.dial();
  assert.deepEqual(test.screens.slice(1), [ASKED], "pending ones are shown once");
  await test.dial({ session_event: "close", content: null });
  await test.post(3, request("asks later", true));
  test.connector.published.length = 0;
  assert.equal(said(await test.dial()), "pending");
  await test.clock.advance(0);
  assert.deepEqual(test.screens, ["3 resume: asks later"]);
});

/** Which messages the user is shown then. */
async function shown(test: TestTurns): Promise<unknown> {
  await test.clock.advance(10_000);
  const kept = await test.cache.getRecord("turn", USER);
  return readSession(kept)?.shown.map(Number);
}

Deno.test("UssdInbound shows of what was pending no more than there are pages for, and the rest at the next dials", async () => {
  await using test = new TestTurns({ ...RESUME, ...NOTICE });
  await asked(test);
  for (let n = 2; n <= 17; n++) {
    await test.post(n, request(`${n} ${"word ".repeat(25)}`, n === 10));
  }
  assert.equal(said(await test.dial()), "pending");
  assert.deepEqual(await shown(test), [2, 3, 4, 5, 6, 10]);
  assert.equal(said(await test.dial()), "resumed");
  assert.deepEqual(await shown(test), [7, 8, 9, 11, 12, 13]);
  assert.equal(said(await test.answer("1")), "resumed");
  assert.deepEqual(await shown(test), []);
  assert.equal(said(await test.dial()), "resumed");
  assert.deepEqual(await shown(test), [14, 15, 16, 17]);
});

Deno.test("UssdInbound shows what was pending longest though nothing fits beside it, and the rest at the next dials", async () => {
  await using test = new TestTurns(NOTICE);
  await test.dial();
  await test.post(1, request("Bye"));
  await test.clock.advance(10_000);
  await test.post(2, request("long ".repeat(180)));
  await test.post(3, request("menu ".repeat(60), true));
  test.connector.published.length = 0;
  assert.equal(said(await test.dial()), "pending");
  assert.deepEqual(await shown(test), [2]);
  assert.equal(said(await test.dial()), "pending");
  assert.deepEqual(await shown(test), [3]);
  await test.dial({ session_event: "close", content: null });
  await test.post(4, request("long ".repeat(180)));
  assert.equal((await test.dial()).kind, "tell");
  await test.post(5, request("menu ".repeat(60), true));
  assert.deepEqual(await shown(test), [4]);
  assert.equal(said(await test.dial()), "pending");
  assert.deepEqual(await shown(test), [5]);
});

Deno.test("UssdInbound shows what was pending longest before it asks whether to go on, if both don't fit", async () => {
  await using test = new TestTurns({ ...RESUME, ...NOTICE });
  await asked(test);
  await test.post(2, request("word ".repeat(207).trim()));
  await test.post(3, request("Clinic at 9"));
  assert.equal((await test.dial()).kind, "tell");
  await test.post(4, request("Which?", true));
  assert.deepEqual(await shown(test), [2]);
  await test.dial();
  assert.deepEqual(await shown(test), [3, 4]);
});

Deno.test("UssdInbound leaves of Turn's answer only what does not fit beside what was pending longest", async () => {
  await using test = new TestTurns(NOTICE);
  await test.dial();
  await test.post(1, request("Bye"));
  await test.clock.advance(10_000);
  await test.post(2, request("word ".repeat(100)));
  for (let n = 3; n < 13; n += 2) {
    await test.dial();
    await test.post(n, request(`${n} ${"word ".repeat(100)}`));
    await test.post(n + 1, request(`${n + 1} ${"word ".repeat(100)}`));
    assert.deepEqual(await shown(test), [n - 1, n]);
  }
});

const STARTS = [
  { name: "what the transport says", ussd: {}, told: undefined },
  { name: "the start text", ussd: { startText: "hi" }, told: "hi" },
  {
    name: "the text of what was dialled",
    ussd: { startText: "hi", startTexts: new Map([["*120*3#", "register"]]) },
    told: "register",
  },
  {
    name: "the text of the code that it came to",
    ussd: { startTexts: new Map([["*120#", "code"]]) },
    told: "code",
  },
];

for (const { name, ussd, told } of STARTS) {
  Deno.test(`UssdInbound tells Turn of a dial by ${name}, each time the same`, async () => {
    await using test = new TestTurns(ussd);
    const dial = test.message({ session_event: "new", content: "*120*3#" });
    assert.equal(said(await test.receive(dial)), told);
    assert.equal(said(await test.receive(dial)), told);
    const other = new TestTurns(ussd, test);
    assert.equal(said(await other.receive(dial)), told);
    assert.equal(said(await test.answer("5")), undefined, "an answer is told as it is");
    await other[Symbol.asyncDispose]();
  });
}

Deno.test("UssdInbound has an earlier message change nothing of a later one's session", async () => {
  await using test = new TestTurns();
  const early = test.message({ content: "early" });
  await test.clock.advance(10);
  await test.dial({ message_id: "later" });
  assert.equal((await test.receive(early)).kind, "tell");
  const session = readSession(await test.cache.getRecord("turn", USER));
  assert.equal(session?.inbound.message_id, "later");
});

Deno.test("UssdInbound: a hang-up ends the session, and what comes is too late", async () => {
  await using test = new TestTurns(HOLD);
  await test.dial();
  await test.post(1, request("words"));
  await test.answer("", { session_event: "close", content: null });
  await test.clock.advance(60_000);
  assert.deepEqual([test.screens, reported(test.broker)], [[], ["nack 1"]]);
});

Deno.test("UssdInbound goes on after a message of a clock that is a day ahead", async () => {
  await using test = new TestTurns();
  const timestamp = formatTimestamp(new Date(test.clock.now + 86_400_000));
  await test.dial({ timestamp });
  await test.answer("1", { message_id: "later" });
  await test.post(1, request("asked", true));
  await test.clock.advance(300);
  assert.equal(test.connector.published[0]?.in_reply_to, "later");
});
