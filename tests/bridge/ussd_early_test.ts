// A user's messages on USSD that are decided about while Turn may still have the one before, or that come
// after a later one.

import assert from "node:assert/strict";
import { type Answer, readAnswer, type Reading } from "../../src/bridge/answers.ts";
import { CacheError } from "../../src/cache/mod.ts";
import { pageId } from "../../src/bridge/part_ids.ts";
import { formatTimestamp, type Message } from "../../src/vumi/mod.ts";
import { SlowTurn } from "./slow_turn.ts";
import { CONTENT } from "./support.ts";
import { buttons, MERGING, postId, request, TestTurns } from "./turns_support.ts";

const LONG = "word ".repeat(60).trim();

/** As the flow does when the message is received; what is to be kept is. */
async function read(test: TestTurns, message: Message, reading: Reading): Promise<Answer> {
  const { cache } = test;
  const answer = await readAnswer(message, reading, { cache, ussd: MERGING, content: CONTENT });
  if (answer.kind !== "past") await cache.putRecords(answer.records);
  return answer;
}

Deno.test("UssdInbound has a request for a page answered by nothing else, also without a window", async () => {
  await using test = new TestTurns({ mergeWindowMs: 0 });
  await test.dial();
  await test.post(1, request(LONG, true));
  await test.clock.advance(1_000);
  const more = test.message({ content: "98" });
  await test.receive(more);
  await test.post(2, request("Operator"));
  await test.clock.advance(1);
  assert.equal((await read(test, more, "first")).kind, "page");
  const answers = test.connector.published.filter((each) => each.in_reply_to === more.message_id);
  assert.deepEqual(answers, []);
});

Deno.test("UssdInbound has a message of before a menu pick nothing, and bring no page", async () => {
  await using test = new TestTurns();
  await test.dial();
  await test.post(1, request("Name?", true));
  await test.clock.advance(1_000);
  const early = ["2", "98"].map((content) => test.message({ content }));
  await test.clock.advance(1_000);
  await test.dial();
  await test.post(2, buttons(LONG, "No", "Yes"));
  await test.clock.advance(1_000);
  for (const message of early) {
    const received = await test.receive(message);
    assert.equal(received.kind === "tell" && received.isEarlier, true);
  }
  const [two, more] = early as [Message, Message];
  assert.deepEqual(await read(test, two, "after_later"), { kind: "text", records: [] });
  assert.deepEqual(await read(test, more, "after_later"), { kind: "past" });
  // Who asks for it now still gets it, and picks.
  const page = await read(test, test.message({ content: "98" }), "first");
  assert.equal(page.kind === "page" && page.page.message_id, pageId(postId(2), 2));
  const picked = await read(test, test.message({ content: "2" }), "first");
  assert.equal(picked.kind === "choice" && picked.chosen.choice.title, "Yes");
});

const NO_HOLD = { holdText: undefined };
const PICKED = /"button_reply":{"id":"id-No","title":"No"}/;
const MENU = buttons("Go?", "Yes", "No");
const SHOWN = "Go?\n1. Yes\n2. No";

/** The user dials, and Turn asks something before it answers the call. */
async function asked(turn: SlowTurn, question = request("Name?", true)): Promise<void> {
  await turn.write("dial", "new");
  await turn.calls("dial");
  await turn.post(question);
  await turn.until("the question", () => turn.shown.length === 1);
}

Deno.test("while a call hangs, who dials again is asked to wait", async () => {
  await using turn = new SlowTurn();
  await turn.write("dial", "new");
  await turn.shows("dial: Wait");
  await turn.write("redial", "new");
  await turn.shows("dial: Wait", "redial: Wait");
  assert.equal(turn.told("redial"), undefined);
  turn.answer();
  await turn.calls("redial");
});

Deno.test("while a call hangs, who answers is asked to wait, and so is who dials after that", async () => {
  await using turn = new SlowTurn();
  await asked(turn);
  await turn.write("answer", "resume", "Bob");
  await turn.shows("dial: Name?", "answer: Wait");
  await turn.write("redial", "new");
  await turn.shows("dial: Name?", "answer: Wait", "redial: Wait");
  assert.equal(turn.told("answer"), undefined);
});

Deno.test("while a call hangs, the next page comes", async () => {
  await using turn = new SlowTurn();
  await asked(turn, request(LONG, true));
  await turn.write("more", "resume", "98");
  await turn.until("the page", () => turn.shown.length === 2);
  turn.answer();
  assert.equal(turn.told("more"), undefined);
});

Deno.test("while a call hangs, who goes on is shown the question", async () => {
  await using turn = new SlowTurn({ resumeWindowMs: 60_000 });
  await asked(turn);
  await turn.does("hung up", "close", null);
  await turn.does("redial", "new");
  await turn.does("one", "resume", "1");
  await turn.shows("dial: Name?", "redial: 1. Continue\n2. Start again", "one: Name?");
});

Deno.test("while a call hangs, nothing is shown to who has hung up", async () => {
  await using turn = new SlowTurn();
  await turn.write("dial", "new");
  await turn.calls("dial");
  await turn.does("hung up", "close", null);
  const answer = await turn.post(request("Name?", true));
  assert.equal(answer.kind, "session_over");
});

const BEFORE: readonly (readonly [name: string, work: (turn: SlowTurn) => Promise<void>])[] = [
  ["shown", async (turn) => {
    await turn.does("redial", "new");
    await turn.post(request("Name?", true));
    await turn.shows("redial: Name?");
  }],
  ["that is not shown yet", async (turn) => {
    await turn.does("redial", "new");
    await turn.post(request("Name?", true));
  }],
  ["shown after it was asked to wait", async (turn) => {
    await turn.write("redial", "new");
    await turn.shows("redial: Wait");
    await turn.does("one", "resume", "1");
    await turn.post(request("Name?", true));
    await turn.shows("redial: Wait", "one: Name?");
  }],
  ["shown and answered", async (turn) => {
    await turn.does("redial", "new");
    await turn.post(request("Name?", true));
    await turn.shows("redial: Name?");
    await turn.does("answer", "resume", "Bob");
  }],
];

for (const [name, work] of BEFORE) {
  Deno.test(`Turn is not told of a dial that has Turn's question for the one before, ${name}`, async () => {
    await using turn = new SlowTurn({ settleMs: 100 });
    await turn.write("dial", "new");
    await turn.calls("dial");
    await work(turn);
    turn.answersAtOnce();
    await turn.until("the question", () => turn.shown.some((text) => text.endsWith("Name?")));
    await turn.write("last", "resume", "all before it is done with");
    await turn.calls("last");
    assert.equal(turn.told("redial"), undefined);
  });
}

for (const waits of [false, true]) {
  Deno.test(`Turn is told of a dial of another code, asked to wait: ${waits}`, async () => {
    const startTexts = new Map([["*120*3#", "register"]]);
    await using turn = new SlowTurn({ startTexts, ...!waits && NO_HOLD });
    await turn.write("dial", "new");
    await turn.calls("dial");
    if (waits) await turn.shows("dial: Wait");
    if (!waits) await turn.does("other", "new", "*120*3#");
    await turn.post(request("Name?", true));
    if (waits) await turn.does("other", "new", "*120*3#");
    await turn.until("the question", () => turn.shown.includes("other: Name?"));
    turn.answer();
    await turn.calls("other");
    assert.match(turn.told("other") ?? "", /"register"/);
  });
}

for (const [name, event] of [["hangs up", "close"], ["dials again", "new"]] as const) {
  Deno.test(`a pick is a pick though the call before fails and the user ${name}`, async () => {
    await using turn = new SlowTurn(NO_HOLD);
    await asked(turn, MENU);
    await turn.write("answer", "resume", "2");
    await turn.write("end", event);
    turn.answersAtOnce(503);
    await turn.until("retries", () => turn.test.told.length >= 3);
    turn.answersAtOnce();
    await turn.calls("answer");
    assert.match(turn.told("answer") ?? "", PICKED);
  });

  Deno.test(`a pick is a pick though the cache fails once and the user ${name}`, async () => {
    await using turn = new SlowTurn(NO_HOLD);
    await asked(turn, MENU);
    turn.answersAtOnce();
    turn.test.cache.failing.add("putInbound");
    await turn.write("answer", "resume", "2");
    await turn.until("a failure", () => turn.test.metrics.total("inbound", "cache_failed") > 0);
    turn.test.cache.failing.clear();
    await turn.write("end", event);
    await turn.calls("answer");
    assert.match(turn.told("answer") ?? "", PICKED);
  });

  Deno.test(`who starts again starts, though Turn fails first and the user ${name}`, async () => {
    await using turn = new SlowTurn({ ...NO_HOLD, resumeWindowMs: 60_000 });
    await asked(turn);
    turn.answer();
    await turn.does("hung up", "close", null);
    await turn.does("redial", "new");
    turn.answersAtOnce(503);
    await turn.write("two", "resume", "2");
    await turn.calls("two");
    await turn.does("end", event);
    const before = turn.test.told.length;
    turn.answersAtOnce();
    await turn.until("a retry", () => turn.test.told.length > before);
    assert.match(turn.told("two") ?? "", /"body":"hi"/);
  });
}

Deno.test("what a dial was shown is still asked after a failure of the cache", async () => {
  await using turn = new SlowTurn(NO_HOLD);
  await turn.write("dial", "new");
  await turn.calls("dial");
  await turn.does("redial", "new");
  await turn.post(MENU);
  await turn.shows(`redial: ${SHOWN}`);
  turn.test.cache.failing.add("getRecord");
  turn.answersAtOnce();
  await turn.until("a failure", () => turn.test.metrics.total("inbound", "cache_failed") > 0);
  turn.test.cache.failing.clear();
  await turn.write("two", "resume", "2");
  await turn.calls("two");
  assert.match(turn.told("two") ?? "", PICKED);
});

Deno.test("a dial is understood once, though its transport's clock is ahead", async () => {
  await using turn = new SlowTurn();
  const ahead = { timestamp: formatTimestamp(new Date(Date.now() + 2 * 3_600_000)) };
  await turn.write("dial", "new", "*120#", ahead);
  await turn.calls("dial");
  await turn.write("redial", "new", "*120#", ahead);
  await turn.shows("redial: Wait");
  await turn.does("one", "resume", "1", ahead);
  turn.answer();
  await turn.calls("redial");
  await turn.post(request("Name?", true));
  await turn.shows("redial: Wait", "one: Name?");
});

Deno.test("Turn is told of a dial though something is asked, if it was not told of the one before", async () => {
  await using turn = new SlowTurn(NO_HOLD);
  await turn.write("dial", "new");
  await turn.calls("dial");
  await turn.does("redial", "new");
  await turn.post(request("Operator?", true));
  await turn.shows("redial: Operator?");
  turn.answer(400);
  await turn.calls("redial");
});

Deno.test("Turn is told of a dial after a session that it has ended, though something is asked", async () => {
  await using turn = new SlowTurn(NO_HOLD);
  await turn.write("dial", "new");
  await turn.calls("dial");
  await turn.post(request("Bye"));
  await turn.shows("dial: Bye");
  await turn.does("hung up", "close", null);
  await turn.does("second", "new");
  await turn.post(request("Operator?", true));
  await turn.shows("dial: Bye", "second: Operator?");
  turn.answersAtOnce();
  await turn.calls("second");
});

Deno.test("a pick is a pick, and counted once, though the cache has it and does not say so", async () => {
  await using turn = new SlowTurn(NO_HOLD);
  await asked(turn, MENU);
  turn.answersAtOnce();
  const { cache } = turn.test;
  const put = cache.putInbound.bind(cache);
  const tallies: unknown[] = [];
  let times = 0;
  cache.putInbound = async (...args: Parameters<typeof put>) => {
    tallies.push(...args[1] ?? []);
    await put(...args);
    if (++times === 1) throw new CacheError("its answer was lost");
  };
  await turn.write("two", "resume", "2");
  await turn.calls("two");
  assert.match(turn.told("two") ?? "", PICKED);
  assert.equal(tallies.length, 1);
});
