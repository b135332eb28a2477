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
import { type FakeTurn, send, type TurnCall } from "./fake_turn.ts";
import { Inbox } from "./inbox.ts";
import { abridge } from "./json.ts";
import type { Screen } from "./screen.ts";
import type { Transport, UserAction } from "./transport.ts";

/** What a {@linkcode Stage} is made of. */
export interface StageOptions {
  /** Turn. What becomes of its calls is asked through the stage from now on. */
  readonly turn: FakeTurn;
  /** Users, and what they are reached by. */
  readonly transport: Transport;
  /** What shows it. */
  readonly screen: Screen;
  /** The bridge's address for messages. */
  readonly messagesUrl: string;
  /** What Turn signs with. */
  readonly hmacSecret: string;
}

/** A call that came to Turn, and a request of Turn's that was answered. */
export interface Exchange {
  /** The HTTP status of the answer; undefined if there was none. */
  readonly status: number | undefined;
  /** The parsed body: what Turn was told, or what it was answered. */
  readonly body: unknown;
}

/** Does what the parties do, and shows it. */
export class Stage {
  readonly #options: StageOptions;
  readonly #messages = new Inbox<Exchange>();
  readonly #statuses = new Inbox<Exchange>();

  /** Makes it; nothing passes yet. */
  constructor(options: StageOptions) {
    this.#options = options;
    const { turn } = options;
    const decide = turn.answer;
    turn.answer = async (call) => {
      const answer = await decide(call);
      const status = answer instanceof Response ? answer.status : undefined;
      this.#inboxOf(call).put({ status, body: call.body });
      return answer;
    };
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
    const message = await transport.outbound.take(signal);
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

  /** Turn asks the bridge to send something, and is answered. */
  async turnSends(request: OutboundExample): Promise<Exchange> {
    const { messagesUrl, hmacSecret, screen } = this.#options;
    screen.passed(["Turn", "bridge"], `POST /messages, with ${SIGNATURE_HEADER}`, request);
    const response = await send(messagesUrl, request, { secret: hmacSecret });
    const body: unknown = await response.json();
    screen.passed(["bridge", "Turn"], `${response.status}`, body);
    return { status: response.status, body };
  }

  /** How a person would make Turn's request. */
  curl(request: OutboundExample): string {
    const { messagesUrl, hmacSecret } = this.#options;
    return curlCommand(messagesUrl, JSON.stringify(request), hmacSecret);
  }

  #inboxOf({ path }: TurnCall): Inbox<Exchange> {
    return path === "/statuses" ? this.#statuses : this.#messages;
  }
}

function abridgeMessage(message: Message): object {
  const always = ["message_id", "from_addr", "to_addr", "content"] as const;
  return abridge(message, always, ["in_reply_to", "session_event"]);
}
