/**
 * How several programs share the queues of one connector: who is there, who alone may consume a
 * queue, and who moves messages from one queue to others. A part of the port {@linkcode Broker}.
 *
 * @module
 */

import type { Headers, QueuedMessage } from "./mod.ts";

/** Something that is ours, until it is given back or the connection is lost. */
export interface Claim {
  /** Fires when it is ours no longer. */
  readonly lost: AbortSignal;
  /** Gives it back; twice is fine. Resolves when others can have it. */
  release(): Promise<void>;
}

/** A place in a group; see {@linkcode Broker.join}. */
export interface Membership extends Claim {
  /**
   * How many there are, ourselves included. One that has died is counted until the broker knows.
   *
   * @throws {PublishError} If the broker does not tell, or the place is lost.
   */
  count(): Promise<number>;
}

/** A message that is to be moved. */
export interface MovedMessage extends QueuedMessage {
  /** Whether somebody has had it before, so that it may have been moved already. */
  readonly redelivered: boolean;
}

/** How {@linkcode Broker.move} moves. */
export interface MoveOptions {
  /** The durable queues that messages go to; they are declared. */
  readonly targets: readonly string[];
  /** Says to which of them, and which headers it has beside or over its own. Must not throw. */
  readonly route: (message: MovedMessage) => {
    readonly to: string;
    readonly headers?: Headers;
  };
}

/** One {@linkcode Broker.move}. */
export interface Mover {
  /** Moves no more. Resolves when all that was begun has been moved, or can't be any more. */
  stop(): Promise<void>;
}
