/**
 * What tests of brokers are made of: a broker with queues of its own, and a handler that keeps
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
  /** Opens a broker; queues of tests have unique names, so it may be shared. */
  open(): Broker;
  /** Makes a test's queues of the type that they have to be of, where the broker would not. */
  prepare(queues: readonly string[]): Promise<void>;
  /** Removes a test's queues; called before the broker is closed. */
  remove(queues: readonly string[]): Promise<void>;
}

/** A broker and two declared queues, for one test. */
export interface Bench extends AsyncDisposable {
  readonly broker: Broker;
  readonly queue: string;
  readonly parkingQueue: string;
  /** Names one more queue, to be removed in the end as well. */
  extra(name: string): string;
  /** Has the queue's delay queues removed in the end as well. */
  delayQueues(...delaysMs: number[]): void;
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
  await adapter.prepare(queues);
  const broker = open();
  broker.declare(queue);
  broker.declare(parkingQueue);
  await until("the broker to be open", () => broker.status().state === "open");
  return {
    broker,
    queue,
    parkingQueue,
    extra(name) {
      queues.push(`${queue}.${name}`);
      return `${queue}.${name}`;
    },
    delayQueues(...delaysMs) {
      queues.push(...delaysMs.map((delayMs) => delayQueue(queue, delayMs)));
    },
    [Symbol.asyncDispose]: async () => {
      await adapter.remove(queues);
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
