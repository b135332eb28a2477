/**
 * The parties around the bridge, Turn on one side and users with their transport on the other. What
 * passes from one to the other is shown as it passes.
 *
 * @module
 */

import { SIGNATURE_HEADER } from "../turn/mod.ts";
import type { Event, Message } from "../vumi/mod.ts";
import type { OutboundExample } from "./examples.ts";
import type { FakeTurn, TurnCall } from "./fake_turn.ts";
import { Inbox } from "./inbox.ts";
import { abridge, type Narrator } from "./screen.ts";
import { readCall } from "./call_content.ts";
import type { Transport, UserAction } from "./transport.ts";

interface ScenarioOptions {
  readonly turn: FakeTurn;
  readonly transport: Transport;
  readonly screen: Narrator;
  /** Where Turn sends its requests. */
  readonly messagesUrl: string;
  readonly hmacSecret: string;
  /** Whether this user takes part; all do by default. */
  readonly concerns?: (address: string) => boolean;
}

/** A call to Turn, or a request of Turn's. */
interface Exchange {
  /** The HTTP status of the answer; undefined if there was none. */
  readonly status: number | undefined;
  /** Of a call what Turn was sent, of a request what it was answered. */
  readonly body: unknown;
}

/** The parties' actions; what each brings about is shown on the screen. */
export class Scenario implements Disposable {
  readonly #options: ScenarioOptions;
  readonly #messages = new Inbox<Exchange>();
  readonly #statuses = new Inbox<Exchange>();
  readonly #outbound = new Inbox<Message>();
  readonly #watches = new DisposableStack();
  /** Messages of users who take no part, as their statuses name no user. */
  readonly #ofOthers = new Set<string>();

  constructor(options: ScenarioOptions) {
    this.#options = options;
    const { turn, transport, concerns = () => true } = options;
    this.#watches.use(turn.watch({
      answered: (call, answer, readable) => {
        if (!readable || !this.#concernsCall(call)) return;
        const status = answer instanceof Response ? answer.status : undefined;
        const inbox = call.path === "/statuses" ? this.#statuses : this.#messages;
        inbox.put({ status, body: call.body });
      },
    }));
    this.#watches.use(transport.watch({
      taken: (message) => {
        if (concerns(message.to_addr)) this.#outbound.put(message);
        else this.#ofOthers.add(message.message_id);
      },
    }));
  }

  [Symbol.dispose](): void {
    this.#watches.dispose();
  }

  /** A user writes, or dials, and the transport puts it on the queue. */
  async userWrites(action: UserAction): Promise<Message> {
    const { transport, screen } = this.#options;
    const message = transport.compose(action);
    const { inbound } = transport.queues;
    screen.passed(["user", "vumi", "bridge"], inbound, abridgeMessage(message));
    await transport.publish(message);
    return message;
  }

  /** The transport takes a message off the queue, for a user. */
  async userReceives(signal: AbortSignal): Promise<Message> {
    const { transport, screen } = this.#options;
    const message = await this.#outbound.take(signal);
    const { outbound } = transport.queues;
    screen.passed(["bridge", "vumi", "user"], outbound, abridgeMessage(message));
    return message;
  }

  /** The transport tells what became of a message. */
  async transportReports(event: Event): Promise<void> {
    const { transport, screen } = this.#options;
    const shown = abridge(event, ["event_type", "user_message_id"], ["delivery_status"]);
    screen.passed(["vumi", "bridge"], transport.queues.event, shown);
    await transport.publishEvent(event);
  }

  /** The bridge calls Turn: about what a user wrote, or about what became of a message. */
  async turnIsCalled(
    path: "/messages" | "/statuses",
    signal: AbortSignal,
  ): Promise<Exchange> {
    const call = await (path === "/messages" ? this.#messages : this.#statuses).take(signal);
    this.#options.screen.passed(["bridge", "Turn"], `POST ${path}`, call.body);
    return call;
  }

  /**
   * Turn asks the bridge to send something, and is answered.
   *
   * @throws {TypeError} If there is no answer.
   */
  async turnSends(request: OutboundExample): Promise<Exchange> {
    const { turn, messagesUrl, hmacSecret, screen } = this.#options;
    screen.passed(["Turn", "bridge"], `POST /messages, with ${SIGNATURE_HEADER}`, request);
    const { status, body } = await turn.ask(messagesUrl, request, { secret: hmacSecret });
    screen.passed(["bridge", "Turn"], `${status}`, body);
    return { status, body };
  }

  #concernsCall(call: TurnCall): boolean {
    const { concerns = () => true } = this.#options;
    const content = readCall(call);
    if (content === undefined) return true;
    return content.kind === "message" ? concerns(content.address) : !this.#ofOthers.has(content.id);
  }
}

function abridgeMessage(message: Message): object {
  const always = ["message_id", "from_addr", "to_addr", "content"] as const;
  return abridge(message, always, ["in_reply_to", "session_event"]);
}
