/**
 * The parties around the bridge, Turn on one side and users with their transport on the other. What
 * passes from one to the other is shown as it passes.
 *
 * @module
 */

import { SIGNATURE_HEADER } from "../turn/mod.ts";
import type { Event, Message } from "../vumi/mod.ts";
import { curlCommand } from "./curl.ts";
import type { OutboundExample } from "./examples.ts";
import type { FakeTurn, SendOptions, TurnCall } from "./fake_turn.ts";
import { Inbox } from "./inbox.ts";
import { abridge } from "./json.ts";
import type { Narrator } from "./screen.ts";
import { readCall } from "./call_content.ts";
import type { Transport, UserAction } from "./transport.ts";

/** What a {@linkcode Scenario} is made of. */
export interface ScenarioOptions {
  /** Turn. */
  readonly turn: FakeTurn;
  /** Users, and what they are reached by. */
  readonly transport: Transport;
  /** What shows it. */
  readonly screen: Narrator;
  /** The bridge's address for messages. */
  readonly messagesUrl: string;
  /** What Turn signs with. */
  readonly hmacSecret: string;
  /** Whether it is concerned with this user; default all. */
  readonly concerns?: (address: string) => boolean;
}

/** A call that came to Turn, and a request of Turn's that was answered. */
export interface Exchange {
  /** The HTTP status of the answer; undefined if there was none. */
  readonly status: number | undefined;
  /** The parsed body: what Turn was told, or what it was answered. */
  readonly body: unknown;
}

/** Does what the parties do, and shows it. */
export class Scenario implements Disposable {
  readonly #options: ScenarioOptions;
  readonly #messages = new Inbox<Exchange>();
  readonly #statuses = new Inbox<Exchange>();
  readonly #outbound = new Inbox<Message>();
  readonly #watches = new DisposableStack();
  /** Messages of users that it is not concerned with, the latest: their statuses name no user. */
  readonly #ofOthers = new Set<string>();

  /** Makes it; nothing passes yet. */
  constructor(options: ScenarioOptions) {
    this.#options = options;
    const { turn, transport, concerns = () => true } = options;
    this.#watches.use(turn.watch({
      answered: (call, answer, readable) => {
        if (!readable || !this.#concernsCall(call)) return;
        const status = answer instanceof Response ? answer.status : undefined;
        this.#inboxOf(call).put({ status, body: call.body });
      },
    }));
    this.#watches.use(transport.watch({
      taken: (message) => {
        if (concerns(message.to_addr)) this.#outbound.put(message);
        else remember(this.#ofOthers, message.message_id);
      },
    }));
  }

  /** Looks on no more. */
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
  async userIsTold(signal: AbortSignal): Promise<Message> {
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

  /** The bridge tells Turn what a user wrote. */
  async turnIsTold(signal: AbortSignal): Promise<Exchange> {
    const call = await this.#messages.take(signal);
    this.#options.screen.passed(["bridge", "Turn"], "POST /messages", call.body);
    return call;
  }

  /** The bridge tells Turn what became of a message. */
  async turnIsToldStatus(signal: AbortSignal): Promise<Exchange> {
    const call = await this.#statuses.take(signal);
    this.#options.screen.passed(["bridge", "Turn"], "POST /statuses", call.body);
    return call;
  }

  /**
   * Turn asks the bridge to send something, and is answered.
   *
   * @param means A signature in place of the right one.
   * @throws {TypeError} If there is no answer.
   */
  async turnSends(
    request: OutboundExample,
    means: Pick<SendOptions, "signature"> = {},
  ): Promise<Exchange> {
    const { turn, messagesUrl, hmacSecret, screen } = this.#options;
    screen.passed(["Turn", "bridge"], `POST /messages, with ${SIGNATURE_HEADER}`, request);
    const { status, body } = await turn.ask(messagesUrl, request, { secret: hmacSecret, ...means });
    screen.passed(["bridge", "Turn"], `${status}`, body);
    return { status, body };
  }

  /** How a person would make Turn's request. */
  curl(request: OutboundExample): string {
    const { messagesUrl, hmacSecret } = this.#options;
    return curlCommand(messagesUrl, JSON.stringify(request), hmacSecret);
  }

  #concernsCall(call: TurnCall): boolean {
    const { concerns = () => true } = this.#options;
    const told = readCall(call);
    if (told === undefined) return true;
    return told.kind === "message" ? concerns(told.address) : !this.#ofOthers.has(told.id);
  }

  #inboxOf({ path }: TurnCall): Inbox<Exchange> {
    return path === "/statuses" ? this.#statuses : this.#messages;
  }
}

function abridgeMessage(message: Message): object {
  const always = ["message_id", "from_addr", "to_addr", "content"] as const;
  return abridge(message, always, ["in_reply_to", "session_event"]);
}

const REMEMBERED = 10_000;

/** Keeps the latest. */
function remember(ids: Set<string>, id: string): void {
  ids.add(id);
  const [oldest] = ids;
  if (ids.size > REMEMBERED && oldest !== undefined) ids.delete(oldest);
}
