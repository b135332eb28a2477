/**
 * One queue of the broker in one process: messages in the order of their places, which they keep
 * when they are put back, and those who consume them.
 *
 * @module
 */

import type { ConsumeOptions, Handler, QueuedMessage } from "../mod.ts";

/** A message in a queue. */
export interface Entry extends QueuedMessage {
  /** Its place among the messages of all queues. */
  readonly place: number;
  /** Whether it has been taken before. */
  redelivered: boolean;
  /** The queue to which it goes back when its time in a delay queue is up; undefined elsewhere. */
  readonly comesFrom: string | undefined;
  /** Whether its time in a delay queue is up. */
  due: boolean;
}

/** A consumer. */
export interface Subscription extends ConsumeOptions {
  /** Decides about each message. */
  readonly handler: Handler;
  /** What is handed out and not answered. */
  readonly work: Set<Promise<void>>;
}

/** A queue. */
export class MemoryQueue {
  /** Those that nobody has taken, the next one first. */
  readonly waiting: Entry[] = [];
  /** The one whose turn it is comes first. */
  readonly subscriptions: Subscription[] = [];
  /** Takes the next message and says for whom; undefined if there is none, or nobody free. */
  next(): [Subscription, Entry] | undefined {
    const index = this.subscriptions.findIndex(({ work, prefetch }) => work.size < prefetch);
    if (index < 0) return undefined;
    const entry = this.waiting.shift();
    const [subscription] = entry ? this.subscriptions.splice(index, 1) : [];
    if (!subscription || !entry) return undefined;
    this.subscriptions.push(subscription);
    return [subscription, entry];
  }

  /** Puts a message that was taken back to its place. */
  putBack(entry: Entry): void {
    entry.redelivered = true;
    const index = this.waiting.findIndex(({ place }) => place > entry.place);
    this.waiting.splice(index < 0 ? this.waiting.length : index, 0, entry);
  }

  /** Takes those whose time is up. */
  takeDue(): Entry[] {
    const due = this.waiting.filter((entry) => entry.due);
    for (const entry of due) this.waiting.splice(this.waiting.indexOf(entry), 1);
    return due;
  }
}
