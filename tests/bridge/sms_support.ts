/**
 * Bridges of one channel for SMS, whose time, broker, cache and operator are the test's: of several one
 * speaks for the channel, and each can be killed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { onAbort, sleep } from "../../src/async/mod.ts";
import {
  Bridge,
  type BridgeOptions,
  Owners,
  reportStatesOf,
  type SmsSendingOptions,
} from "../../src/bridge/mod.ts";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import type {
  Consumer,
  Disposition,
  Handover,
  Publisher,
  Subscriber,
} from "../../src/broker/mod.ts";
import { CacheError, MessageCache, UserAddresses } from "../../src/cache/mod.ts";
import { MemoryStore } from "../../src/cache/memory.ts";
import type { Change, Key, Store } from "../../src/cache/store.ts";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";
import { type OutboundRequest, TurnClient } from "../../src/turn/mod.ts";
import { Connector, decodeMessage, type Message, newId, PublishError } from "../../src/vumi/mod.ts";
import { TestClock } from "./clock.ts";
import { CONTENT, RESENDING, USSD } from "./support.ts";

/** What vumi2's SMPP transport says of an operator that takes no more for now, and of a fault of it. */
export const THROTTLED = { event_type: "nack", nack_reason: "Throttling error (ESME has exceeded" };
/** The same of an operator that does not say why. */
export const SYSTEM_ERROR = { event_type: "nack", nack_reason: "System Error" };
/** The operator has it. */
export const ACK = { event_type: "ack", sent_message_id: "theirs" };

/** The user, unless a test has several. */
export const USER = "+27820000001";

type EventFields = Readonly<Record<string, unknown>>;

/** What all bridges of the channel have in common. */
export class SmsWorld implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly start = this.clock.now;
  readonly broker = MemoryBroker.open();
  readonly store = new MemoryStore({ now: this.clock.elapsed });
  /** What came to the operator, in order. */
  readonly submits: Message[] = [];
  /** What Turn was told, as `status of the id`, in order. */
  readonly told: string[] = [];
  /** By how much the clock that can be set is off. */
  skewMs = 0;
  /** Whether Turn takes what it is told. */
  turnWorks = true;
  readonly #bridges: SmsBridge[] = [];

  /** @param answer What the operator says of an SMS that came as the `nth`, from 1; by default, an ack. */
  constructor(
    public answer: (message: Message, nth: number) => EventFields | undefined = () => ACK,
  ) {
    this.broker.declare("c.event");
    this.broker.declare("c.held");
    this.broker.declare("c.held.sms");
    this.broker.consume(
      "c.outbound",
      { prefetch: 1, parkingQueue: "unused" },
      async ({ body }): Promise<Disposition> => {
        const message = decodeMessage(body);
        this.submits.push(message);
        const event = this.answer(message, this.submits.length);
        if (event !== undefined) await this.hear(message.message_id, event);
        return { kind: "done" };
      },
    );
  }

  /** The bridge that speaks for the channel. */
  lead(sms: Partial<SmsSendingOptions> = {}, more: Partial<BridgeOptions> = {}): SmsBridge {
    const bridge = this.standBy(sms, more);
    bridge.lead();
    return bridge;
  }

  /** A bridge that takes what Turn sends, and does not speak for the channel. */
  standBy(sms: Partial<SmsSendingOptions> = {}, more: Partial<BridgeOptions> = {}): SmsBridge {
    const bridge = new SmsBridge(this, { ...RESENDING, ...sms }, more);
    this.#bridges.push(bridge);
    return bridge;
  }

  /** An event comes about the SMS with this id. */
  hear(user_message_id: string, fields: EventFields): Promise<void> {
    const timestamp = "2026-11-24 08:00:00.000000";
    const event = { event_id: newId(), user_message_id, timestamp, ...fields };
    return this.broker.publish("c.event", new TextEncoder().encode(JSON.stringify(event)));
  }

  /** The words that came to the operator. */
  get texts(): (string | null)[] {
    return this.submits.map(({ content }) => content);
  }

  /** How many wait in a queue, and nobody has in hand. */
  waiting(queue: "held.sms" | "event"): number {
    return this.broker.waiting(`c.${queue}`).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const bridge of this.#bridges) bridge.kill();
    await this.clock.advance(0);
    await this.broker[Symbol.asyncDispose]();
  }
}

/** One of the bridges. */
export class SmsBridge {
  readonly cache: MessageCache;
  readonly bridge: Bridge;
  readonly connector: Connector;
  readonly registry = new MetricsRegistry();
  readonly options: BridgeOptions & { sms: SmsSendingOptions };
  /** Is waited for before what is published to a queue of this name is confirmed. */
  readonly confirms = new Map<string, Promise<void>>();
  /** How long it takes to keep something. */
  commitMs = 0;
  /** Whether nothing can be kept or looked up. */
  cacheFails = false;
  /** Queues to which nothing can be published. */
  readonly refuses = new Set<string>();
  readonly #world: SmsWorld;
  readonly #killed = new AbortController();
  /** Fires when it no longer has what it has in hand. */
  #lost = new AbortController();
  #isLeading = false;
  /** What begins to consume. */
  readonly #consuming: (() => void)[] = [];
  #onLead: ((handover: Handover) => void) | undefined;

  constructor(world: SmsWorld, sms: SmsSendingOptions, more: Partial<BridgeOptions>) {
    this.#world = world;
    const { clock: { elapsed, after } } = world;
    const now = (): number => elapsed() + world.skewMs;
    this.cache = new MessageCache({
      ...{ inboundTtlMs: 86_400_000, outboundTtlMs: 86_400_000, store: this.#store(), now },
      addresses: new UserAddresses((n) => n.startsWith("0") ? `27${n.slice(1)}` : undefined),
    });
    this.connector = new Connector({
      ...{ name: "c", broker: this.#broker(), inboundPrefetch: 99, eventPrefetch: 99 },
    });
    this.options = {
      connector: this.connector,
      turn: new TurnClient({
        ...{ apiUrl: "http://turn.example", authToken: "t", statusFormat: "flat" },
        fetch: (_, init) => this.#tellTurn(init as { readonly body?: unknown } | undefined),
      }),
      cache: this.cache,
      metrics: this.registry.channel("c"),
      defaultFromAddr: "8110",
      transportType: "sms",
      content: CONTENT,
      emptyMessageBody: undefined,
      failedStatus: "failed",
      messageTimeoutMs: 1_000,
      statusTimeoutMs: 1_000,
      retry: { maxRetries: 0, delayBase: 0, delayExponent: 1, delaysMs: [5_000] },
      retryForMs: 86_400_000,
      ussdRetryForMs: 86_400_000,
      compactStatuses: true,
      dedupeWindowMs: 0,
      ussd: USSD,
      sms: { ...sms },
      contactIds: "as_is",
      reportStates: reportStatesOf({}),
      owners: new Owners(this.cache),
      concurrency: 20,
      holdMs: 900_000,
      ...more,
    };
    const alive: typeof after = (ms, run) => after(ms, () => !this.#killed.signal.aborted && run());
    this.bridge = new Bridge(this.options, { now, elapsed, after: alive });
    this.bridge.start();
  }

  /** It begins to speak for the channel. */
  lead(): void {
    this.#isLeading = true;
    this.#lost = new AbortController();
    this.#onLead?.({ left: "", leave: () => Promise.resolve(true) });
    for (const consume of this.#consuming) consume();
  }

  /** It loses its connection, and another one may speak for the channel. */
  cede(): void {
    this.#isLeading = false;
    this.#lost.abort();
  }

  /** It is gone: what it has in hand goes back to its queue, and nothing that it waits for comes. */
  kill(): void {
    this.#killed.abort();
    this.cede();
    this.options.turn[Symbol.dispose]();
  }

  /** Turn sends a text. Answers the id; it is at the operator when all that can be done is. */
  async post(body: string, to = USER): Promise<string> {
    const request: OutboundRequest = {
      ...{ to, from: null, replyTo: null, content: null, waitingForUserInput: false },
      message: { type: "text", text: { body } },
    };
    const bytes = new TextEncoder().encode(`${to} ${body}`);
    const accepted = await this.bridge.accept(request, {
      ...{ body: bytes, isGone: () => false, isLate: () => false },
    });
    assert.ok(accepted.kind === "accepted", JSON.stringify(accepted));
    // What the operator says of it at once is heard: of a transport of which nothing was heard yet the
    // user's next one waits for nothing.
    await this.#world.clock.advance(0);
    return accepted.id;
  }

  #tellTurn(init: { readonly body?: unknown } | undefined): Promise<Response> {
    if (!this.#world.turnWorks) return Promise.resolve(new Response("no", { status: 500 }));
    const { status, user_message_id } = JSON.parse(String(init?.body));
    this.#world.told.push(`${status} ${user_message_id}`);
    return Promise.resolve(new Response("{}"));
  }

  #store(): Store {
    const { store, clock } = this.#world;
    return {
      get: (key: Key) =>
        this.#unlessKilled(() => {
          this.#failIfAsked();
          return store.get(key);
        }),
      commit: (changes: readonly Change[]) =>
        this.#unlessKilled(async () => {
          this.#failIfAsked();
          if (this.commitMs > 0) await sleep(this.commitMs, this.#killed.signal, clock.after);
          await this.#unlessKilled(() => store.commit(changes));
        }),
      counters: (days) => store.counters(days),
      all: (kind) => store.all(kind),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  #failIfAsked(): void {
    if (this.cacheFails) throw new CacheError("for a test");
  }

  #broker(): Publisher & Subscriber {
    const { broker } = this.#world;
    const publish: Publisher["publish"] = (...args) =>
      this.#unlessKilled(async () => {
        if (this.refuses.has(args[0])) throw new PublishError("unavailable", "for a test");
        await broker.publish(...args);
        await this.confirms.get(args[0]);
        await this.#unlessKilled(() => Promise.resolve());
      });
    const consume: Subscriber["consume"] = (queue, options, handler) => {
      const { lead, ...others } = options;
      if (lead !== undefined) this.#onLead = lead.onLead;
      let consumer: Consumer | undefined;
      this.#consuming.push(() => {
        const { signal: lost } = this.#lost;
        const begun = consumer = broker.consume(queue, others, (message) => {
          const back = Promise.withResolvers<Disposition>();
          onAbort(lost, () => back.resolve({ kind: "requeue" }));
          return Promise.race([handler({ ...message, lost }), back.promise]);
        });
        onAbort(lost, () => void begun.cancel());
      });
      return {
        cancel: async () => await consumer?.cancel(),
        settled: async () => await consumer?.settled(),
      };
    };
    return {
      ...{ publish, consume, declare: broker.declare.bind(broker) },
      leads: () => this.#isLeading,
    };
  }

  /** What a program that was killed does never happens, and what it waits for never comes. */
  #unlessKilled<T>(work: () => Promise<T>): Promise<T> {
    return this.#killed.signal.aborted ? new Promise<T>(() => {}) : work();
  }
}
