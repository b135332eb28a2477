import assert from "node:assert/strict";
import type { OutboundRequest } from "../../src/turn/mod.ts";
import type { UssdOptions } from "../../src/bridge/mod.ts";
import { keptMeaning, readAnswer } from "../../src/bridge/answers.ts";
import { CONTENT } from "./support.ts";
import { buttons, MERGING, postId, reported, request, TestTurns, USER } from "./turns_support.ts";

/** One of Turn's messages, and how long after the dial, in milliseconds. */
type Post = readonly [at: number, n: number, request: OutboundRequest];

interface Case {
  readonly name: string;
  readonly ussd?: Partial<UssdOptions>;
  readonly provider?: string;
  readonly posts: readonly Post[];
  /** When each screen leaves, after the dial, and what it is. */
  readonly screens: readonly (readonly [at: number, screen: string])[];
  readonly reported?: readonly string[];
}

const words = (at: number, n: number): Post => [at, n, request(`w${n}`)];
const asks = (at: number, n: number): Post => [at, n, request(`q${n}`, true)];
const deadlines: Partial<UssdOptions> = {
  answerDeadlineMs: (provider) => provider === "Vodacom" ? 3_000 : 8_000,
};

const CASES: readonly Case[] = [
  {
    name: "alone, after the window, and closes",
    posts: [words(0, 1)],
    screens: [[2_000, "1 close: w1"]],
  },
  {
    name: "that asks, when posts that cross have come",
    posts: [asks(0, 1)],
    screens: [[200, "1 resume: q1"]],
  },
  {
    name: "before a question, on one screen",
    posts: [words(0, 1), asks(1_500, 2)],
    screens: [[1_700, "1 resume: w1 / q2"]],
  },
  {
    name: "after the question that it crossed, above it",
    posts: [asks(0, 1), words(150, 2)],
    screens: [[200, "1 resume: w2 / q1"]],
  },
  {
    name: "each within the window of the one before",
    posts: [words(0, 1), words(1_500, 2), words(3_000, 3)],
    screens: [[5_000, "1 close: w1 / w2 / w3"]],
  },
  {
    name: "one after the other, at the deadline",
    posts: [words(0, 1), words(1_900, 2), words(3_800, 3), words(5_700, 4), words(7_600, 5)],
    screens: [[8_000, "1 close: w1 / w2 / w3 / w4 / w5"]],
  },
  {
    name: "at the deadline of the user's network",
    ussd: deadlines,
    provider: "Vodacom",
    posts: [words(0, 1), words(1_900, 2)],
    screens: [[3_000, "1 close: w1 / w2"]],
  },
  {
    name: "at that of others",
    ussd: deadlines,
    provider: "MTN",
    posts: [words(0, 1), words(1_900, 2)],
    screens: [[3_900, "1 close: w1 / w2"]],
  },
  {
    name: "after the deadline, soon",
    posts: [words(9_000, 1), asks(9_100, 2)],
    screens: [[9_300, "1 resume: w1 / q2"]],
  },
  {
    name: "at the deadline, though more keeps coming",
    posts: [words(7_000, 1), words(7_900, 2), words(8_050, 3)],
    screens: [[8_000, "1 close: w1 / w2"]],
    reported: ["nack 3"],
  },
  {
    name: "after the deadline, soon, though more keeps coming",
    posts: [words(9_000, 1), words(9_150, 2), words(9_300, 3)],
    screens: [[9_200, "1 close: w1 / w2"]],
    reported: ["nack 3"],
  },
  {
    name: "two questions, in their order",
    posts: [asks(0, 1), words(20, 2), asks(40, 3)],
    screens: [[200, "1 resume: w2 / q1 / q3"]],
  },
  {
    name: "too late for the screen, told of as failed",
    posts: [asks(0, 1), words(300, 2)],
    screens: [[200, "1 resume: q1"]],
    reported: ["nack 2"],
  },
  {
    name: "without a window, by itself",
    ussd: { mergeWindowMs: 0 },
    posts: [words(0, 1), asks(0, 2)],
    screens: [[0, "1 close: w1"]],
    reported: ["nack 2"],
  },
  {
    name: "twice, once",
    posts: [words(0, 1), words(10, 1), asks(20, 2), asks(30, 2)],
    screens: [[230, "1 resume: w1 / q2"]],
  },
  {
    name: "without words, told of as failed",
    posts: [[0, 1, request("  ", true)]],
    screens: [],
    reported: ["nack 1"],
  },
  {
    name: "without words beside others, with them",
    posts: [[0, 1, request("  ", true)], words(20, 2)],
    screens: [[200, "1 resume: w2"]],
  },
  {
    name: "after the session, told of as failed",
    posts: [words(181_000, 1)],
    screens: [],
    reported: ["nack 1"],
  },
];

for (const { name, ussd = {}, provider = null, posts, screens, reported: told = [] } of CASES) {
  Deno.test(`Turns show a message ${name}`, async () => {
    await using test = new TestTurns({ ...MERGING, ...ussd });
    await test.dial({ provider });
    const dialledAt = test.clock.now;
    const seen: (readonly [number, string])[] = [];
    const publish = test.connector.publish.bind(test.connector);
    test.connector.publish = async (message) => {
      await publish(message);
      seen.push([test.clock.now - dialledAt, test.screens.at(-1) ?? ""]);
    };
    for (const [at, n, posted] of posts) {
      await test.clock.advance(dialledAt + at - test.clock.now);
      await test.post(n, posted);
    }
    await test.clock.advance(10_000);
    assert.deepEqual([seen, reported(test.broker)], [screens, told]);
    const done = posts.map(([, n]) => [n, "done"] as const);
    assert.deepEqual(test.ended, new Map(done));
  });
}

Deno.test("Turns keep a user's posts and another's apart", async () => {
  await using test = new TestTurns();
  const other = "+27820000002";
  await test.dial();
  await test.dial({ from_addr: other });
  await test.post(1, request("mine"));
  await test.post(2, request("theirs", true, { to: other }));
  await test.post(3, request("mine too", true));
  await test.clock.advance(300);
  assert.deepEqual(test.screens, ["2 resume: theirs", "1 resume: mine / mine too"]);
});

Deno.test("Turns number menus through, and each option has its own message", async () => {
  await using test = new TestTurns();
  await test.dial();
  await test.post(1, buttons("First", "A", "B"));
  await test.post(2, buttons("Second", "C"));
  await test.clock.advance(300);
  assert.deepEqual(test.screens, ["1 resume: First / 1. A / 2. B / Second / 3. C"]);
  const options = { cache: test.cache, ussd: MERGING, content: CONTENT };
  const answer = await readAnswer(test.message({ content: "3" }), "first", options);
  assert.ok(answer.kind === "choice");
  assert.deepEqual([answer.chosen.choice.contextId, answer.chosen.choice.title], [postId(2), "C"]);
  assert.equal(await keptMeaning(test.cache, "nothing"), undefined);
});

Deno.test("Turns show what does not fit on further pages, and keep all of its ids", async () => {
  await using test = new TestTurns();
  await test.dial();
  await test.post(1, request("a ".repeat(80)));
  await test.post(2, request("b ".repeat(80)));
  await test.clock.advance(8_000);
  const [screen = ""] = test.screens;
  assert.match(screen, /^1 resume: a a .* \/ 98. More$/);
  const pages = JSON.parse(await test.cache.getRecord("pages", USER) ?? "{}");
  assert.deepEqual([pages.id, pages.texts.length, pages.sessionEvent], [postId(1), 2, "close"]);
  const both = JSON.stringify([postId(1), postId(2)]);
  const kept = [1, 2].map((n) => test.cache.getRecord("screen", postId(n)));
  assert.deepEqual(await Promise.all(kept), [both, both]);
});

Deno.test("Turns show more messages at once than can be noted at once", async () => {
  await using test = new TestTurns();
  await test.dial();
  for (let n = 1; n <= 150; n++) await test.post(n, request(`w${n}`));
  await test.clock.advance(2_000);
  assert.deepEqual([test.screens.length, test.ended.size], [1, 150]);
  for (const n of [1, 50, 51, 150]) {
    assert.ok(await test.cache.getNote("confirmed", postId(n)) !== undefined, `${n}`);
  }
});

Deno.test("Turns show the beginning of a message of a mebibyte, and keep little of it", async () => {
  await using test = new TestTurns();
  await test.dial();
  await test.post(1, request("word ".repeat(200_000), true));
  await test.clock.advance(300);
  assert.equal(test.screens.length, 1);
  const session = await test.cache.getRecord("turn", USER) ?? "";
  assert.ok(session.length < 20_000, `${session.length} characters`);
});

Deno.test("Turns park what is none of theirs, and go on", async () => {
  await using test = new TestTurns();
  const come = { headers: {}, redelivered: false, returns: 0, lost: new AbortController().signal };
  for (
    const body of ["", "x", "null", "{}", '{"form":2}', '{"form":1}', '{"form":1,"inbound":{}}']
  ) {
    const handled = test.turns.handle({ body: new TextEncoder().encode(body), ...come });
    // What it throws has the broker park it.
    const kind = await handled.then(({ kind }) => kind, () => "park");
    assert.equal(kind, "park", body);
  }
  await test.dial();
  await test.post(1, request("asked", true));
  await test.clock.advance(300);
  assert.equal(test.ended.get(1), "done");
});
