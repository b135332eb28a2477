/**
 * Phones on a USSD network, and Turn's side of their conversations. The network is what AAT's
 * transport makes of one: it holds a request for each thing that a user dials or types, and answers it
 * by the first reply; to a reply to any other it is deaf, and what is no reply it can't show.
 *
 * @module
 */

import assert from "node:assert/strict";
import { formatTimestamp } from "../../src/vumi/mod.ts";
import { type Answer, SECRET } from "../support/bridge.ts";
import { send } from "../support/fake_turn.ts";
import type { Outbound, Transport } from "../support/transport.ts";
import { until } from "../support/until.ts";

export { statuses, told, untilStatus, wasTold } from "./ussd_told.ts";

/** By which the network's messages are known from SMS. */
export const USSD_TRANSPORT = "ussd_transport";
/** What is dialled, unless told otherwise. */
export const CODE = "*120*8864#";

/** Flags with which a turn that is over is shown soon. */
export const QUICK = { "ussd-merge-window": "0.5" } as const;

/** Where late messages go, as flags. */
export const SMS_FALLBACK = {
  "sms-fallback-transport-name": "smpp_transport",
  "sms-fallback-from-addr": "8110",
} as const;
/** The same, with the words of a notice. */
export const NOTICE = "You have a message from us. Dial *120*8864# to read it.";
/** Flags of {@linkcode SMS_FALLBACK} with which the words themselves go by SMS. */
export const SMS_CONTENT = { ...SMS_FALLBACK, "sms-fallback-mode": "content" } as const;
/** Flags with which the words wait until the user dials. */
export const SMS_NOTICE = {
  ...SMS_FALLBACK,
  "sms-fallback-mode": "notice",
  "sms-fallback-notice-text": NOTICE,
} as const;

/** What a phone shows. */
export interface Screen {
  readonly text: string;
  /** Whether it takes an answer. */
  readonly open: boolean;
  /** Of the message. */
  readonly id: string;
  /** The request that it answers. */
  readonly to: string;
  /** As `performance.now()` tells. */
  readonly at: number;
  readonly message: Readonly<Record<string, unknown>>;
}

/** What the transport makes of a connector's outbound messages. */
export class Network {
  /** Replies for which nobody waits, or that have no words: AAT's transport drops them. */
  readonly dead: Record<string, unknown>[] = [];
  /** What is for another transport. */
  readonly sms: Record<string, unknown>[] = [];
  /** What has been shown, in order. */
  readonly screens: Screen[] = [];
  readonly transport: Transport;
  readonly #waiting = new Set<string>();
  readonly #shown = new Map<string, Screen>();
  readonly #acks: boolean;

  /** @param acks Whether it says of each screen that it was shown. */
  constructor(transport: Transport, { acks = true }: { readonly acks?: boolean } = {}) {
    this.transport = transport;
    this.#acks = acks;
    transport.onOutbound = ({ message }) => this.#take(message);
  }

  /** One more phone. */
  phone(address: string, fields: Readonly<Record<string, unknown>> = {}): Phone {
    return new Phone(this, address, fields);
  }

  /** A request is open from now on. */
  opens(id: string): void {
    this.#waiting.add(id);
  }

  /** The network has given up a request. */
  closes(id: string): void {
    this.#waiting.delete(id);
  }

  /** What answered the request, if anything has. */
  answerTo(id: string): Screen | undefined {
    return this.#shown.get(id);
  }

  /** Resolves with the messages for other transports when there are so many. */
  async sentBySms(count: number): Promise<readonly Record<string, unknown>[]> {
    await until(`${count} SMS`, () => this.sms.length >= count, 30_000);
    return this.sms;
  }

  /** Nothing came for which nobody waited. */
  assertAllShown(): void {
    assert.deepEqual(this.dead, []);
  }

  #take(message: Outbound["message"]): void {
    const to = String(message["in_reply_to"]);
    if (message["transport_name"] !== USSD_TRANSPORT) this.sms.push(message);
    else if (!this.#waiting.delete(to) || !message["content"]) this.dead.push(message);
    else {
      const screen = {
        text: String(message["content"]),
        open: message["session_event"] !== "close",
        id: String(message["message_id"]),
        to,
        at: performance.now(),
        message,
      };
      this.screens.push(screen);
      this.#shown.set(to, screen);
      if (this.#acks) void this.ack(screen.id);
    }
  }

  /** The transport says that it was shown, or sent. */
  async ack(user_message_id: string): Promise<void> {
    const event = { event_type: "ack", user_message_id, sent_message_id: `p-${user_message_id}` };
    await this.transport.sendEvent(event);
  }

  /** The transport says that it was not. */
  async nack(user_message_id: string): Promise<void> {
    const nack_reason = "No matching request";
    await this.transport.sendEvent({ event_type: "nack", user_message_id, nack_reason });
  }
}

let typed = 0;

/** A phone of the network. */
export class Phone {
  readonly address: string;
  /** The request that it waits on, or waited on last. */
  request = "";
  /** When that was sent, as `performance.now()` tells. */
  since = 0;
  readonly #network: Network;
  readonly #fields: Readonly<Record<string, unknown>>;

  /** Use {@linkcode Network.phone}. */
  constructor(network: Network, address: string, fields: Readonly<Record<string, unknown>>) {
    this.#network = network;
    this.address = address;
    this.#fields = fields;
  }

  /** Dials. As AAT's transport does it the text is what was dialled. Answers the request's id. */
  dial(code: string = CODE, fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return this.#send({ session_event: "new", content: code, to_addr: code, ...fields });
  }

  /** Types an answer. */
  type(content: string, fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return this.#send({ session_event: "resume", content, to_addr: CODE, ...fields });
  }

  /** Hangs up, with a transport that tells so. */
  async hangUp(): Promise<void> {
    this.#network.closes(this.request);
    await this.#publish({ session_event: "close", content: null, to_addr: CODE });
  }

  /** What answers a request: the last one, unless told otherwise. */
  async screen(request: string = this.request): Promise<Screen> {
    const answer = () => this.#network.answerTo(request);
    await until(`a screen for ${this.address}`, () => answer() !== undefined, 30_000);
    return answer() ?? assert.fail();
  }

  /** What it shows now, if the last request was answered. */
  get shown(): Screen | undefined {
    return this.#network.answerTo(this.request);
  }

  async #send(fields: Readonly<Record<string, unknown>>): Promise<string> {
    const message_id = `request${typed++}-${crypto.randomUUID()}`;
    this.#network.opens(message_id);
    this.request = message_id;
    this.since = performance.now();
    await this.#publish({ message_id, ...fields });
    return message_id;
  }

  async #publish(fields: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#network.transport.sendInbound({
      from_addr: this.address,
      transport_name: USSD_TRANSPORT,
      transport_type: "ussd",
      timestamp: formatTimestamp(new Date()),
      provider: "MTN",
      ...this.#fields,
      ...fields,
    });
  }
}

/** Something that takes Turn's requests. */
export interface Endpoint {
  send(body: unknown): Promise<Pick<Answer, "status" | "body">>;
}

/** The bridge that listens there. */
export function endpointAt(address: string, path = "", secret = SECRET): Endpoint {
  return {
    async send(body) {
      const response = await send(`${address}${path}/messages`, body, { secret });
      return { status: response.status, body: await response.json() };
    },
  };
}

/** What Turn was answered. */
export interface Posted {
  readonly status: number;
  /** Of the message, or "" if it was refused. */
  readonly id: string;
  /** The title of the error. */
  readonly error: string | undefined;
}

/** Turn's message to a phone: a text, or any message. It waits for no answer, unless `more` says so. */
export async function post(
  bridge: Endpoint,
  to: Pick<Phone, "address"> | string,
  words: string | Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Posted> {
  const turn = typeof words === "string" ? { type: "text", text: { body: words } } : words;
  const address = typeof to === "string" ? to : to.address;
  const request = { to: address, from: null, turn, waiting_for_user_input: false, ...more };
  const { status, body } = await bridge.send(request);
  return { status, id: body.messages?.[0].id ?? "", error: body.errors?.[0].title };
}

/** The same for one that is taken and waits for no answer; answers its id. */
export async function say(...args: Parameters<typeof post>): Promise<string> {
  const posted = await post(...args);
  assert.equal(posted.status, 200, JSON.stringify([posted, args[2]]));
  return posted.id;
}

/** The same for one that is taken and waits for the user's answer. */
export function ask(...[bridge, to, words, more]: Parameters<typeof post>): Promise<string> {
  return say(bridge, to, words, { waiting_for_user_input: true, ...more });
}

/** Waits so long: where time itself is what a test is about. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What each of them came to, when all have ended: who fails leaves none of them behind. */
export async function together<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}
