/**
 * Moves bytes reliably: ports to publish ({@linkcode Publisher}), consume ({@linkcode Subscriber}) and
 * look into queues ({@linkcode Browser}), and {@linkcode Broker}, which has all of them. Nothing here
 * knows what the bytes mean.
 *
 * A consumer's handler answers with a {@linkcode Disposition}, and only this room turns that into
 * acks, nacks and publishes. The adapters are `rabbitmq/` and `memory/` (one process); what both must
 * do is written down in tests/broker/contract.ts.
 *
 * @module
 */

import type { Headers } from "./headers.ts";

export { type Headers, type Parking, readParking, RETRY_HEADERS, withoutPast } from "./headers.ts";

/** Publishes to durable queues. */
export interface Publisher {
  /** Sees to it that a durable queue exists whenever there is a connection. Idempotent. */
  declare(queue: string, options?: DeclareOptions): void;

  /**
   * Publishes a persistent message to a declared queue. Resolves when the broker has confirmed it in
   * the queue. Messages published one after the other keep their order.
   *
   * @param headers AMQP headers; none by default.
   * @throws {PublishError} If it is not confirmed. A broker that is away for a moment only is waited
   * for, up to 4 seconds.
   */
  publish(queue: string, body: Uint8Array, headers?: Headers): Promise<void>;
}

/** How a queue is declared. */
export interface DeclareOptions {
  /** Whether no other program declares it, so that it may be of the type of our own ones. */
  readonly isOwn?: boolean;
}

/** Consumes queues. Of all programs that do so with the same {@linkcode LeadOptions}, one leads. */
export interface Subscriber {
  /**
   * Declares `queue` and its parking queue and hands each message to `handler`, in the order of the
   * queue and without waiting for earlier ones to be answered, up to `prefetch`.
   */
  consume(queue: string, options: ConsumeOptions, handler: Handler): Consumer;

  /** Whether this program leads, by the queue's name. False if it never asked to. */
  leads(queue: string): boolean;
}

/** Looks into queues that may be in use, for operators. */
export interface Browser {
  /**
   * Looks through the messages that wait in `queue` when it begins, from the front, one after the other.
   * What is kept stays in its place, and is marked as redelivered. If `decide` throws, or something
   * fails, what was not moved or dropped stays. A queue that is not there is an empty one.
   *
   * @throws {PublishError} If a message can't be moved, the broker is away, or the server refuses, as
   * for a missing right. After `unconfirmed` one message may be in both queues.
   */
  browse(queue: string, decide: Decide): Promise<void>;

  /**
   * How many messages wait in `queue`, without those in work; undefined if there is no such queue.
   *
   * @throws {PublishError} If the broker is away, or the server refuses to tell.
   */
  depth(queue: string): Promise<number | undefined>;
}

/**
 * A message broker with durable queues. It connects by itself, for ever, and restores what was
 * declared and consumed, so that no method needs a connection first.
 */
export interface Broker extends Publisher, Subscriber, Browser, AsyncDisposable {
  /** Resolves when messages can be published; never, if it is closed before. */
  connected(): Promise<void>;

  /** For health checks. */
  status(): BrokerStatus;
}

/** A message as it was consumed, to be answered with a {@linkcode Disposition}. */
export interface BrokerMessage extends QueuedMessage {
  /** Whether the broker has handed it out before, so that work on it may have been done already. */
  readonly redelivered: boolean;
  /** How often it was returned to its queue, as quorum queues count, which drop it in the end; else 0. */
  readonly returns: number;
  /**
   * Fires when the message can't be answered any more, because the channel it came on is gone. The
   * broker will deliver it again: work not yet begun is best left to that.
   */
  readonly lost: AbortSignal;
}

/** A message in a queue. */
export interface QueuedMessage {
  /** The payload, unchanged. */
  readonly body: Uint8Array;
  /** AMQP headers; empty when it has none. */
  readonly headers: Readonly<Record<string, unknown>>;
}

/** What becomes of a consumed message. */
export type Disposition =
  /** It is finished: ack. */
  | { readonly kind: "done" }
  /** We are stopping and did not finish: back to its place in the queue. Only for that. */
  | { readonly kind: "requeue" }
  /**
   * It is to come again after `delayMs`: a copy is confirmed into the queue {@linkcode delayQueue}, body
   * and properties unchanged, `headers` beside or over its own, and then it is acked. When the time is
   * up the copy stands at the end of its queue. Those with the same delay keep the order in which their
   * handlers have decided.
   */
  | { readonly kind: "later"; readonly delayMs: number; readonly headers: Headers }
  /** It has been in hand for too long, or was returned too often: as `later`, without the delay. */
  | { readonly kind: "again"; readonly headers: Headers }
  /**
   * Nobody but a person can help: a copy is confirmed into the parking queue, likewise, with `reason`
   * (and Turn's HTTP `status`, if there was one) in headers, and then it is acked.
   */
  | {
    readonly kind: "park";
    readonly reason: string;
    readonly status?: number;
    readonly headers?: Headers;
  };

/** Decides about one message. A handler that throws has a bug: it is logged, the message parked. */
export type Handler = (message: BrokerMessage) => Promise<Disposition>;

/** How {@linkcode Subscriber.consume} consumes. */
export interface ConsumeOptions extends DeclareOptions {
  /** Most messages handed out and not yet answered, 1 to 65535. */
  readonly prefetch: number;
  /** The durable queue for messages with the disposition `park`. */
  readonly parkingQueue: string;
  /** Consumes only while this program is the one that leads; always, unless given. */
  readonly lead?: LeadOptions;
  /**
   * Called for each message that is parked and whose handler has not said so: it has a bug; or the
   * message was never handed to it, or its own queue takes no copy. `isNew` but in the last case.
   */
  readonly onParked?: (isNew: boolean) => void;
}

/** Of all programs that name the same queue, one leads, and the others stand by to take over. */
export interface LeadOptions {
  /** Whose queues are consumed, as the log names it. */
  readonly connector: string;
  /** A small queue that shows who leads; it is declared, and nothing else may be in it. */
  readonly queue: string;
  /** Is called when this program begins to lead, before it is handed a message. */
  readonly onLead: (handover: Handover) => void;
}

/** A text that whoever leads leaves for whoever leads next, be it this program after its end. */
export interface Handover {
  /** What was left last before; "" if nothing ever was. */
  readonly left: string;
  /**
   * Leaves `text` in place of that. Resolves when it is safe with the broker, with true; with false when
   * that fails, which is a fault of the queue's, and when this program no longer leads.
   */
  leave(text: string): Promise<boolean>;
}

/** A running consumer. */
export interface Consumer {
  /**
   * Hands out no more messages; cancelling twice is fine. What comes until all that was handed out is
   * answered may be kept from others so long, and goes back to its place then.
   */
  cancel(): Promise<void>;
  /**
   * Resolves when each message handed out so far has been answered, parked ones confirmed, or can't
   * be any more. To close the broker sooner makes it deliver the others again.
   */
  settled(): Promise<void>;
}

/**
 * The name of the queue in which messages of all channels wait for `delayMs` milliseconds, and of the
 * exchange before it. The delay is in it, as it is an argument of the queue, which can't be changed.
 */
export function delayQueue(delayMs: number): string {
  return `turn-channels.delay.${delayMs % 1000 === 0 ? `${delayMs / 1000}s` : `${delayMs}ms`}`;
}

/** What becomes of a message that was looked at: kept, deleted, or moved. */
export type Decision =
  | "keep"
  | "drop"
  /** Confirmed into another queue, with these headers in place of its own, and then deleted here. */
  | { readonly moveTo: string; readonly headers: Readonly<Record<string, unknown>> };

/** Decides about a message that waits; see {@linkcode Browser.browse}. */
export type Decide = (message: QueuedMessage) => Decision | Promise<Decision>;

/** How a broker is, for health checks. */
export interface BrokerStatus {
  /** `open` when messages can be published and consumed; `blocked` when only consumed. */
  readonly state: "open" | "blocked" | "connecting" | "closed";
  /** Whether messages can be published. */
  readonly publishing: boolean;
  /** Whether messages are consumed; what of single queues can't be is in `faults`. */
  readonly consuming: boolean;
  /** What can't be done with which queue, by the queue's name; all else goes on. */
  readonly faults: ReadonlyMap<string, string>;
  /** Why there is no connection, as far as it is known; in words for an operator. */
  readonly reason?: string | undefined;
}

/** Why a publish failed; see {@linkcode PublishError}. */
export type PublishFault =
  /** No connection, or the server has blocked publishing: nothing was sent. */
  | "unavailable"
  /** The server refused it (nack), or no queue took it (returned): nothing was kept. */
  | "refused"
  /** The connection died, or closing began, before the confirm: it may or may not be in the queue. */
  | "unconfirmed";

/** A publish did not end with the message confirmed in a queue. It may work later. */
export class PublishError extends Error {
  /** The name of the class. */
  override readonly name = "PublishError";
  /** What happened, and so whether the message may be in the queue all the same. */
  readonly fault: PublishFault;

  /** `message` names the queue and holds nothing of the payload. */
  constructor(fault: PublishFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}
