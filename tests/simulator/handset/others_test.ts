/**
 * What is left for others keeps its order, and goes back in time.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { After } from "../../../src/async/mod.ts";
import { MemoryBroker } from "../../../src/broker/memory/memory_broker.ts";
import type { Disposition } from "../../../src/broker/mod.ts";
import { Others } from "../../../src/simulator/handset/others.ts";
import { PhonePlay, type PhonePlayOptions } from "../../../src/simulator/handset/phone_play.ts";
import { Transport } from "../../../src/simulator/transport.ts";
import { createMessage, encodeMessage, type Message } from "../../../src/vumi/mod.ts";
import { until } from "../../support/until.ts";

const MINUTE = 60_000;
const PERSON = "+27821234567";

/** A queue of which {@linkcode Others} has all in hand, on a clock that stands until it is moved on. */
class Queue implements Disposable {
  /** What has become of messages, in that order. */
  readonly answers: [string, Disposition["kind"] | "taken"][] = [];
  readonly others: Others;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();
  readonly #lost = new AbortController();
  #now = 0;

  constructor(isHere: (address: string) => boolean = () => false) {
    const after: After = (ms, run) => {
      const timer = { at: this.#now + ms, run };
      this.#timers.add(timer);
      return () => this.#timers.delete(timer);
    };
    const options = { waited: [], toldAs: "failed", onChange: () => {}, isHere, after };
    this.others = new Others(options);
  }

  [Symbol.dispose](): void {
    this.others[Symbol.dispose]();
  }

  /** A message comes, or its copy. */
  come(content: string, returns = 0): void {
    const message = messageTo(PERSON, content);
    const body = new TextEncoder().encode(content);
    const arrival = { body, headers: {}, redelivered: false, returns, lost: this.#lost.signal };
    void this.others.sort(message, arrival)?.then((disposition) => {
      this.answers.push([content, disposition?.kind ?? "taken"]);
    });
  }

  async at(minute: number): Promise<void> {
    await settle();
    this.#now = minute * MINUTE;
    for (const timer of this.#timers) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.run();
      await settle();
    }
  }

  /** What was answered since the last call. */
  async answered(): Promise<string> {
    await settle();
    return this.answers.splice(0).map((answer) => answer.join(" ")).join(", ");
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function messageTo(to_addr: string, content: string): Message {
  const fields = { transport_name: "n", transport_type: "sms", from_addr: "8110" } as const;
  return createMessage({ ...fields, to_addr, content });
}

Deno.test("what is left goes to the end with all that came after it, in their order", async () => {
  using queue = new Queue();
  queue.come("M1");
  await queue.at(10);
  queue.come("M2");
  queue.come("M3");
  await queue.at(14.9);
  assert.equal(await queue.answered(), "");
  await queue.at(15);
  assert.equal(await queue.answered(), "M1 again, M2 again, M3 again");
  // It was on its way to us: the copies of the others will be behind it.
  queue.come("M4");
  assert.equal(await queue.answered(), "M4 again");
  queue.come("M1");
  // It was published while the copies were made.
  queue.come("M5");
  assert.equal(await queue.answered(), "M5 again");
  for (const copy of ["M2", "M3", "M4", "M5"]) queue.come(copy);
  await queue.at(29.9);
  assert.equal(await queue.answered(), "");
  assert.equal(queue.others.now.left, 5);
  queue.others[Symbol.dispose]();
  assert.equal(await queue.answered(), [1, 2, 3, 4, 5].map((n) => `M${n} requeue`).join(", "));
});

Deno.test("what goes to the end goes there again if one before it does meanwhile", async () => {
  using queue = new Queue();
  queue.come("M1");
  queue.come("M2");
  await queue.at(15);
  queue.come("M1");
  await queue.at(30);
  assert.equal(await queue.answered(), "M1 again, M2 again, M1 again");
  queue.come("M2");
  assert.equal(await queue.answered(), "M2 again");
});

Deno.test("what was returned too often goes to the end with all that come after it, and no others", async () => {
  using queue = new Queue();
  queue.come("M1", 2);
  queue.come("M2", 10);
  queue.come("M3", 2);
  assert.equal(await queue.answered(), "M2 again, M3 again");
  queue.come("M2");
  queue.come("M3");
  assert.equal(await queue.answered(), "");
  assert.equal(queue.others.now.left, 3);
});

Deno.test("what goes to the end does so once, also if the first one's copy does not come", async () => {
  using queue = new Queue();
  queue.come("M1", 10);
  queue.come("M2");
  queue.come("M2");
  queue.come("M3");
  assert.equal(await queue.answered(), "M1 again, M2 again");
});

Deno.test("a copy that is for a phone here by now is taken, and what comes after it is left", async () => {
  let isHere = false;
  using queue = new Queue(() => isHere);
  queue.come("M1", 10);
  assert.equal(await queue.answered(), "M1 again");
  isHere = true;
  queue.come("M1");
  isHere = false;
  queue.come("M2");
  assert.equal(await queue.answered(), "");
  assert.equal(queue.others.now.left, 1);
});

/** Phones on a queue of which the test has the other end. */
function playPhones(options: Partial<PhonePlayOptions> = {}) {
  const broker = MemoryBroker.open();
  const transport = new Transport("n", broker);
  const { outbound } = transport.queues;
  const play = new PhonePlay({ transport, number: "8110", ...options });
  const taken: string[] = [];
  const watch = transport.watch({ taken: ({ content }) => void taken.push(content ?? "") });
  play.start();
  return {
    ...{ play, taken },
    send: (to: string, content: string) =>
      broker.publish(outbound, encodeMessage(messageTo(to, content))),
    waiting: () => broker.waiting(outbound).length,
    left: () => play.now().flatMap((it) => it.kind === "others" ? [it.left] : [])[0],
    async [Symbol.asyncDispose]() {
      await play[Symbol.asyncDispose]();
      await transport[Symbol.asyncDispose]();
      watch[Symbol.dispose]();
    },
  };
}

Deno.test("what is left goes back before the end waits for anything else", async () => {
  const { promise: counting, resolve: answer } = Promise.withResolvers<number>();
  let isAsked = false;
  const consumers = () => {
    isAsked = true;
    return counting;
  };
  const bridge = { connector: "n", queue: "n.inbound", address: "http://127.0.0.1:9", consumers };
  await using phones = playPhones({ bridge });
  const { play } = phones;
  using _page = play.journal.listen("", play.hello, [], () => {});
  await phones.send(PERSON, "for a real person");
  await until("it to be left", () => phones.left() === 1);
  await until("a look for the bridge", () => isAsked);
  const ending = play[Symbol.asyncDispose]();
  await until("it to be back", () => phones.waiting() === 1);
  answer(0);
  await ending;
});

const LINK = { do: "add", address: PERSON, byLink: true } as const;
const ADD = { do: "add", address: PERSON } as const;
const TEXT = { do: "text", address: PERSON, text: "Hello" } as const;

Deno.test("a link to a phone can't have taken what waits for a real person", async () => {
  await using phones = playPhones();
  const { play, taken } = phones;
  await phones.send(PERSON, "first");
  await until("it to be left", () => phones.left() === 1);
  await assert.rejects(play.act(LINK), /^PhoneError: Messages wait for this number, perhaps for a/);
  assert.equal(phones.left(), 1);
  await play.act(ADD);
  await until("it to be taken", () => taken.includes("first"));
});

Deno.test("a link to a phone can't have taken what waited before it was said what becomes of it", async () => {
  await using phones = playPhones({ waited: [{ digest: "1", address: PERSON }] });
  await assert.rejects(phones.play.act(LINK), /^PhoneError: Messages wait for this number/);
});

Deno.test("a phone that a link has opened takes nothing until somebody uses it", async () => {
  await using phones = playPhones();
  const { play, taken } = phones;
  await play.act(LINK);
  assert.ok(play.now().some((it) => it.kind === "phone" && it.address === PERSON));
  await phones.send(PERSON, "first");
  await until("it to be left", () => phones.left() === 1);
  await play.act(LINK);
  await assert.rejects(play.act(TEXT), /^PhoneError: Messages wait for this number/);
  assert.deepEqual([phones.left(), taken], [1, []]);
  await play.act(ADD);
  await until("it to be taken", () => taken.includes("first"));
});

Deno.test("a phone that a link has opened, for whom nobody waits, is used as any other", async () => {
  await using phones = playPhones();
  await phones.play.act(LINK);
  await phones.play.act(TEXT);
  await phones.send(PERSON, "Welcome");
  await until("it to be taken", () => phones.taken.includes("Welcome"));
  assert.equal(phones.left(), 0);
});

Deno.test("all is given back beside another program, and not for what may be our lost connection", async () => {
  const counts = [2, 1, 2, 1];
  let looks = 0;
  await using phones = playPhones({
    consumers: () => Promise.resolve(counts[looks++] ?? 2),
  });
  const others = () => phones.play.now().find((it) => it.kind === "others");
  await phones.send(PERSON, "for a real person");
  await until("it to be left", () => phones.left() === 1);
  await until("all to be given back", () => others()?.isGivenBack === true);
  assert.ok(looks >= counts.length + 2, `${looks} looks`);
  await until("it to be back", () => phones.waiting() === 1);
  await assert.rejects(phones.play.act(TEXT), /^PhoneError: Another program consumes the queue/);
});
