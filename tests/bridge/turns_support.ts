/**
 * Turns whose time, broker and cache are the test's: a user who dials and answers, Turn's messages as
 * they are held, and what is published.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import {
  Owners,
  type SmsFallback,
  type SmsSendingOptions,
  type UssdOptions,
} from "../../src/bridge/mod.ts";
import { encodeHeld } from "../../src/bridge/held_messages.ts";
import { Turns, type TurnsOptions } from "../../src/bridge/turns.ts";
import type { Received } from "../../src/bridge/received.ts";
import { UssdInbound } from "../../src/bridge/ussd_inbound.ts";
import type { OutboundRequest } from "../../src/turn/mod.ts";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";
import {
  Connector,
  createAck,
  createMessage,
  type Disposition,
  formatTimestamp,
  type Message,
  PublishError,
} from "../../src/vumi/mod.ts";
import { TestClock } from "./clock.ts";
import { CONTENT, FlakyCache, NEVER, smsSender, USSD } from "./support.ts";

/** The only user, unless a test has more. */
export const USER = "+27820000001";

/** Sessions that merge for two seconds. */
export const MERGING: UssdOptions = { ...USSD, mergeWindowMs: 2_000 };

/** How a user is told that something waits for the next dial. */
export const NOTICE: SmsFallback = {
  transportName: "smpp",
  transportType: "sms",
  fromAddr: "8110",
  address: "as_is",
  mode: "notice",
  noticeText: "Dial *120#",
};

/** The id of the `n`th of Turn's messages, in the form of ours. */
export function postId(n: number): string {
  return `${n}`.padStart(32, "0");
}

/** What a text of Turn's is. */
export function request(
  body: string,
  waits = false,
  more: Partial<OutboundRequest> = {},
): OutboundRequest {
  return {
    to: USER,
    from: null,
    replyTo: null,
    message: { type: "text", text: { body } },
    content: null,
    waitingForUserInput: waits,
    ...more,
  };
}

/** Buttons that are told as what was chosen. */
export function buttons(body: string, ...titles: string[]): OutboundRequest {
  const menu = titles.map((title) => (
    { type: "reply", reply: { id: `id-${title}`, title } } as const
  ));
  const message = {
    type: "interactive",
    interactive: { type: "button", body: { text: body }, action: { buttons: menu } },
  } as unknown as OutboundRequest["message"];
  return request("", true, { message });
}

/** One that keeps what is published, and fails when it is told to. */
export class TestConnector extends Connector {
  /** In order, also again. */
  readonly published: Message[] = [];
  /** Whether it speaks for the channel. */
  isLeading = true;
  /** How publishing fails now. */
  failure: PublishError["fault"] | undefined;
  /** Is told of what the operator has. */
  onTaken: (message: Message) => void = () => {};

  override get leads(): boolean {
    return this.isLeading;
  }

  // deno-lint-ignore require-await -- a fault has to reject
  override async publish(message: Message): Promise<void> {
    // Whether what is not confirmed has arrived nobody knows: here it has.
    if (this.failure === undefined || this.failure === "unconfirmed") this.published.push(message);
    if (this.failure !== undefined) throw new PublishError(this.failure, "for a test");
    this.onTaken(message);
  }
}

/** Events of our own, shortly. */
export function reported(broker: MemoryBroker): string[] {
  return broker.waiting("c.event").map(({ body }) => {
    const event = JSON.parse(new TextDecoder().decode(body));
    return `${event.event_type} ${Number(event.user_message_id)}`;
  });
}

/** The bridge that speaks for the channel, as far as turns go. */
export class TestTurns implements AsyncDisposable {
  readonly clock: TestClock;
  readonly cache: FlakyCache;
  readonly registry = new MetricsRegistry();
  readonly broker = MemoryBroker.open();
  readonly connector: TestConnector;
  readonly stopping = new AbortController();
  readonly turns: Turns;
  readonly ussd: UssdInbound;
  /** What became of what was posted, once it is known; by its number. */
  readonly ended = new Map<number, Disposition["kind"]>();
  #dials = 0;

  /** With another's clock and cache it is another bridge. */
  constructor(
    ussd: Partial<UssdOptions> = {},
    { clock = new TestClock(), cache = new FlakyCache(clock.elapsed) }: Partial<
      Pick<TestTurns, "clock" | "cache">
    > = {},
    more: Partial<TurnsOptions> & { readonly sms?: SmsSendingOptions } = {},
  ) {
    this.clock = clock;
    this.cache = cache;
    const { broker } = this;
    this.connector = new TestConnector({ name: "c", broker, inboundPrefetch: 9, eventPrefetch: 9 });
    broker.declare("c.event");
    const options = {
      connector: this.connector,
      cache,
      metrics: this.registry.channel("c"),
      stopping: this.stopping.signal,
      owners: new Owners(cache),
      content: CONTENT,
      ussd: { ...MERGING, ...ussd },
      transportType: "ussd",
      defaultFromAddr: "*120#",
      emptyMessageBody: undefined,
      after: clock.after,
      now: clock.elapsed,
      elapsed: clock.elapsed,
      ...more,
    } as const;
    const sender = smsSender(options);
    this.connector.onTaken = ({ message_id: id, transport_name: transport }) =>
      void setImmediate(() => sender.heard({ id, transport, event: createAck(id) }));
    this.turns = new Turns({ ...options, smsSender: sender });
    this.ussd = new UssdInbound({ ...options, turns: this.turns });
  }

  /** The user's next message, of now. */
  message(fields: Partial<Message> = {}): Message {
    return createMessage({
      message_id: `in${this.#dials++}`,
      to_addr: "*120#",
      from_addr: USER,
      transport_name: "t",
      transport_type: "ussd",
      session_event: "resume",
      content: "1",
      timestamp: formatTimestamp(new Date(this.clock.now)),
      ...fields,
    });
  }

  /** It is taken off its queue, and kept as the flow does. */
  async receive(message: Message, end: AbortSignal = NEVER): Promise<Received> {
    return await this.ussd.receive(message, this.clock.now, end, async (received) => {
      const records = received.kind === "tell" ? received.records : [];
      await this.cache.putInbound(message, [], undefined, records);
      return received;
    });
  }

  /** The user dials. */
  dial(fields: Partial<Message> = {}): Promise<Received> {
    return this.receive(this.message({ session_event: "new", content: "*120#", ...fields }));
  }

  /** The user answers a screen. */
  answer(content: string, fields: Partial<Message> = {}): Promise<Received> {
    return this.receive(this.message({ content, ...fields }));
  }

  /** One of Turn's messages comes off the queue; it is decided about later. */
  async post(
    n: number,
    posted: OutboundRequest,
    { lost = NEVER, over = undefined as string | undefined, redelivered = false } = {},
  ): Promise<void> {
    const inbound = this.message({ message_id: "as known at the post", from_addr: posted.to });
    const body = encodeHeld({
      id: postId(n),
      request: posted,
      inbound,
      ...over !== undefined && { over },
    });
    void this.turns.handle({ body, headers: {}, redelivered, returns: 0, lost })
      .then(({ kind }) => this.ended.set(n, kind));
    await this.clock.advance(0);
  }

  /** What was published: the number of the message whose id it has, its words, and what it does. */
  get screens(): string[] {
    return this.connector.published.map(({ message_id, content, session_event }) => {
      const number = /^\d+$/.test(message_id) ? `${Number(message_id)}` : "own";
      return `${number} ${session_event}: ${content?.replaceAll("\n", " / ")}`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort();
    await this.clock.advance(0);
    await this.broker[Symbol.asyncDispose]();
  }
}
