/**
 * The tour: the examples of turn_channels_api.rst through all three flows, each shown and checked.
 *
 * @module
 */

import { sleep } from "../async/mod.ts";
import type { Message } from "../vumi/mod.ts";
import {
  DIALLED,
  NUMBER,
  OUTBOUND_EXAMPLE,
  type OutboundExample,
  texted,
  USSD_CODE,
  USSD_QUESTION,
} from "./examples.ts";
import { formatJson, type Narrator } from "./screen.ts";
import type { Scenario } from "./scenario.ts";
import { ack, deliveryReport } from "./transport.ts";

const DEADLINE_MS = 10_000;

interface TourOptions {
  readonly scenario: Scenario;
  /** Shows headings and the end. */
  readonly screen: Narrator;
  /** Ends the tour early. */
  readonly stop: AbortSignal;
  /** Longest that each thing may take to arrive; default 10 s. */
  readonly deadlineMs?: number;
  /** Time to read before the next thing happens; default 0. */
  readonly pauseMs?: number;
}

type Flow = "inbound" | "outbound" | "statuses";

/** The flows, in the order of the script, and what each is for. */
const FLOWS: readonly (readonly [Flow, string])[] = [
  ["inbound", "what users write reaches Turn"],
  ["outbound", "what Turn sends reaches users, as the reply to what they wrote"],
  ["statuses", "what became of it reaches Turn"],
];

/** A flow did not do what it is for; the message says what was expected of it. */
class FlowError extends Error {
  override readonly name = "FlowError";
}

/** Plays the tour to its end; false if a flow did not do what it should, or it was stopped. */
export async function runTour(options: TourOptions): Promise<boolean> {
  try {
    return await new Tour(options).run();
  } catch (error) {
    if (options.stop.aborted && error === options.stop.reason) return false;
    throw error;
  }
}

class Tour {
  readonly #options: TourOptions;
  readonly #faults = new Map<Flow, string>();

  constructor(options: TourOptions) {
    this.#options = options;
  }

  async run(): Promise<boolean> {
    const { scenario, screen } = this.#options;
    screen.say(
      "turn-channels carries messages between Turn, over HTTP, and vumi, over queues.\n" +
        "This bridge is the real one; Turn, the queues and the users are played.",
    );
    await this.#pause();
    await this.#heading("1", `A user writes to ${NUMBER}, and Turn gets it.`);
    const question = await scenario.userWrites(texted("Hello world!"));
    await this.#try("inbound", () => this.#expectCall(question, "Hello world!"));

    await this.#heading("2", "Turn answers. The bridge knows to what, so the message is a reply.");
    const answer = await this.#try("outbound", () => this.#turnAnswers(question, OUTBOUND_EXAMPLE));

    await this.#heading(
      "3",
      "The provider takes the message, the phone gets it, and Turn gets both.",
    );
    await this.#try("statuses", () => this.#expectStatuses(answer));

    await this.#heading(
      "4",
      "On USSD a user dials a code, and Turn's question keeps the session open.",
    );
    const dialled = await scenario.userWrites(DIALLED);
    await this.#try("inbound", () => this.#expectCall(dialled, USSD_CODE));
    await this.#try("outbound", () => this.#turnAnswers(dialled, USSD_QUESTION));
    await this.#pause();
    return this.#sumUp();
  }

  async #heading(title: string, explanation: string): Promise<void> {
    this.#options.screen.heading(title, explanation);
    await this.#pause();
  }

  async #pause(): Promise<void> {
    const { stop, pauseMs = 0 } = this.#options;
    await sleep(pauseMs, stop);
    stop.throwIfAborted();
  }

  async #expectCall({ message_id: id, from_addr: from }: Message, text: string): Promise<void> {
    const { scenario } = this.#options;
    const call = await this.#within(
      "POST /messages that Turn can read",
      (signal) => scenario.turnIsCalled("/messages", signal),
    );
    expectIn("Turn to get", call.body, {
      contact: { id: from },
      message: { type: "text", text: { body: text }, from, id },
    });
    expectIn("Turn to answer with status", call.status, 200);
  }

  async #turnAnswers(inbound: Message, request: OutboundExample): Promise<string> {
    const { scenario } = this.#options;
    const { status, body } = await scenario.turnSends(request);
    expectIn("Turn to be answered with status", status, 200);
    const message = await this.#within(
      "a message to the user",
      (signal) => scenario.userReceives(signal),
    );
    expectIn("Turn to get the id in", body, { messages: [{ id: message.message_id }] });
    expectIn("the user to get", message, {
      to_addr: inbound.from_addr,
      from_addr: inbound.to_addr,
      in_reply_to: inbound.message_id,
      session_event: request.waiting_for_user_input ? "resume" : "close",
      content: request.turn.text.body,
    });
    return message.message_id;
  }

  async #expectStatuses(messageId: string | undefined): Promise<void> {
    const { scenario } = this.#options;
    if (messageId === undefined) throw new FlowError("expected an outbound message to report on");
    const reports = [
      { event: ack(messageId), status: "sent" },
      { event: deliveryReport(messageId), status: "delivered" },
    ];
    for (const { event, status } of reports) {
      await scenario.transportReports(event);
      const call = await this.#within(
        "POST /statuses that Turn can read",
        (signal) => scenario.turnIsCalled("/statuses", signal),
      );
      expectIn("Turn to get", call.body, { user_message_id: messageId, status });
      expectIn("Turn to answer with status", call.status, 200);
    }
  }

  /** Notes a failed flow, so that the others are still tried. */
  async #try<T>(flow: Flow, part: () => Promise<T>): Promise<T | undefined> {
    try {
      return await part();
    } catch (error) {
      if (!(error instanceof FlowError)) throw error;
      this.#options.screen.verdict(false, `${flow}: ${error.message}`);
      if (!this.#faults.has(flow)) this.#faults.set(flow, error.message);
      return undefined;
    }
  }

  /** Waits for what must come, up to the deadline. */
  async #within<T>(what: string, come: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { stop, deadlineMs = DEADLINE_MS } = this.#options;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), deadlineMs);
    try {
      return await come(AbortSignal.any([stop, late.signal]));
    } catch (error) {
      if (stop.aborted || !late.signal.aborted) throw error;
      throw new FlowError(`expected ${what} within ${deadlineMs / 1000} s, nothing came`);
    } finally {
      clearTimeout(timer);
    }
  }

  #sumUp(): boolean {
    const { screen } = this.#options;
    screen.say("");
    for (const [flow, meaning] of FLOWS) {
      const fault = this.#faults.get(flow);
      screen.verdict(fault === undefined, `${flow}: ${fault ?? meaning}`);
    }
    return this.#faults.size === 0;
  }
}

function expectIn(what: string, actual: unknown, expected: unknown): void {
  if (includes(actual, expected)) return;
  throw new FlowError(`expected ${what} ${oneLine(expected)}, not ${oneLine(actual)}`);
}

/** Whether all that `expected` has is in `actual` too. */
function includes(actual: unknown, expected: unknown): boolean {
  if (!isObject(actual) || !isObject(expected)) return actual === expected;
  const fields = new Map(Object.entries(actual));
  return Object.entries(expected).every(([key, value]) => includes(fields.get(key), value));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function oneLine(value: unknown): string {
  return formatJson(value, Infinity);
}
