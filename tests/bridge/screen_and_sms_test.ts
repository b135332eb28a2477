/**
 * What is asked by SMS and what is asked on a screen: an answer on the screen is one to the screen. And what
 * came too late comes first on a screen, however that comes about.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readAnswer } from "../../src/bridge/answers.ts";
import type { UssdOptions } from "../../src/bridge/mod.ts";
import { readPending } from "../../src/bridge/notices.ts";
import type { Message } from "../../src/vumi/mod.ts";
import { CONTENT } from "./support.ts";
import { buttons, MERGING, NOTICE, request, TestTurns, USER } from "./turns_support.ts";

const BY_CONTENT: Partial<UssdOptions> = {
  late: "sms",
  smsFallback: { ...NOTICE, mode: "content" },
};
const BY_NOTICE: Partial<UssdOptions> = { late: "sms", smsFallback: NOTICE };
const RESUMING = { resumeWindowMs: 600_000 };
const SURVEY = buttons("How is it?", "Good", "Bad");

/** What Turn is told of an answer: its words, or what was chosen. */
async function told(test: TestTurns, fields: Partial<Message>): Promise<string> {
  const message = test.message(fields);
  if (message.transport_type === "ussd") await test.receive(message);
  const options = { cache: test.cache, ussd: MERGING, content: CONTENT };
  const answer = await readAnswer(message, "first", options);
  return answer.kind === "choice" ? answer.chosen.choice.title : `"${message.content}"`;
}

const SMS = { transport_type: "sms", session_event: null } as const;
const WAYS = [
  {
    name: "on a screen that asks for words, is words",
    asked: request("How many children?", true),
    waitsMs: 1_000,
    by: {},
    means: `"2"`,
  },
  {
    name: "on a screen with a menu, is of that",
    asked: buttons("Go?", "Yes", "No"),
    waitsMs: 1_000,
    by: {},
    means: "No",
  },
  {
    name: "by SMS to a screen that asks for words, is of the SMS",
    asked: request("How many children?", true),
    waitsMs: 1_000,
    by: SMS,
    means: "Bad",
  },
  {
    name: "by SMS after the session, is of the SMS",
    asked: buttons("Go?", "Yes", "No"),
    waitsMs: 200_000,
    by: SMS,
    means: "Bad",
  },
  {
    name: "by SMS where nothing was asked, is of the SMS",
    asked: request("Bye"),
    waitsMs: 3_000,
    by: SMS,
    means: "Bad",
  },
] as const;

for (const { name, asked, waitsMs, by, means } of WAYS) {
  Deno.test(`a menu goes by SMS, and an answer ${name}`, async () => {
    await using test = new TestTurns({ ...BY_CONTENT, ...RESUMING });
    await test.dial();
    await test.post(1, asked);
    await test.clock.advance(waitsMs);
    await test.post(2, SURVEY);
    await test.clock.advance(1_000);
    assert.equal(test.screens.length, 2);
    assert.equal(await told(test, { content: "2", ...by }), means);
  });
}

for (
  const [asked, means] of [
    [request("How many children?", true), `"2"`],
    [buttons("Go?", "Yes", "No"), "No"],
  ] as const
) {
  Deno.test(`who goes on is asked what was asked on the screen, and not by SMS, ${means}`, async () => {
    await using test = new TestTurns({ ...BY_CONTENT, ...RESUMING });
    await test.dial();
    await test.post(1, asked);
    await test.clock.advance(200_000);
    await test.post(2, SURVEY);
    await test.clock.advance(1_000);
    await test.dial();
    await test.answer("1");
    assert.match(test.screens.at(-1) ?? "", /How many|Go\?/);
    assert.equal(await told(test, { content: "2" }), means);
  });
}

async function pendingIds(test: TestTurns): Promise<number[] | undefined> {
  const kept = readPending(await test.cache.getRecord("pending", USER));
  return kept?.messages.map(({ id }) => Number(id));
}

Deno.test("what a notice announced comes first for who dials instead of answering", async () => {
  await using test = new TestTurns({ ...BY_NOTICE, holdText: "Wait", sorryText: "Sorry" });
  await test.dial();
  await test.post(1, request("Name?", true));
  await test.clock.advance(1_000);
  await test.post(2, request("An operator's words"));
  await test.clock.advance(1_000);
  assert.deepEqual(await pendingIds(test), [2]);
  await test.answer("Bob");
  await test.clock.advance(8_000);
  await test.post(3, request("Thanks"));
  await test.dial();
  await test.clock.advance(3_000);
  assert.equal(test.screens.at(-1), "2 close: An operator's words / Thanks");
  assert.deepEqual([await pendingIds(test), test.ended.get(3)], [undefined, "done"]);
});

for (const comesAgain of [false, true]) {
  Deno.test(
    `what a notice announced comes first, once, where another bridge goes on after the dial${
      comesAgain ? ", to which it comes too" : ""
    }`,
    async () => {
      await using test = new TestTurns(BY_NOTICE);
      await test.post(1, request("Late words"), { over: "a session of before" });
      await test.clock.advance(1_000);
      await test.dial();
      test.stopping.abort();
      const { clock, cache } = test;
      await using other = new TestTurns(BY_NOTICE, { clock, cache });
      if (comesAgain) await other.post(1, request("Late words"), { redelivered: true });
      await other.post(2, request("Welcome", true));
      await clock.advance(5_000);
      assert.deepEqual(other.screens, ["1 resume: Late words / Welcome"]);
      assert.deepEqual([await pendingIds(other), other.ended.get(2)], [undefined, "done"]);
      assert.equal(other.ended.get(1), comesAgain ? "done" : undefined);
    },
  );
}
