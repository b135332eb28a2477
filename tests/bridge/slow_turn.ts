/**
 * A bridge for USSD whose Turn answers its calls when the test says so.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { UssdOptions } from "../../src/bridge/mod.ts";
import type { OutboundRequest } from "../../src/turn/mod.ts";
import { formatTimestamp, type Message } from "../../src/vumi/mod.ts";
import { until } from "../support/until.ts";
import { USSD } from "./support.ts";
import { TestBridge } from "./test_bridge.ts";

/** What a user does; what is said by default is what is dialled. */
type Event = Message["session_event"];
type Sender = Parameters<TestBridge["bridge"]["accept"]>[1];

/** The bridge, its Turn, and one user's phone. */
export class SlowTurn implements AsyncDisposable {
  readonly test: TestBridge;
  readonly #calls: ((response: Response) => void)[] = [];

  constructor(ussd: Partial<UssdOptions> = {}) {
    const quick = { mergeWindowMs: 100, settleMs: 10, answerDeadlineMs: () => 300 };
    const texts = { holdText: "Wait", sorryText: "Sorry", startText: "hi" };
    this.test = new TestBridge(undefined, {
      ussd: { ...USSD, ...quick, ...texts, ...ussd },
      messageTimeoutMs: 300_000,
      concurrency: 5,
      transportType: "ussd",
      retry: { maxRetries: 1, delayBase: 0, delayExponent: 1, delaysMs: [1_000] },
    }, 9);
    this.test.answer = () => new Promise((resolve) => void this.#calls.push(resolve));
  }

  /** Each with the user's message that it answers. */
  get shown(): readonly string[] {
    return this.test.broker.waiting("c.outbound").map(({ body }) => {
      const { content, in_reply_to } = JSON.parse(new TextDecoder().decode(body));
      return `${in_reply_to}: ${content}`;
    });
  }

  /** Resolves when so many screens are shown, which have to be these. */
  async shows(...screens: string[]): Promise<void> {
    await this.until(screens.join(), () => this.shown.length >= screens.length);
    assert.deepEqual(this.shown, screens);
  }

  /** What Turn was told by the message with this id, by its calls; undefined if it was not. */
  told(id: string): string | undefined {
    return this.test.told.map(String).findLast((body) => body.includes(`"id":"${id}"`));
  }

  /** Resolves when Turn is called with the message with this id. */
  calls(id: string): Promise<void> {
    return this.until(`the call for ${id}`, () => this.told(id) !== undefined);
  }

  /** Answers the calls that wait. */
  answer(status = 200): void {
    for (const call of this.#calls.splice(0)) call(new Response("{}", { status }));
  }

  /** From now on it answers at once. */
  answersAtOnce(status = 200): void {
    this.test.answer = () => Promise.resolve(new Response("{}", { status }));
    this.answer(status);
  }

  /** The user does something, which comes off the queue as the message with this id. */
  async write(
    id: string,
    session_event: Event,
    content: string | null = "*120#",
    more: Partial<Message> = {},
  ): Promise<void> {
    const timestamp = formatTimestamp(new Date());
    const fields = { transport_type: "ussd" as const, session_event, content, timestamp, ...more };
    await this.test.write(id, fields);
  }

  /** The same; resolves when it is understood. */
  async does(...does: Parameters<SlowTurn["write"]>): Promise<void> {
    await this.write(...does);
    await until(does[0], async () => await this.test.cache.getInbound(does[0]) !== undefined);
  }

  /** Turn sends a message. */
  post(message: OutboundRequest): ReturnType<TestBridge["bridge"]["accept"]> {
    const body = new TextEncoder().encode(JSON.stringify(message));
    const sender = { body, isLate: () => false, isGone: () => false } as unknown as Sender;
    return this.test.bridge.accept({ ...message, to: "+266" }, sender);
  }

  until(what: string, is: () => boolean): Promise<void> {
    return until(what, () => Promise.resolve(is()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.answersAtOnce();
    await this.test[Symbol.asyncDispose]();
  }
}
