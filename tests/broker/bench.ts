/**
 * What tests of brokers use: a broker with queues of its own, and a handler that keeps
 * messages until the test has decided about them.
 *
 * @module
 */

import {
  type Broker,
  type BrokerMessage,
  type ConsumeOptions,
  delayQueue,
  type Disposition,
} from "../../src/broker/mod.ts";
import { until } from "../support/until.ts";

/** An adapter to be tested. */
export interface Adapter {
  /** Its name, as tests are called after it. */
  readonly name: string;
  /** Whether what is put back comes behind all that waits; else it comes to its place. */
  readonly putsBackAtEnd: boolean;
  /** Opens a broker; queues of tests have unique names, so it may be shared. */
  open(): Broker;
  /** Removes a test's queues and exchanges; called before the broker is closed. */
  remove(queues: readonly string[], exchanges: readonly string[]): Promise<void>;
  /** Makes a test's queues of the type that they have to be of, where the broker would not. */
  prepare(queues: readonly string[]): Promise<void>;
}

/** A broker and two declared queues, for one test. */
export interface Bench extends AsyncDisposable {
  readonly adapter: Adapter;
  readonly broker: Broker;
  readonly queue: string;
  readonly parkingQueue: string;
  /** Names one more queue, to be removed in the end as well. */
  extra(name: string): string;
  /** A delay longer than any test, that no other test has; its queue is removed in the end. */
  longDelayMs(): number;
}

/** Registers a test of the contract. */
export type Register = (
  name: string,
  run: (bench: Bench, options: ConsumeOptions) => Promise<void>,
) => void;

/** Messages that a handler keeps without an answer, until the test gives one. */
export class Held {
  readonly messages: BrokerMessage[] = [];
  readonly #answers: ((disposition: Disposition) => void)[] = [];

  /** The handler. */
  readonly handler = (message: BrokerMessage): Promise<Disposition> => {
    this.messages.push(message);
    return new Promise((resolve) => this.#answers.push(resolve));
  };

  /** The texts of the messages, in the order in which they came. */
  get texts(): string[] {
    return this.messages.map(text);
  }

  /** Answers a message: 0 is the one that came first. */
  answer(index: number, disposition: Disposition): void {
    this.#answers[index]?.(disposition);
  }

  /** Waits until so many have come. */
  async count(wanted: number): Promise<void> {
    await until(`${wanted} messages`, () => this.messages.length >= wanted);
  }
}

/** Ends a message. */
export const DONE: Disposition = { kind: "done" };

/** Opens a broker with a queue of its own and waits until it can be used. */
export async function bench(adapter: Adapter, open = adapter.open): Promise<Bench> {
  const queue = `test.${crypto.randomUUID()}`;
  const parkingQueue = `${queue}.parked`;
  const queues = [queue, parkingQueue];
  const exchanges: string[] = [];
  await adapter.prepare(queues);
  const broker = open();
  broker.declare(queue);
  broker.declare(parkingQueue);
  await until("the broker to be open", () => broker.status().state === "open");
  for (const each of [queue, parkingQueue]) {
    await until(each, async () => await broker.depth(each) !== undefined);
  }
  return {
    adapter,
    broker,
    queue,
    parkingQueue,
    extra(name) {
      queues.push(`${queue}.${name}`);
      return `${queue}.${name}`;
    },
    longDelayMs() {
      const delayMs = 3_600_000 + crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000_000;
      queues.push(delayQueue(delayMs));
      exchanges.push(delayQueue(delayMs));
      return delayMs;
    },
    [Symbol.asyncDispose]: async () => {
      await adapter.remove(queues, exchanges);
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** Bytes of a text. */
export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** The text of a message's bytes. */
export function text({ body }: BrokerMessage): string {
  return new TextDecoder().decode(body);
}
