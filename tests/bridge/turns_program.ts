/**
 * A program of the model's, which may be killed: from then on it does nothing, and nothing that it waits
 * for comes.
 *
 * @module
 */

import type { UssdOptions } from "../../src/bridge/mod.ts";
import { Owners } from "../../src/bridge/mod.ts";
import { Turns } from "../../src/bridge/turns.ts";
import { UssdInbound } from "../../src/bridge/ussd_inbound.ts";
import { sleep } from "../../src/async/mod.ts";
import { CacheError, MessageCache } from "../../src/cache/mod.ts";
import type { Change, DayCount, Key, Store } from "../../src/cache/store.ts";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";
import { Connector, type Message, PublishError } from "../../src/vumi/mod.ts";
import { CONTENT, smsSender } from "./support.ts";
import type { TurnsModel } from "./turns_model.ts";

/** How long things take, in milliseconds. */
const COMMIT_MS = 1;
/** How long a confirm takes. */
export const CONFIRM_MS = 10;
const DAY_MS = 86_400_000;

/** Never comes. */
function never<T>(): Promise<T> {
  return new Promise(() => {});
}

/** What a program has of the world, until it is killed. */
export class Program {
  isAlive = true;
  isLeading = true;
  /** The numbers of Turn's messages in hand. */
  readonly inHand = new Set<number>();
  lost = new AbortController();
  readonly stopping = new AbortController();
  readonly turns: Turns;
  readonly ussd: UssdInbound;
  readonly cache: MessageCache;
  /** What is done about each user's messages, one after the other. */
  readonly #order = new Map<number, Promise<void>>();
  readonly #model: TurnsModel;

  constructor(model: TurnsModel, ussd: UssdOptions) {
    this.#model = model;
    const { clock: { elapsed: now, after: clockAfter } } = model;
    const store: Store = {
      get: (key: Key) => this.#use(() => model.store.get(key)),
      commit: (changes: readonly Change[]) =>
        this.#use(async () => {
          await model.store.commit(changes);
          await this.#wait(COMMIT_MS);
        }),
      counters: (): Promise<readonly DayCount[]> => Promise.resolve([]),
      all: (kind: string) => model.store.all(kind),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    this.cache = new MessageCache({ inboundTtlMs: DAY_MS, outboundTtlMs: DAY_MS, store, now });
    const options = {
      connector: this.#connector(),
      cache: this.cache,
      metrics: new MetricsRegistry().channel("c"),
      stopping: this.stopping.signal,
      owners: new Owners(this.cache),
      content: CONTENT,
      ussd,
      transportType: "ussd",
      defaultFromAddr: "*120#",
      emptyMessageBody: undefined,
      after: (ms: number, run: () => void) => clockAfter(ms, () => this.isAlive && run()),
      now,
      elapsed: now,
    } as const;
    this.turns = new Turns({ ...options, smsSender: smsSender(options) });
    this.ussd = new UssdInbound({ ...options, turns: this.turns });
  }

  /** One of Turn's messages comes. */
  hold(n: number, body: Uint8Array, redelivered: boolean): void {
    const { signal: lost } = this.lost;
    this.inHand.add(n);
    void this.turns.handle({ body, headers: {}, redelivered, returns: 0, lost }).then(
      ({ kind }) => {
        this.inHand.delete(n);
        if (!this.isAlive || lost.aborted) return;
        if (kind === "done") this.#model.held.delete(n);
        else if (kind !== "requeue") this.#model.bugs.push(`${n}: ${kind}`);
      },
      (error) => this.#model.bugs.push(error),
    );
  }

  /** A user's message comes. */
  receive(user: number, message: Message, redelivered: boolean): void {
    const before = this.#order.get(user);
    this.#order.set(
      user,
      (async () => {
        await before;
        await this.#receive(message, redelivered).catch((error) => this.#model.bugs.push(error));
      })(),
    );
  }

  async #receive(message: Message, redelivered: boolean): Promise<void> {
    const { message_id: id } = message;
    const end = AbortSignal.any([this.lost.signal, this.stopping.signal]);
    const { clock, inbound } = this.#model;
    while (!end.aborted) {
      try {
        const isKnown = redelivered && await this.cache.getNote("delivered_inbound", id);
        if (!isKnown) await this.#tell(message, end);
        return void (!end.aborted && inbound.delete(id));
      } catch (error) {
        if (!(error instanceof CacheError || error instanceof PublishError)) throw error;
        await sleep(2_000, end, clock.after);
        if (!this.isAlive) return await never();
      }
    }
  }

  async #tell(message: Message, end: AbortSignal): Promise<void> {
    const { message_id: id } = message;
    await this.ussd.receive(message, this.#model.clock.now, end, (received) => {
      const records = received.kind === "tell" ? received.records : [];
      return this.cache.putInbound(message, [], undefined, records);
    });
    await this.cache.putNotes([
      { kind: "delivered_inbound", id, value: "1", ttlMs: DAY_MS },
    ]);
  }

  #connector(): Connector {
    const model = this.#model;
    const publish = async (message: Message): Promise<void> => {
      if (!this.isAlive) return await never();
      const { brokerFails: fault } = model;
      if (fault === undefined || fault === "unconfirmed") model.published.push(message);
      await this.#wait(CONFIRM_MS);
      if (fault !== undefined) throw new PublishError(fault, "for a test");
    };
    const report = async (id: string): Promise<void> => {
      if (!this.isAlive) return await never();
      if (model.brokerFails !== undefined) throw new PublishError("unavailable", "for a test");
      model.failed.push(Number(id));
      await this.#wait(CONFIRM_MS);
    };
    const broker = MemoryBroker.open();
    const isLeading = () => this.isLeading;
    return new class extends Connector {
      override publish = publish;
      override reportFailed = report;
      override reportSent = () => Promise.resolve();
      override get leads(): boolean {
        return isLeading();
      }
    }({ name: "c", broker, inboundPrefetch: 9, eventPrefetch: 9 });
  }

  /** Does it if the cache works. */
  #use<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isAlive) return never();
    return this.#model.cacheFails ? Promise.reject(new CacheError("for a test")) : work();
  }

  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#model.clock.after(ms, resolve));
    if (!this.isAlive) await never();
  }
}
