/**
 * A channel as it may come to pass: users write, Turn and the cache come and go, bridges are killed,
 * stopped and taken over, connections are lost. One queue with a prefetch, delay queues, a clock that
 * jumps from event to event, and real deliveries in between.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CrashCounts } from "../../src/bridge/crash_counts.ts";
import { Deliveries } from "../../src/bridge/deliveries.ts";
import { TurnGate } from "../../src/bridge/turn_gate.ts";
import { CacheError, type MessageCache } from "../../src/cache/mod.ts";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";
import type { CallResult } from "../../src/turn/mod.ts";
import type { Disposition } from "../../src/vumi/mod.ts";
import { next, TestClock } from "./clock.ts";
import { type Call, deliver, type TestJob } from "./delivery_support.ts";
import { FlakyCache } from "./support.ts";

/** What happens to the channel. */
export type Happening =
  /** A user writes so many messages; so many calls about each fail by its own fault. */
  | {
    readonly kind: "write";
    readonly user: number;
    readonly times: number;
    readonly fails: number;
  }
  /** Time goes by. */
  | { readonly kind: "pass"; readonly ms: number }
  /** Turn can't be reached, or fails, or works. */
  | { readonly kind: "turn"; readonly is: "unreachable" | "failing" | "limiting" | "up" }
  /** The cache fails or works. */
  | { readonly kind: "cache"; readonly fails: boolean }
  /** The bridge is killed, and started again. Of what it has just answered so much is not acked. */
  | { readonly kind: "kill"; readonly unacked: number }
  /** It is stopped, and started again. */
  | { readonly kind: "stop" }
  /** The connection is lost, and made again. */
  | { readonly kind: "lose"; readonly unacked: number };

/** A message in a queue. */
interface Entry {
  readonly id: string;
  readonly user: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Its place in the queue. */
  readonly place: number;
  redelivered: boolean;
  returns: number;
}

/** A connection, and what came over it. */
interface Session {
  readonly lost: AbortController;
  readonly inHand: Set<Entry>;
  /** Answered; the acks of the last ones may be under way still. */
  readonly answered: Entry[];
}

/** A bridge as long as it lives. */
interface Program {
  readonly deliveries: Deliveries<Call>;
  readonly gate: TurnGate;
  readonly stopping: AbortController;
  isAlive: boolean;
}

const PREFETCH = 4;
const HOLD_MS = 900_000;
const CALL_MS = 20;
/** What a quorum queue drops. */
const MOST_RETURNS = 20;

/** The channel. */
export class Model implements AsyncDisposable {
  readonly clock = new TestClock(0, false);
  readonly cache = new FlakyCache(this.clock.elapsed);
  /** What Turn took, in order, each as often as it took it. */
  readonly taken: string[] = [];
  /** What was written, in each user's order. */
  readonly written = new Map<string, string[]>();
  readonly parked: string[] = [];
  /** What a quorum queue would have dropped. */
  readonly dropped: string[] = [];
  /** How often the bridge or its connection ended. */
  deaths = 0;
  /** How often a message went to the end of its queue. */
  again = 0;
  readonly #fails = new Map<string, number>();
  #waiting: Entry[] = [];
  #delayed = 0;
  #turn: Extract<Happening, { kind: "turn" }>["is"] = "up";
  #places = 0;
  #isTaking = true;
  #program: Program;
  #left = "";
  #session: Session;

  constructor() {
    this.#program = this.#start();
    this.#session = newSession();
  }

  /** Lets it happen. */
  async happen(happening: Happening): Promise<void> {
    switch (happening.kind) {
      case "write":
        for (let n = 0; n < happening.times; n++) {
          this.#write(`${happening.user}`, happening.fails);
        }
        break;
      case "pass":
        await this.clock.advance(happening.ms);
        break;
      case "turn":
        this.#turn = happening.is;
        break;
      case "cache":
        this.#failCache(happening.fails);
        break;
      case "kill":
        this.#kill(happening.unacked);
        break;
      case "stop":
        await this.#stop();
        break;
      case "lose":
        this.#lose(happening.unacked);
        break;
    }
    this.#handOut();
    await next();
  }

  /** Everything works again, until nothing waits any more. */
  async end(): Promise<void> {
    this.#turn = "up";
    this.#failCache(false);
    for (let n = 0; n < 400 && !this.#isEmpty(); n++) await this.clock.advance(5_000);
    assert.ok(this.#isEmpty(), "messages wait without an end");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.stopping.abort();
    this.#program.gate.stop();
    await this.cache[Symbol.asyncDispose]();
  }

  #isEmpty(): boolean {
    return this.#waiting.length + this.#session.inHand.size + this.#delayed === 0;
  }

  #write(user: string, fails: number): void {
    const ids = this.written.get(user) ?? [];
    const id = `${user}-${ids.length}`;
    this.written.set(user, [...ids, id]);
    this.#fails.set(id, fails);
    this.#enqueue({ id, user, headers: {} });
  }

  #enqueue(message: Pick<Entry, "id" | "user" | "headers">): void {
    this.#waiting.push({ ...message, place: this.#places++, redelivered: false, returns: 0 });
    queueMicrotask(() => this.#handOut());
  }

  #failCache(fails: boolean): void {
    for (const method of ["getNote", "putNotes", "deleteNote", "putInbound", "tally"] as const) {
      if (fails) this.cache.failing.add(method);
      else this.cache.failing.delete(method);
    }
  }

  #handOut(): void {
    const session = this.#session;
    while (this.#isTaking && session.inHand.size < PREFETCH) {
      const entry = this.#waiting.shift();
      if (entry === undefined) return;
      session.inHand.add(entry);
      void this.#deliver(entry, session, this.#program);
    }
  }

  async #deliver(entry: Entry, session: Session, program: Program): Promise<void> {
    const { headers, redelivered, returns } = entry;
    const arrival = { headers, redelivered, returns, lost: session.lost.signal };
    const disposition = await deliver(program.deliveries, this.#job(entry, program), arrival);
    if (!program.isAlive || session.lost.signal.aborted) return;
    session.inHand.delete(entry);
    this.#answer(entry, disposition, session);
    this.#handOut();
  }

  #answer(entry: Entry, disposition: Disposition, { answered }: Session): void {
    const { id, user } = entry;
    if (disposition.kind === "requeue") return this.#putBack([entry]);
    answered.push(entry);
    if (disposition.kind === "done") return;
    if (disposition.kind === "park") return void this.parked.push(id);
    const headers = { ...entry.headers, ...disposition.headers };
    const copy = { id, user, headers };
    if (disposition.kind === "again") {
      this.again++;
      return this.#enqueue(copy);
    }
    this.#delayed++;
    this.clock.after(disposition.delayMs, () => {
      this.#delayed--;
      this.#enqueue(copy);
    });
  }

  #putBack(entries: readonly Entry[]): void {
    for (const entry of entries) {
      entry.redelivered = true;
      entry.returns++;
      if (entry.returns > MOST_RETURNS) this.dropped.push(entry.id);
    }
    this.#waiting = [...this.#waiting, ...entries].sort((a, b) => a.place - b.place);
  }

  #job({ id, user }: Entry, program: Program): TestJob {
    return {
      id,
      key: user,
      rank: 0,
      names: { messageId: id },
      retryForMs: Infinity,
      queuedAt: this.clock.now,
      subject: { user },
      isDelivered: async () =>
        await this.#seenBy(program).getNote("delivered_inbound", id) !== undefined,
      prepare: () =>
        this.cache.failing.size > 0
          ? Promise.reject(new CacheError("fails"))
          : Promise.resolve(undefined),
      call: () => this.#call(id, program),
      notes: [{ kind: "delivered_inbound", id, value: "1", ttlMs: 86_400_000_000 }],
    };
  }

  #call(id: string, program: Program): Promise<CallResult> {
    const turn = this.#turn;
    const failed = { kind: "retry", reason: "Turn answered 500", status: 500, afterMs: 0 } as const;
    return new Promise((resolve) => {
      this.clock.after(CALL_MS, () => {
        if (!program.isAlive) return;
        const fails = this.#fails.get(id) ?? 0;
        if (turn === "unreachable") return resolve({ ...failed, fault: "unreachable" });
        if (turn === "failing") return resolve({ ...failed, fault: "turn" });
        if (turn === "limiting") {
          return resolve({ kind: "limited", reason: "429", status: 429, afterMs: 30_000 });
        }
        if (fails > 0) {
          this.#fails.set(id, fails - 1);
          return resolve({ ...failed, fault: "message" });
        }
        this.taken.push(id);
        resolve({ kind: "delivered", status: 200 });
      });
    });
  }

  #start(): Program {
    const stopping = new AbortController();
    const { after, elapsed } = this.clock;
    const times = { after, elapsed, now: elapsed };
    const metrics = new MetricsRegistry().channel("c");
    const gate = new TurnGate({ connector: "c", concurrency: PREFETCH, ...times });
    const program = { gate, stopping, isAlive: true };
    const crashes = new CrashCounts();
    const leave = (text: string) => {
      if (program.isAlive) this.#left = text;
      return Promise.resolve(program.isAlive);
    };
    crashes.takeOver({ left: this.#left, leave });
    const deliveries = new Deliveries<Call>({
      flow: "inbound",
      call: (end) => end(),
      timeoutMs: () => 1_000,
      gate,
      crashes,
      cache: this.#seenBy(program),
      metrics,
      stopping: stopping.signal,
      abandon: new AbortController().signal,
      retry: { maxRetries: 1, delayBase: 2, delayExponent: 1, delaysMs: [5_000] },
      holdMs: HOLD_MS,
      random: () => 0.5,
      ...times,
    });
    return Object.assign(program, { deliveries });
  }

  /** The cache, as long as the program lives. */
  #seenBy(program: Pick<Program, "isAlive">): MessageCache {
    return new Proxy(this.cache, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) =>
          program.isAlive ? Reflect.apply(value, target, args) : new Promise(() => {});
      },
    });
  }

  #kill(unacked: number): void {
    this.#program.isAlive = false;
    this.#program.gate.stop();
    this.#lose(unacked);
    this.#program = this.#start();
  }

  #lose(unacked: number): void {
    this.deaths++;
    const { lost, inHand, answered } = this.#session;
    this.#session = newSession();
    lost.abort();
    const last = unacked === 0 ? [] : answered.slice(-unacked);
    this.#putBack([...inHand, ...last]);
  }

  async #stop(): Promise<void> {
    const { stopping, gate } = this.#program;
    const session = this.#session;
    this.#isTaking = false;
    stopping.abort();
    gate.stop();
    for (let n = 0; n < 10 && session.inHand.size > 0; n++) await this.clock.advance(CALL_MS);
    assert.equal(session.inHand.size, 0, "a stop does not wait");
    this.#program.isAlive = false;
    this.#session = newSession();
    this.#program = this.#start();
    this.#isTaking = true;
  }
}

function newSession(): Session {
  return { lost: new AbortController(), inHand: new Set(), answered: [] };
}
