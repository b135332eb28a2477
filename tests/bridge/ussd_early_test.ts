// A user's messages on USSD that are decided about while Turn may still have the one before, or that come
// after a later one.

import assert from "node:assert/strict";
import { type Answer, readAnswer, type Reading } from "../../src/bridge/answers.ts";
import { pageId } from "../../src/bridge/part_ids.ts";
import type { OutboundRequest } from "../../src/turn/mod.ts";
import { formatTimestamp, type Message } from "../../src/vumi/mod.ts";
import { until } from "../support/until.ts";
import { CONTENT, USSD } from "./support.ts";
import { TestBridge } from "./test_bridge.ts";
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

/** A bridge whose Turn answers when it is told to, and what it has shown. */
class SlowTurn implements AsyncDisposable {
  readonly test: TestBridge;
  readonly #answers: ((response: Response) => void)[] = [];

  constructor() {
    const ussd = {
      ...USSD,
      mergeWindowMs: 100,
      settleMs: 10,
      holdText: "Wait",
      sorryText: "Sorry",
    };
    this.test = new TestBridge(undefined, {
      ussd: { ...ussd, startText: "hi", answerDeadlineMs: () => 300 },
      messageTimeoutMs: 300_000,
      concurrency: 5,
      transportType: "ussd",
    });
    this.test.answer = () => new Promise((resolve) => void this.#answers.push(resolve));
  }

  /** Each with the user's message that it answers. */
  get shown(): readonly string[] {
    return this.test.broker.waiting("c.outbound").map(({ body }) => {
      const { content, in_reply_to } = JSON.parse(new TextDecoder().decode(body));
      return `${in_reply_to}: ${content}`;
    });
  }

  /** Answers the call that was made first. */
  answer(): void {
    this.#answers.shift()?.(new Response("{}"));
  }

  async write(
    id: string,
    session_event: Message["session_event"],
    content = "*120#",
  ): Promise<void> {
    const timestamp = formatTimestamp(new Date());
    await this.test.write(id, { transport_type: "ussd", session_event, content, timestamp });
  }

  /** Turn sends a message. */
  post(message: OutboundRequest): ReturnType<TestBridge["bridge"]["accept"]> {
    const sender = { body: new Uint8Array(1), isLate: () => false, isGone: () => false };
    type Sender = Parameters<TestBridge["bridge"]["accept"]>[1];
    return this.test.bridge.accept({ ...message, to: "+266" }, sender as unknown as Sender);
  }

  shows(...screens: string[]): Promise<void> {
    return until(screens.at(-1) ?? "", () => {
      return Promise.resolve(this.shown.length >= screens.length);
    }).then(() => assert.deepEqual(this.shown, screens));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.test[Symbol.asyncDispose]();
  }
}

Deno.test("Bridge asks who dials again to wait, while Turn has not answered the call for the first dial", async () => {
  await using turn = new SlowTurn();
  await turn.write("dial", "new");
  await turn.shows("dial: Wait");
  await turn.write("redial", "new");
  await turn.shows("dial: Wait", "redial: Wait");
  assert.equal(turn.test.told.length, 1);
  turn.answer();
  await until("the second dial", () => Promise.resolve(turn.test.told.length === 2));
  turn.answer();
});

Deno.test("Bridge does not tell of a second dial that was shown Turn's question for the first", async () => {
  await using turn = new SlowTurn();
  await turn.write("dial", "new");
  await until("the call", () => Promise.resolve(turn.test.told.length === 1));
  await turn.write("redial", "new");
  await until("the second dial", async () => {
    return (await turn.test.cache.getRecord("turn", "+266"))?.includes("redial") ?? false;
  });
  await turn.post(request("Name?", true));
  await turn.shows("redial: Name?");
  turn.answer();
  await until("the second dial to be done with", async () => (
    /result="skipped",connector="c"} 1$/m.test(await turn.test.registry.text())
  ));
  assert.equal(turn.test.told.length, 1);
});

Deno.test("Bridge shows nothing to who has hung up while Turn has the message before", async () => {
  await using turn = new SlowTurn();
  await turn.write("dial", "new");
  await until("the call", () => Promise.resolve(turn.test.told.length === 1));
  await turn.write("hung up", "close", "");
  await until("the hang-up", async () => {
    return (await turn.test.cache.getRecord("turn", "+266"))?.includes("hung up") ?? false;
  });
  const answer = await turn.post(request("Name?", true));
  assert.equal(answer.kind, "session_over");
  turn.answer();
});

Deno.test("Bridge reads an answer that waits for Turn as the answer that it is, though the user dials again", async () => {
  await using turn = new SlowTurn();
  await turn.write("dial", "new");
  await until("the call", () => Promise.resolve(turn.test.told.length === 1));
  await turn.post(buttons("Go?", "Yes", "No"));
  await turn.shows("dial: Go?\n1. Yes\n2. No");
  await turn.write("answer", "resume", "2");
  await turn.write("redial", "new");
  turn.answer();
  await until("the answer", () => Promise.resolve(turn.test.told.length === 2));
  assert.match(`${turn.test.told[1]}`, /"button_reply":{"id":"id-No","title":"No"}/);
  turn.answer();
  await until("the second dial", () => Promise.resolve(turn.test.told.length === 3));
  turn.answer();
});
