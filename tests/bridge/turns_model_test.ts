import assert from "node:assert/strict";
import fc from "fast-check";
import type { SmsFallback, UssdOptions } from "../../src/bridge/mod.ts";
import { type Happening, TurnsModel } from "./turns_model.ts";

/** Thousands have been tried; so many find what was found then. */
const NUM_RUNS = 40;

const user = fc.constantFrom(0, 0, 0, 1);
const input = fc.record({
  kind: fc.constantFrom("dial" as const, "answer" as const, "answer" as const, "hang up" as const),
  user,
});
const post = fc.record({
  kind: fc.constant("post" as const),
  user,
  what: fc.constantFrom("words" as const, "asks" as const, "menu" as const),
});
const pass = fc.record({
  kind: fc.constant("pass" as const),
  ms: fc.constantFrom(1, 2, 5, 50, 200, 210, 500, 2_000, 2_015, 8_000, 30_000, 200_000),
});
const fails = fc.constantFrom(undefined, undefined, "unavailable" as const, "unconfirmed" as const);
const broker = fc.record({ kind: fc.constant("broker" as const), fails });
const cache = fc.record({ kind: fc.constant("cache" as const), fails: fc.boolean() });
const kill = fc.record({ kind: fc.constant("kill" as const), losesCache: fc.constant(false) });
const killCache = fc.record({ kind: fc.constant("kill" as const), losesCache: fc.boolean() });
const away = fc.record({
  kind: fc.constantFrom("lose" as const, "stop" as const, "move" as const),
});

const FALLBACK: SmsFallback = {
  transportName: "smpp",
  transportType: "sms",
  fromAddr: "8110",
  address: "as_is",
  mode: "content",
  noticeText: "You have a message",
};
const HOLDS = { holdText: "Wait", sorryText: "Sorry" };
const RESUMES = { resumeWindowMs: 600_000 };
const WAYS: Readonly<Record<string, Partial<UssdOptions>>> = {
  "told of as failed": {},
  "with holds": HOLDS,
  "without a window": { mergeWindowMs: 0, ...HOLDS },
  "by SMS": { late: "sms", smsFallback: FALLBACK },
  "as notices": { late: "sms", smsFallback: { ...FALLBACK, mode: "notice" } },
  "resumed": RESUMES,
  "all of it": { ...HOLDS, ...RESUMES, late: "sms", smsFallback: { ...FALLBACK, mode: "notice" } },
};

function history(...rare: fc.Arbitrary<Happening>[]): fc.Arbitrary<Happening[]> {
  const one = fc.oneof(
    { weight: 4, arbitrary: input },
    { weight: 6, arbitrary: post },
    { weight: 7, arbitrary: pass },
    ...rare.map((arbitrary) => ({ weight: 1, arbitrary })),
  );
  return fc.array(one, { maxLength: 30, size: "max" });
}

/** What each request of a user's was answered with: another answer would find nobody. */
function answersOf({ published }: TurnsModel): Map<string, Set<string>> {
  const answers = new Map<string, Set<string>>();
  for (const { in_reply_to, message_id, content } of published) {
    if (in_reply_to === null) continue;
    const screens = answers.get(in_reply_to) ?? new Set();
    answers.set(in_reply_to, screens.add(`${message_id} ${content}`));
  }
  return answers;
}

async function play(
  happenings: readonly Happening[],
  ussd: Partial<UssdOptions>,
  { once, oneAnswer }: { once: boolean; oneAnswer: boolean },
): Promise<void> {
  const model = new TurnsModel(ussd);
  for (const happening of happenings) await model.happen(happening);
  await model.end();
  assert.deepEqual([model.bugs, [...model.held.keys()], [...model.inbound.keys()]], [[], [], []]);
  for (let n = 1; n <= model.posts; n++) {
    const outcomes = await model.outcomes(n);
    assert.ok(outcomes.length > 0, `${n} is lost`);
    if (once) assert.equal(outcomes.length, 1, `${n}: ${outcomes}`);
  }
  if (!oneAnswer) return;
  for (const [id, answers] of answersOf(model)) {
    assert.equal(answers.size, 1, `${id} has several answers: ${[...answers]}`);
  }
}

for (const [name, ussd] of Object.entries(WAYS)) {
  const isResumed = ussd.resumeWindowMs !== undefined;
  Deno.test(`Turns, ${name}: each message ends in one way, each request has one answer`, async () => {
    await fc.assert(
      fc.asyncProperty(history(), (happenings) => {
        return play(happenings, ussd, { once: !isResumed, oneAnswer: true });
      }),
      { numRuns: NUM_RUNS },
    );
  });

  Deno.test(`Turns, ${name}: nothing is lost, no request has two answers, whatever ends`, async () => {
    await fc.assert(
      fc.asyncProperty(history(broker, broker, kill, away), (happenings) => {
        return play(happenings, ussd, { once: false, oneAnswer: true });
      }),
      { numRuns: NUM_RUNS },
    );
  });

  Deno.test(`Turns, ${name}: nothing is lost or hangs when the cache fails or is lost`, async () => {
    await fc.assert(
      fc.asyncProperty(history(broker, cache, cache, killCache, away), (happenings) => {
        return play(happenings, ussd, { once: false, oneAnswer: false });
      }),
      { numRuns: NUM_RUNS },
    );
  });
}

Deno.test("Turns: what came too late while another one was shown is not lost", async () => {
  const user = 1;
  const words = { kind: "post", user, what: "words" } as const;
  const happenings: Happening[] = [
    { kind: "dial", user },
    { kind: "pass", ms: 8_000 },
    words,
    { kind: "hang up", user },
    { kind: "dial", user },
    words,
  ];
  await play(happenings, WAYS["all of it"] ?? {}, { once: false, oneAnswer: true });
});

Deno.test("Turns: what a bridge still does that no longer speaks takes nothing from what waits for a dial", async () => {
  const user = 0;
  const words = { kind: "post", user, what: "words" } as const;
  const happenings: Happening[] = [
    words,
    { kind: "post", user, what: "asks" },
    { kind: "broker", fails: "unavailable" },
    { kind: "dial", user },
    { kind: "pass", ms: 210 },
    words,
    { kind: "kill", losesCache: false },
    { kind: "broker", fails: undefined },
    { kind: "move" },
    words,
  ];
  await play(happenings, WAYS["as notices"] ?? {}, { once: false, oneAnswer: true });
});
