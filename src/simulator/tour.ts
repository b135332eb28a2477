// The tour: the examples of turn_channels_api.rst, and a few words over USSD, through all three flows.
// What passes from one party to the other is shown as it passes, and checked.

import { sleep, within } from "../async/mod.ts";
import { SIGNATURE_HEADER } from "../turn/mod.ts";
import type { Message } from "../vumi/mod.ts";
import type { Screen } from "./screen.ts";
import type { RequestAnswer, RequestBody, SimulatedTurn } from "./simulated_turn.ts";
import { createEvent, type Transport, type UserAction } from "./transport.ts";

export const NUMBER = "8110";

export const USSD_CODE = "*120*8864#";

const USER = "+26612345678";
const USSD_USER = "+26687654321";

export const TOUR_USERS: readonly string[] = [USER, USSD_USER];

const WRITTEN: UserAction = {
  from_addr: USER,
  to_addr: NUMBER,
  transport_type: "sms",
  content: "Hello world!",
};

const ANSWER: RequestBody = {
  to: USER,
  from: NUMBER,
  turn: { type: "text", text: { body: "Hello world!" } },
};

const DIALLED: UserAction = {
  from_addr: USSD_USER,
  to_addr: USSD_CODE,
  transport_type: "ussd",
  session_event: "new",
};

const QUESTION: RequestBody = {
  to: USSD_USER,
  turn: { type: "text", text: { body: "Welcome! What is your name?" } },
  waiting_for_user_input: true,
};

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
type Answered = Omit<RequestAnswer, "headers">;

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
        const isOurs = content?.kind === "message"
          ? TOUR_USERS.includes(content.address)
          : this.#sent.has(content?.id ?? "");
        if (!isOurs) return;
        const status = answer instanceof Response ? answer.status : undefined;
        this.#calls[path]?.push({ body, status });
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
    const question = await this.#userWrites(WRITTEN, "Hello world!");

    await this.#step("Turn answers. The bridge knows to what, so the message is a reply.");
    const answer = await this.#try("outbound", () => this.#turnAnswers(question, ANSWER));

    await this.#step(
      "The provider takes the message, the phone gets it, and Turn is told of both.",
    );
    await this.#try("statuses", () => this.#expectStatuses(answer));

    await this.#step("On USSD a user dials a code, and Turn's question keeps the session open.");
    const dialled = await this.#userWrites(DIALLED, USSD_CODE);
    await this.#try("outbound", () => this.#turnAnswers(dialled, QUESTION));
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

  /** The user writes what Turn gets as `text`. */
  async #userWrites(action: UserAction, text: string): Promise<Message> {
    const { transport, screen } = this.#options;
    const message = transport.compose(action);
    const { message_id: id, from_addr: from } = message;
    screen.passed(["user", "vumi", "bridge"], transport.queues.inbound, partOf(message));
    await transport.publish(message);
    await this.#try("inbound", () =>
      this.#turnIsCalled("/messages", {
        contact: { id: from },
        message: { type: "text", text: { body: text }, from, id },
      }));
    return message;
  }

  async #turnAnswers(inbound: Message, request: RequestBody): Promise<string> {
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
      content: request.turn.text.body,
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
      await this.#turnIsCalled("/statuses", { user_message_id: messageId, status });
    }
  }

  /** The bridge calls Turn: about what a user wrote, or about what became of a message. */
  async #turnIsCalled(path: string, expected: unknown): Promise<void> {
    const calls = this.#calls[path] ?? [];
    const { body, status } = await this.#next(`POST ${path} that Turn can read`, calls);
    this.#options.screen.passed(["bridge", "Turn"], `POST ${path}`, body);
    expectIn("Turn to get", body, expected);
    expectIn("Turn to answer with status", status, 200);
  }

  /** Takes the oldest of these, as soon as there is one. */
  async #next<T>(what: string, inbox: T[]): Promise<T> {
    const { stop, deadlineMs = DEADLINE_MS } = this.#options;
    const arrival = async (): Promise<void> => {
      while (inbox.length === 0) await new Promise<void>((resolve) => this.#arrived = resolve);
    };
    await within(arrival(), deadlineMs, stop);
    stop.throwIfAborted();
    const next = inbox.shift();
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
