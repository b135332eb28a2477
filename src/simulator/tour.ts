// The tour: the examples of turn_channels_api.rst, and a menu by SMS and on USSD, through all three
// flows. What passes from one party to the other is shown as it passes, and checked.

import { sleep, within } from "../async/mod.ts";
import { SIGNATURE_HEADER } from "../turn/mod.ts";
import type { Message } from "../vumi/mod.ts";
import type { Screen } from "./screen.ts";
import type { RequestAnswer, RequestBody, SimulatedTurn } from "./simulated_turn.ts";
import {
  ANSWER,
  BUTTONS,
  DIALLED,
  DIGIT,
  type Done,
  GOODBYE,
  LIST,
  NUMBER,
  type Said,
  TOUR_USERS,
  WORD,
  WRITTEN,
} from "./tour_messages.ts";
import { createEvent, type Transport } from "./transport.ts";

const DEADLINE_MS = 10_000;

interface TourOptions {
  readonly turn: SimulatedTurn;
  readonly transport: Transport;
  readonly ask: (request: RequestBody) => Promise<RequestAnswer>;
  readonly screen: Screen;
  readonly stop: AbortSignal;
  /** Longest that each thing may take to arrive; default 10 s. */
  readonly deadlineMs?: number;
  readonly pauseMs?: number;
}

/** The flows, in the order of the script, and what each is for. */
const FLOWS = {
  inbound: "what users write reaches Turn",
  outbound: "what Turn sends reaches users, as the reply to what they wrote",
  statuses: "what became of it reaches Turn",
};

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

/** A call of the bridge's, and the status that Turn answered; undefined if it did not answer. */
interface Answered extends Omit<RequestAnswer, "headers"> {
  /** The message that it is, or is about. */
  readonly messageId: string;
}

class Tour {
  readonly #options: TourOptions;
  readonly #faults = new Map<string, string>();
  readonly #calls: Readonly<Record<string, Answered[]>> = { "/messages": [], "/statuses": [] };
  readonly #outbound: Message[] = [];
  #steps = 0;
  /** Is called when something has arrived in these. */
  #arrived: () => void = () => {};
  /** Ids of messages to the tour's users, as statuses name no user. */
  readonly #sent = new Set<string>();

  constructor(options: TourOptions) {
    this.#options = options;
  }

  async run(): Promise<boolean> {
    const { turn, transport, screen } = this.#options;
    using _calls = turn.watch({
      answered: ({ content, path, body }, answer) => {
        if (content === undefined) return;
        const { id: messageId } = content;
        const isOurs = content.kind === "message"
          ? TOUR_USERS.includes(content.address)
          : this.#sent.has(messageId);
        if (!isOurs) return;
        const status = answer instanceof Response ? answer.status : undefined;
        this.#calls[path]?.push({ messageId, body, status });
        this.#arrived();
      },
    });
    using _messages = transport.watch({
      taken: (message) => {
        if (!TOUR_USERS.includes(message.to_addr)) return;
        this.#sent.add(message.message_id);
        this.#outbound.push(message);
        this.#arrived();
      },
    });
    screen.say(
      "turn-channels carries messages between Turn, over HTTP, and vumi, over queues.\n" +
        "This bridge is the real one; Turn, the queues and the users are simulated.",
    );
    await this.#pause();
    await this.#step(`A user writes to ${NUMBER}, and Turn gets it.`);
    const written = await this.#userWrites(WRITTEN);

    await this.#step("Turn answers. The bridge knows to what, so the message is a reply.");
    const answer = await this.#try("outbound", () => this.#turnAnswers(written, ANSWER));

    await this.#step(
      "The provider takes the message, the phone gets it, and Turn is told of both.",
    );
    await this.#try("statuses", () => this.#expectStatuses(answer));

    await this.#step("Turn asks with a list, a menu on the phone. The user answers with a word.");
    const list = await this.#try("outbound", () => this.#turnAnswers(written, LIST));
    // Who was not asked has nothing to choose.
    if (list !== undefined) await this.#userWrites(WORD, list);

    await this.#step("On USSD a user dials a code, and Turn's buttons are a menu on the screen.");
    const dialled = await this.#userWrites(DIALLED);
    const buttons = await this.#try("outbound", () => this.#turnAnswers(dialled, BUTTONS));

    await this.#step("The user answers with a digit. Turn gets the button, and ends the session.");
    if (buttons !== undefined) {
      const digit = await this.#userWrites(DIGIT, buttons);
      await this.#try("outbound", () => this.#turnAnswers(digit, GOODBYE));
    }
    await this.#pause();
    screen.say("");
    for (const [flow, meaning] of Object.entries(FLOWS)) {
      const fault = this.#faults.get(flow);
      screen.verdict(fault === undefined, `${flow}: ${fault ?? meaning}`);
    }
    return this.#faults.size === 0;
  }

  async #step(text: string): Promise<void> {
    this.#options.screen.heading(`${++this.#steps}`, text);
    await this.#pause();
  }

  async #pause(): Promise<void> {
    const { stop, pauseMs = 0 } = this.#options;
    await sleep(pauseMs, stop);
    stop.throwIfAborted();
  }

  /** The user does something, perhaps in answer to the message `menuId`, and Turn is told. */
  async #userWrites({ action, told }: Done, menuId?: string): Promise<Message> {
    const { transport, screen } = this.#options;
    const message = transport.compose(action);
    const { message_id: id, from_addr: from } = message;
    screen.passed(["user", "vumi", "bridge"], transport.queues.inbound, partOf(message));
    await transport.publish(message);
    const context = menuId === undefined ? {} : { context: { id: menuId } };
    await this.#try("inbound", () =>
      this.#turnIsCalled("/messages", id, {
        contact: { id: from },
        message: { ...told, ...context, from, id },
      }));
    return message;
  }

  async #turnAnswers(inbound: Message, { request, shown }: Said): Promise<string> {
    const { ask, transport, screen } = this.#options;
    screen.passed(["Turn", "bridge"], `POST /messages, with ${SIGNATURE_HEADER}`, request);
    const { status, body } = await ask(request);
    screen.passed(["bridge", "Turn"], `${status}`, body);
    expectIn("Turn to be answered with status", status, 200);
    const message = await this.#next("a message to the user", this.#outbound);
    screen.passed(["bridge", "vumi", "user"], transport.queues.outbound, partOf(message));
    expectIn("Turn to get the id in", body, { messages: [{ id: message.message_id }] });
    expectIn("the user to get", message, {
      to_addr: inbound.from_addr,
      from_addr: inbound.to_addr,
      in_reply_to: inbound.message_id,
      session_event: request.waiting_for_user_input ? "resume" : "close",
      content: shown,
    });
    return message.message_id;
  }

  async #expectStatuses(messageId: string | undefined): Promise<void> {
    if (messageId === undefined) throw new FlowError("expected an outbound message to report on");
    const { transport, screen } = this.#options;
    for (const [report, status] of [["ack", "sent"], ["delivered", "delivered"]] as const) {
      const event = createEvent(messageId, report);
      const { event_type, user_message_id, delivery_status } = event;
      const part = { event_type, user_message_id, delivery_status };
      screen.passed(["vumi", "bridge"], transport.queues.event, part);
      await transport.publishEvent(event);
      const expected = { user_message_id: messageId, status };
      await this.#turnIsCalled("/statuses", messageId, expected);
    }
  }

  /** The bridge calls Turn: about what a user wrote, or about what became of a message. */
  async #turnIsCalled(path: string, messageId: string, expected: unknown): Promise<void> {
    const calls = this.#calls[path] ?? [];
    // A choice that Turn refuses comes again, in words.
    const isThis = (call: Answered): boolean => call.messageId === messageId;
    const what = `POST ${path} that Turn can read`;
    const { body, status } = await this.#next(what, calls, isThis);
    this.#options.screen.passed(["bridge", "Turn"], `POST ${path}`, body);
    expectIn("Turn to get", body, expected);
    expectIn("Turn to answer with status", status, 200);
  }

  /** Takes the oldest of these that fits, as soon as there is one. */
  async #next<T>(
    what: string,
    inbox: T[],
    fits: (item: T) => boolean = () => true,
  ): Promise<T> {
    const { stop, deadlineMs = DEADLINE_MS } = this.#options;
    const arrival = async (): Promise<void> => {
      while (!inbox.some(fits)) await new Promise<void>((resolve) => this.#arrived = resolve);
    };
    await within(arrival(), deadlineMs, stop);
    stop.throwIfAborted();
    const index = inbox.findIndex(fits);
    const next = index < 0 ? undefined : inbox.splice(index, 1)[0];
    if (next !== undefined) return next;
    throw new FlowError(`expected ${what} within ${deadlineMs / 1000} s, nothing came`);
  }

  /** Notes a failed flow, so that the others are still tried. */
  async #try<T>(flow: keyof typeof FLOWS, part: () => Promise<T>): Promise<T | undefined> {
    try {
      return await part();
    } catch (error) {
      if (!(error instanceof FlowError)) throw error;
      this.#options.screen.verdict(false, `${flow}: ${error.message}`);
      if (!this.#faults.has(flow)) this.#faults.set(flow, error.message);
      return undefined;
    }
  }
}

function partOf(message: Message): object {
  const { message_id, from_addr, to_addr, content, in_reply_to, session_event } = message;
  return { message_id, from_addr, to_addr, content, in_reply_to, session_event };
}

function expectIn(what: string, actual: unknown, expected: unknown): void {
  if (includes(actual, expected)) return;
  throw new FlowError(`expected ${what} ${oneLine(expected)}, not ${oneLine(actual)}`);
}

/** Whether all that `expected` has is in `actual` too. */
function includes(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return actual === expected;
  return Object.entries(expected).every(([key, value]) => includes(Object(actual)[key], value));
}

function oneLine(value: unknown): string {
  return Deno.inspect(value, { breakLength: Infinity, depth: Infinity });
}
