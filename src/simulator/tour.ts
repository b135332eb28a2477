// The tour: the examples of turn_channels_api.rst, and a menu by SMS and on USSD, through all three
// flows. What passes from one party to the other is shown as it passes, and checked.

import { sleep, within } from "../async/mod.ts";
import { SIGNATURE_HEADER } from "../turn/mod.ts";
import type { Message } from "../vumi/mod.ts";
import { expectIn, FlowError } from "./expect_in.ts";
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
  WELCOME,
  WORD,
  WRITTEN,
} from "./tour_messages.ts";
import { createEvent, type Report, type Transport } from "./transport.ts";

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

/** The message to the user, and the ids that Turn got for what it shows. */
interface Answers {
  readonly screen: string;
  readonly ids: readonly string[];
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
    const answerId = answer?.screen;

    await this.#step(
      "The provider takes the message, the phone gets it, and Turn is told of both.",
    );
    await this.#try("statuses", () => this.#expectStatuses(answerId));

    await this.#step("Turn asks with a list, a menu on the phone. The user answers with a word.");
    const list = await this.#try("outbound", () => this.#turnAnswers(written, LIST));
    // Who was not asked has nothing to choose.
    if (list !== undefined) {
      await this.#try("statuses", () => this.#expectSent(list.screen, list.ids));
      await this.#userWrites(WORD, list.screen);
    }

    await this.#step("On USSD a user dials a code, and Turn gets what was dialled.");
    const dialled = await this.#userWrites(DIALLED);

    await this.#step(
      "Turn sends two messages. They become one screen, with the buttons as a menu.",
    );
    const buttons = await this.#try("outbound", () => this.#turnAnswers(dialled, BUTTONS, WELCOME));
    if (buttons !== undefined) {
      await this.#try("statuses", () => this.#expectSent(buttons.screen, buttons.ids));
    }

    await this.#step("The user answers with a digit. Turn gets the button, and ends the session.");
    if (buttons !== undefined) {
      const digit = await this.#userWrites(DIGIT, buttons.ids.at(-1));
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
      this.#turnIsCalled("/messages", new Set([id]), {
        contact: { id: from },
        message: { ...told, ...context, from, id },
      }));
    return message;
  }

  /** Turn sends what the phone shows then, after what it shows with it. */
  async #turnAnswers(
    inbound: Message,
    { request, shown }: Said,
    ...before: readonly RequestBody[]
  ): Promise<Answers> {
    const { transport, screen } = this.#options;
    const ids: string[] = [];
    for (const one of [...before, request]) ids.push(await this.#turnAsks(one));
    const message = await this.#next("a message to the user", this.#outbound);
    screen.passed(["bridge", "vumi", "user"], transport.queues.outbound, partOf(message));
    expectIn("Turn to get the id of the first message", ids[0], message.message_id);
    expectIn("the user to get", message, {
      to_addr: inbound.from_addr,
      from_addr: inbound.to_addr,
      in_reply_to: inbound.message_id,
      session_event: request.waiting_for_user_input ? "resume" : "close",
      content: shown,
    });
    return { screen: message.message_id, ids };
  }

  /** The id that Turn gets for what it asks for. */
  async #turnAsks(request: RequestBody): Promise<string> {
    const { ask, screen } = this.#options;
    screen.passed(["Turn", "bridge"], `POST /messages, with ${SIGNATURE_HEADER}`, request);
    const { status, body } = await ask(request);
    screen.passed(["bridge", "Turn"], `${status}`, body);
    expectIn("Turn to be answered with status", status, 200);
    const id = String(Object(Array.from(Object(body).messages ?? [])[0]).id ?? "");
    this.#sent.add(id);
    return id;
  }

  /** One event about a screen is a status of each message that it has shown. */
  async #expectSent(screenId: string, ids: readonly string[]): Promise<void> {
    await this.#report(screenId, "ack");
    const left = new Set(ids);
    while (left.size > 0) {
      const messageId = await this.#turnIsCalled("/statuses", left, { status: "sent" });
      left.delete(messageId);
    }
  }

  async #expectStatuses(messageId: string | undefined): Promise<void> {
    if (messageId === undefined) throw new FlowError("expected an outbound message to report on");
    for (const [report, status] of [["ack", "sent"], ["delivered", "delivered"]] as const) {
      await this.#report(messageId, report);
      const expected = { user_message_id: messageId, status };
      await this.#turnIsCalled("/statuses", new Set([messageId]), expected);
    }
  }

  async #report(messageId: string, report: Report): Promise<void> {
    const { transport, screen } = this.#options;
    const event = createEvent(messageId, report);
    const { event_type, user_message_id, delivery_status } = event;
    const part = { event_type, user_message_id, delivery_status };
    screen.passed(["vumi", "bridge"], transport.queues.event, part);
    await transport.publishEvent(event);
  }

  /**
   * The bridge calls Turn: about what a user wrote, or about what became of a message; in whatever order.
   * Answers about which one.
   */
  async #turnIsCalled(
    path: string,
    messageIds: ReadonlySet<string>,
    expected: unknown,
  ): Promise<string> {
    const calls = this.#calls[path] ?? [];
    // A choice that Turn refuses comes again, in words.
    const isThis = (call: Answered): boolean => messageIds.has(call.messageId);
    const what = `POST ${path} that Turn can read`;
    const { body, status, messageId } = await this.#next(what, calls, isThis);
    this.#options.screen.passed(["bridge", "Turn"], `POST ${path}`, body);
    expectIn("Turn to get", body, expected);
    expectIn("Turn to answer with status", status, 200);
    return messageId;
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
