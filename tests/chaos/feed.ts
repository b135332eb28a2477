/**
 * Users' messages put on the queue little by little, so that there are always some on their way.
 *
 * @module
 */

import type { Writing } from "./operator.ts";
import { pause } from "./people.ts";
import type { World } from "./world.ts";

const TICK_MS = 50;
/** Longest that progress is waited for; what is wrong then is for the counts to say. */
const MOST_TICKS = 600;

/** One that feeds. */
export class Feed {
  /** Resolves when all messages are on the queue. */
  readonly done: Promise<void>;
  readonly #world: World;
  readonly #messages: readonly Writing[];
  #open = Promise.resolve();
  #opening = (): void => {};
  #posting = Promise.resolve();
  #isEnough = false;

  /** Begins. */
  constructor(world: World, messages: readonly Writing[], perSecond: number) {
    this.#world = world;
    this.#messages = messages;
    this.done = this.#feed(Math.max(1, Math.round(perSecond * TICK_MS / 1000)));
  }

  /** Resolves when this share (0 to 1) of the messages is delivered, or nothing helps. */
  async delivered(share: number): Promise<void> {
    const goal = share * this.#messages.length;
    const { turn } = this.#world;
    for (let n = 0; n < MOST_TICKS && turn.delivered("inbound").length < goal; n++) {
      await pause(TICK_MS);
    }
  }

  /** Puts nothing on the queue till {@linkcode Feed.resume}; nothing is half done when it resolves. */
  async pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#open = promise;
    this.#opening = resolve;
    await this.#posting;
  }

  /** Goes on. */
  resume(): void {
    this.#opening();
  }

  /** Puts no more on the queue, now or when it would have gone on. */
  enough(): void {
    this.#isEnough = true;
    this.resume();
  }

  async #feed(portion: number): Promise<void> {
    for (let from = 0; from < this.#messages.length; from += portion) {
      await this.#open;
      if (this.#isEnough) return;
      const next = pause(TICK_MS);
      this.#posting = this.#world.operator.receive(this.#messages.slice(from, from + portion));
      await this.#posting;
      await next;
    }
  }
}
