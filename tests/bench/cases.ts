/**
 * What is measured of each subject: the flows, one at a time.
 *
 * @module
 */

import type { TurnAsked, TurnNote } from "./fake_turn.ts";
import type { Helper } from "./helper.ts";
import type { LoadAnswer, LoadAsked } from "./load.ts";
import { percentiles } from "./numbers.ts";
import { addressOf, eventAbout, messageFrom } from "./people.ts";
import type { Queues } from "./queues.ts";
import type { Fleet } from "./fleet.ts";
import { withIdleCores } from "./machine.ts";

/** The secret that requests are signed with. */
export const SECRET = "hmac-secret-of-the-benchmark";

/** How much is measured. */
export interface Sizes {
  /** Messages of a backlog, and requests at 32 and 200 connections. */
  readonly messages: number;
  /** Requests at one connection. */
  readonly single: number;
  /** Messages published at a pace. */
  readonly paced: number;
  /** Users that they are from and for. */
  readonly users: number;
}

/**
 * What a case came to: of `rate` in messages a second, `cpu` in microseconds on a processor for each
 * message, `idle` the cores that had nothing to do, `p50` and `p99` in milliseconds those that it
 * measures.
 */
export type Measured = Readonly<Record<string, number>>;

/** With what is measured. */
export interface Tools {
  /** Plays Turn. */
  readonly turn: Helper<TurnAsked>;
  /** Makes Turn's requests. */
  readonly load: Helper<LoadAsked>;
  /** RabbitMQ. */
  readonly queues: Queues;
  /** How much. */
  readonly sizes: Sizes;
}

/** Messages a second that are published at a pace: far less than any subject can take. */
const PACE = 250;

/** How long a case may take, and for each message; tens of times what they do. */
const LEAST_LIMIT_MS = 20_000;
const LIMIT_MS = 10;

/** One subject's cases. What was sent is remembered, for events about it. */
export class Cases {
  readonly #tools: Tools;
  readonly #running: Fleet;
  #sent: string[] = [];

  /** Measures what runs. */
  constructor(tools: Tools, running: Fleet) {
    this.#tools = tools;
    this.#running = running;
  }

  /** Turn's requests over so many connections. */
  async outbound(connections: number): Promise<Measured> {
    const { load, queues, sizes } = this.#tools;
    const requests = connections === 1 ? sizes.single : sizes.messages;
    const { ports, connector } = this.#running;
    const { seconds, ids, p50, p99, cpu, idle } = await this.#withCpu(
      requests,
      () =>
        load.ask<LoadAnswer>({ ports, connections, requests, users: sizes.users, secret: SECRET }),
    );
    this.#sent = [...this.#sent, ...ids].slice(-2 * sizes.messages);
    await queues.purge(`${connector}.outbound`);
    return { rate: requests / seconds, p50, p99, cpu, idle };
  }

  /** The same, while the operator acks each message, until Turn is told of all of them. */
  async acked(connections: number): Promise<Measured> {
    const { load, queues, sizes, turn } = this.#tools;
    const { messages: requests, users } = sizes;
    const { ports, connector } = this.#running;
    await using _operator = await queues.ackAll(connector);
    await turn.ask({ kind: "hold" });
    const told = turn.ask<number>({ kind: "release", calls: requests });
    const asked = { ports, connections, requests, users, secret: SECRET };
    const { seconds, p50, p99, cpu, idle } = await this.#withCpu(requests, async () => {
      const answered = await load.ask<LoadAnswer>(asked);
      await told;
      return answered;
    });
    return { rate: requests / seconds, p50, p99, cpu, idle };
  }

  /** A backlog of users' messages. */
  backlogOfMessages(): Promise<Measured> {
    return this.#backlog("inbound", this.#messages(this.#tools.sizes.messages));
  }

  /** A backlog of events, each about another message. */
  backlogOfEvents(): Promise<Measured> {
    return this.#backlog("event", this.#events(this.#tools.sizes.messages));
  }

  /** Users' messages at a pace: from publishing to Turn's having it. */
  pacedMessages(): Promise<Measured> {
    return this.#paced("inbound", this.#messages(this.#tools.sizes.paced));
  }

  /** The same for events. */
  pacedEvents(): Promise<Measured> {
    return this.#paced("event", this.#events(this.#tools.sizes.paced));
  }

  async #backlog(end: string, { payloads }: Payloads): Promise<Measured> {
    const { turn, queues } = this.#tools;
    await turn.ask({ kind: "hold" });
    await queues.fill(`${this.#running.connector}.${end}`, payloads);
    const calls = payloads.length;
    const { seconds, cpu, idle } = await this.#withCpu(
      calls,
      async () => ({ seconds: await turn.ask<number>({ kind: "release", calls }) }),
    );
    return { rate: calls / seconds, cpu, idle };
  }

  async #paced(end: string, { payloads, ids }: Payloads): Promise<Measured> {
    const { turn, queues } = this.#tools;
    await turn.ask({ kind: "note" });
    const times = await queues.pace(`${this.#running.connector}.${end}`, payloads, PACE);
    const calls = payloads.length;
    const notes = await this.#guard(calls, turn.ask<TurnNote[]>({ kind: "noted", calls }));
    const came = new Map(notes);
    return {
      ...percentiles(ids.map((id, index) => (came.get(id) ?? NaN) - (times[index] ?? NaN))),
    };
  }

  #messages(count: number): Payloads {
    const ids = Array.from({ length: count }, () => crypto.randomUUID().replaceAll("-", ""));
    const { users } = this.#tools.sizes;
    const payloads = ids.map((id, number) => messageFrom(addressOf(number % users), id));
    return { ids, payloads };
  }

  #events(count: number): Payloads {
    const ids = this.#sent.splice(0, count);
    if (ids.length < count) throw new RangeError(`Only ${ids.length} messages were sent before`);
    return { ids, payloads: ids.map(eventAbout) };
  }

  /** Does `work` about `count` messages, and tells what it has cost on the processor. */
  async #withCpu<T>(
    count: number,
    work: () => Promise<T>,
  ): Promise<T & { readonly cpu: number; readonly idle: number }> {
    const before = await this.#running.usage();
    const result = await withIdleCores(() => this.#guard(count, work()));
    const after = await this.#running.usage();
    return { ...result, cpu: (after.cpuSeconds - before.cpuSeconds) * 1e6 / count };
  }

  #guard<T>(count: number, work: Promise<T>): Promise<T> {
    return this.#running.guard(work, LEAST_LIMIT_MS + count * LIMIT_MS);
  }
}

interface Payloads {
  readonly ids: readonly string[];
  readonly payloads: readonly unknown[];
}
