// A vumi connector: the three queues of one name, and messages and events instead of bytes. What
// can't be read is parked here, with the reason. Names and topology: vumi2's
// src/vumi2/connectors.py.

import { getLogger, withContext } from "@logtape/logtape";
import type {
  BrokerMessage,
  ConsumeOptions,
  Consumer,
  Disposition,
  Handler,
  Handover,
  Publisher,
  Subscriber,
} from "../broker/mod.ts";
import { readTrace, type Trace, type TracedMessage, type Tracing } from "../telemetry/mod.ts";
import {
  createAck,
  createNack,
  createPending,
  decodeEvent,
  encodeEvent,
  type Event,
} from "./event.ts";
import { decodeMessage, encodeMessage, type Message } from "./message.ts";
import { MalformedPayloadError } from "./payload.ts";

const log = getLogger(["turn-channels", "vumi"]);

/** The exchange that all vumi workers share: direct, durable, routing key = name of the queue. */
export const EXCHANGE = "vumi";

/**
 * Names of a connector's queues: those that every vumi worker has; ours for what Turn has sent and is
 * not shown or sent yet (`held`, and `heldSms`, so that no user of USSD waits behind SMS), for what waits
 * for a person, and the one that shows which of several bridges speaks for the channel (`lead`).
 */
export type ConnectorQueues = Readonly<
  Record<
    | "outbound"
    | "inbound"
    | "event"
    | "held"
    | "heldSms"
    | "inboundParked"
    | "eventParked"
    | "heldParked"
    | "lead",
    string
  >
>;

/** The queues of the connector `name`. */
export function queuesOf(name: string): ConnectorQueues {
  return {
    outbound: `${name}.outbound`,
    inbound: `${name}.inbound`,
    event: `${name}.event`,
    held: `${name}.held`,
    heldSms: `${name}.held.sms`,
    inboundParked: `${name}.inbound.parked`,
    eventParked: `${name}.event.parked`,
    heldParked: `${name}.held.parked`,
    lead: `${name}.lead`,
  };
}

/** Most that is in hand at once for users of USSD: as many as wait for a screen, and more. */
const USSD_HELD = 10_000;

/** What came with a message or event; see {@linkcode BrokerMessage}. */
export type Arrival = Pick<BrokerMessage, "headers" | "redelivered" | "returns" | "lost">;

/** Decides about one message or event. */
export type ConnectorHandler<T> = (value: T, arrival: Arrival) => Promise<Disposition>;

/** The queues of a {@linkcode Connector}, and how it uses them. */
export interface ConnectorOptions {
  /** Begins the names of the queues. */
  readonly name: string;
  /** Where the queues are. */
  readonly broker: Publisher & Subscriber;
  /** Most messages from users in hand at once. */
  readonly inboundPrefetch: number;
  /** Most events in hand at once. */
  readonly eventPrefetch: number;
  /** Most SMS that are held in hand at once; 500 by default. */
  readonly heldSmsPrefetch?: number;
  /** Traces messages, if given. */
  readonly tracing?: Tracing | undefined;
}

/** Handlers of all that comes on a connector's queues. */
export interface ConnectorHandlers {
  /** Decides about a message from a user. */
  readonly inbound: ConnectorHandler<Message>;
  /** Decides about an event. */
  readonly event: ConnectorHandler<Event>;
  /** Decides about what was held, in either queue; see {@linkcode Connector.hold}. */
  readonly held: Handler;
  /** Called when we begin to speak for the channel, before anything is consumed. */
  readonly onLead: (handover: Handover) => void;
  /** Called for what can't be read; it is parked. */
  readonly unreadable: (from: "inbound" | "event") => void;
  /** Called for what is parked otherwise than by a handler's decision; see {@linkcode ConsumeOptions}. */
  readonly parked: (from: "inbound" | "event", isNew: boolean) => void;
}

/** Typed publishing and consuming on a connector's queues. */
export class Connector {
  /** The names of its queues begin with it. */
  readonly name: string;
  readonly #options: ConnectorOptions;
  readonly #queues: ConnectorQueues;
  readonly #consumers: Consumer[] = [];

  /** Nothing is declared or consumed before {@linkcode Connector.start}. */
  constructor(options: ConnectorOptions) {
    this.name = options.name;
    this.#options = options;
    this.#queues = queuesOf(options.name);
  }

  /** Declares the queues and consumes messages from users and events. Once in a life. */
  start(handlers: ConnectorHandlers): void {
    const { name, broker, inboundPrefetch, eventPrefetch, heldSmsPrefetch = 500 } = this.#options;
    const { inbound, inboundParked, event, eventParked, held, heldSms, heldParked } = this.#queues;
    const { outbound, lead: queue } = this.#queues;
    const lead = { connector: name, queue, onLead: handlers.onLead };
    const readMessage = this.#reader({
      queue: inbound,
      decode: decodeMessage,
      name: ({ message_id }) => ({ id: message_id }),
      handle: handlers.inbound,
      onUnreadable: () => handlers.unreadable("inbound"),
    });
    const readEvent = this.#reader({
      queue: event,
      decode: decodeEvent,
      name: ({ event_id, user_message_id }) => ({ id: event_id, about: user_message_id }),
      handle: handlers.event,
      onUnreadable: () => handlers.unreadable("event"),
    });
    const forInbound: ConsumeOptions = {
      prefetch: inboundPrefetch,
      parkingQueue: inboundParked,
      lead,
      onParked: (isNew) => handlers.parked("inbound", isNew),
    };
    const forEvents: ConsumeOptions = {
      prefetch: eventPrefetch,
      parkingQueue: eventParked,
      lead,
      onParked: (isNew) => handlers.parked("event", isNew),
    };
    const forHeld = { parkingQueue: heldParked, lead, isOwn: true };
    const takeHeld = this.#named(handlers.held);
    broker.declare(outbound);
    this.#consumers.push(
      broker.consume(inbound, forInbound, this.#named(readMessage)),
      broker.consume(event, forEvents, this.#named(readEvent)),
      broker.consume(held, { ...forHeld, prefetch: USSD_HELD }, takeHeld),
      broker.consume(heldSms, { ...forHeld, prefetch: heldSmsPrefetch }, takeHeld),
    );
  }

  /**
   * Publishes a message to a user. Resolves when it is confirmed in the queue.
   * @param trace What it is a part of; passed on.
   * @throws {PublishError} See {@linkcode Publisher.publish}.
   */
  publish(message: Message, trace?: Trace): Promise<void> {
    const { broker, tracing } = this.#options;
    const { outbound: queue } = this.#queues;
    const body = encodeMessage(message);
    const publish = (headers?: Readonly<Record<string, string>>) =>
      broker.publish(queue, body, headers);
    if (tracing === undefined) return publish(trace && { ...trace });
    return tracing.publish({ exchange: EXCHANGE, queue, id: message.message_id }, trace, publish);
  }

  /** The trace that what is being done belongs to, for what is published later; `trace` came from outside. */
  within(trace: Trace | undefined): Trace | undefined {
    const { tracing } = this.#options;
    return tracing === undefined ? trace : tracing.within(trace);
  }

  /**
   * Keeps what is to be sent to a user for whoever speaks for the channel. Resolves when it is confirmed
   * in the queue.
   * @throws {PublishError} See {@linkcode Publisher.publish}.
   */
  hold(body: Uint8Array, trace?: Trace): Promise<void> {
    return this.#hold(this.#queues.held, body, trace);
  }

  /** The same of an SMS. */
  holdSms(body: Uint8Array, trace?: Trace): Promise<void> {
    return this.#hold(this.#queues.heldSms, body, trace);
  }

  #hold(queue: string, body: Uint8Array, trace: Trace | undefined): Promise<void> {
    const { broker } = this.#options;
    broker.declare(queue, { isOwn: true });
    return broker.publish(queue, body, trace && { ...trace });
  }

  /**
   * Has the message with this id told of as failed: by an event of ours among the transport's.
   * @throws {PublishError} See {@linkcode Publisher.publish}.
   */
  reportFailed(messageId: string, reason: string): Promise<void> {
    return this.#report(createNack(messageId, reason), this.#queues.event);
  }

  /** The same as sent. */
  reportSent(messageId: string): Promise<void> {
    return this.#report(createAck(messageId), this.#queues.event);
  }

  /** The same as not known of yet, and not waited for. */
  reportPending(messageId: string): Promise<void> {
    return this.#report(createPending(messageId), this.#queues.event);
  }

  /** Hands an event about another connector's message on to that. */
  forward(event: Event, connector: string): Promise<void> {
    const { event: queue } = queuesOf(connector);
    this.#options.broker.declare(queue);
    return this.#report(event, queue);
  }

  #report(event: Event, queue: string): Promise<void> {
    return this.#options.broker.publish(queue, encodeEvent(event));
  }

  /** Most events in hand at once. */
  get eventPrefetch(): number {
    return this.#options.eventPrefetch;
  }

  /** Whether we speak for the channel: of several bridges one consumes its queues. */
  get leads(): boolean {
    return this.#options.broker.leads(this.#queues.lead);
  }

  /** Takes nothing new; what was handed out can still be answered. */
  async cancel(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.cancel()));
  }

  /** Resolves when all that was handed out is answered; see {@linkcode Consumer.settled}. */
  async settled(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.settled()));
  }

  /** The handler, all of whose log lines name the channel. */
  #named(handle: Handler): Handler {
    const context = { connector: this.#options.name };
    return (message) => withContext(context, () => handle(message));
  }

  /** Hands what can be read to a handler, within a span if we are traced, and parks the rest. */
  #reader<T>({ queue, decode, name, handle, onUnreadable }: ReaderOptions<T>): Handler {
    const { tracing } = this.#options;
    return (message) => {
      let value: T;
      try {
        value = decode(message.body);
      } catch (error) {
        if (!(error instanceof MalformedPayloadError)) throw error;
        const reason = error.message;
        onUnreadable();
        log.error("Parked a message of {queue}: {reason}", { queue, reason });
        return Promise.resolve({ kind: "park", reason });
      }
      if (tracing === undefined) return handle(value, message);
      return tracing.process(
        { exchange: EXCHANGE, queue, ...name(value) },
        readTrace((header) => message.headers[header]),
        () => handle(value, message),
      );
    };
  }
}

interface ReaderOptions<T> {
  readonly queue: string;
  readonly decode: (body: Uint8Array) => T;
  /** What spans call it. */
  readonly name: (value: T) => Pick<TracedMessage, "id" | "about">;
  readonly handle: ConnectorHandler<T>;
  readonly onUnreadable: () => void;
}
