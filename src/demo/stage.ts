/**
 * The play's props: the fake Turn on one side of the bridge, the played transport with its users on
 * the other. Whatever is handed over is shown as it passes.
 *
 * @module
 */

import { sign, SIGNATURE_HEADER } from "../turn/mod.ts";
import type { Event, Message } from "../vumi/mod.ts";
import type { FakeTurn, TurnCall } from "./fake_turn.ts";
import { abridge, shorten } from "./json.ts";
import type { Screen } from "./screen.ts";
import type { Transport, UserAction } from "./transport.ts";

/** What a {@linkcode Stage} is made of. */
export interface StageOptions {
  /** Turn's side. */
  readonly turn: FakeTurn;
  /** vumi's side. */
  readonly transport: Transport;
  /** What shows it. */
  readonly screen: Screen;
}

/** What the bridge answered to a request of Turn's. */
export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** The parsed body. */
  readonly body: unknown;
}

const MESSAGE_FIELDS = [
  "message_id",
  "in_reply_to",
  "from_addr",
  "to_addr",
  "session_event",
  "content",
] as const;

const EVENT_FIELDS = ["event_type", "user_message_id", "delivery_status"] as const;

/** Does what the parties do, and shows it. */
export class Stage {
  readonly #options: StageOptions;

  /** Makes it; nothing happens yet. */
  constructor(options: StageOptions) {
    this.#options = options;
  }

  /** A user writes, or dials; the transport puts it on the queue. */
  async userWrites(action: UserAction): Promise<Message> {
    const { transport, screen } = this.#options;
    const message = transport.compose(action);
    screen.passed(["user", "vumi", "bridge"], "inbound", abridge(message, MESSAGE_FIELDS));
    await transport.publish(message);
    return message;
  }

  /** A message comes to a user. */
  async userGets(signal: AbortSignal): Promise<Message> {
    const { transport, screen } = this.#options;
    const message = await transport.outbound.take(signal);
    screen.passed(["bridge", "vumi", "user"], "outbound", abridge(message, MESSAGE_FIELDS));
    return message;
  }

  /** The transport tells what became of a message. */
  async transportReports(event: Event): Promise<void> {
    const { transport, screen } = this.#options;
    screen.passed(["vumi", "bridge"], "event", abridge(event, EVENT_FIELDS));
    await transport.publishEvent(event);
  }

  /** The bridge calls Turn. */
  async turnGets(signal: AbortSignal): Promise<TurnCall> {
    const { turn, screen } = this.#options;
    const call = await turn.calls.take(signal);
    screen.passed(["bridge", "Turn"], `POST ${call.path}`, call.body);
    return call;
  }

  /** Turn asks the bridge to send something. */
  async turnSends(request: unknown): Promise<Answer> {
    const { turn, screen } = this.#options;
    const body = JSON.stringify(request);
    screen.passed(["Turn", "bridge"], `POST /messages, signed`, request);
    const answer = await turn.send(body);
    screen.passed(["bridge", "Turn"], String(answer.status), answer.body);
    return answer;
  }
}
