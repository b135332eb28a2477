/**
 * The life of one channel's bridge: it makes the three flows, starts them, and ends them without
 * losing what is in work.
 *
 * @module
 */

import type { MessageCache } from "../cache/mod.ts";
import type { Metrics, TurnFigures } from "../telemetry/mod.ts";
import type { Accept, TurnClient } from "../turn/mod.ts";
import type { Connector, Event, Message, TransportType } from "../vumi/mod.ts";
import { TurnDelivery } from "./delivery.ts";
import { logOutcome } from "./outcome_log.ts";
import { TurnGate, type TurnStatus } from "./turn_gate.ts";
import { InboundFlow } from "./inbound.ts";
import { Outcomes } from "./outcomes.ts";
import { OutboundFlow } from "./outbound.ts";
import type { RetryOptions } from "./retries.ts";
import { within } from "../async/mod.ts";
import { StatusFlow } from "./statuses.ts";

/** How long abandoned work may take to be answered for at the broker, in milliseconds. */
const SETTLE_MS = 2_000;

/** What a {@linkcode Bridge} is made of. */
export interface BridgeOptions {
  /** vumi's side. */
  readonly connector: Connector;
  /** Turn's side. */
  readonly turn: TurnClient;
  /** Who wrote last; what was sent. */
  readonly cache: MessageCache;
  /** Counts by flow and result. */
  readonly metrics: Metrics;
  /** See {@linkcode OutboundFlow}. */
  readonly defaultFromAddr: string;
  /** See {@linkcode OutboundFlow}. */
  readonly transportType: TransportType;
  /** See {@linkcode InboundFlow}. */
  readonly emptyMessageBody: string | undefined;
  /** See {@linkcode StatusFlow}. */
  readonly failedStatus: "sent" | "failed";
  /** Longest that one call to Turn with a message may take, in milliseconds; read at each call. */
  readonly messageTimeoutMs: number;
  /** Longest that one call to Turn with a status may take, in milliseconds; read at each call. */
  readonly statusTimeoutMs: number;
  /** How often Turn is tried again. */
  readonly retry: RetryOptions;
  /** See {@linkcode InboundFlow}. */
  readonly retryForMs: number;
  /** See {@linkcode InboundFlow}. */
  readonly ussdRetryForMs: number;
  /** See {@linkcode StatusFlow}. */
  readonly compactStatuses: boolean;
  /** See {@linkcode OutboundFlow}. */
  readonly dedupeWindowMs: number;
  /** See {@linkcode TurnGate}. */
  readonly concurrency: number;
  /** Longest that a message stays in hand, in milliseconds; see courier.ts. */
  readonly holdMs?: number | undefined;
}

/** One channel, running. */
export class Bridge {
  readonly #options: BridgeOptions;
  readonly #connector: Connector;
  readonly #gate: TurnGate;
  readonly #couriers: {
    readonly inbound: TurnDelivery<Message>;
    readonly status: TurnDelivery<Event>;
  };
  readonly #outbound: OutboundFlow;
  readonly #inbound: InboundFlow;
  readonly #statuses: StatusFlow;
  readonly #stopping = new AbortController();
  readonly #abandon = new AbortController();

  /** Makes the flows; no I/O. */
  constructor(options: BridgeOptions) {
    const { connector, concurrency } = options;
    this.#options = options;
    this.#connector = connector;
    this.#gate = new TurnGate({
      connector: connector.name,
      concurrency,
      metrics: options.metrics,
    });
    const parts = {
      ...options,
      gate: this.#gate,
      stopping: this.#stopping.signal,
      abandon: this.#abandon.signal,
    };
    const { inbound, status } = this.#couriers = {
      inbound: new TurnDelivery<Message>({ ...parts, flow: "inbound" }),
      status: new TurnDelivery<Event>({ ...parts, flow: "status" }),
    };
    this.#outbound = new OutboundFlow(options);
    this.#inbound = new InboundFlow({
      ...options,
      courier: inbound,
      get timeoutMs() {
        return options.messageTimeoutMs;
      },
    });
    this.#statuses = new StatusFlow({
      ...options,
      courier: status,
      get timeoutMs() {
        return options.statusTimeoutMs;
      },
      compact: options.compactStatuses,
    });
  }

  /** How Turn is. */
  turnStatus(): TurnStatus {
    return this.#gate.status();
  }

  /** How Turn and the calls to it are, for metrics. */
  turnFigures(): TurnFigures {
    return this.#gate.figures();
  }

  /** Whether it speaks for its channel; else another bridge does. */
  get leads(): boolean {
    return this.#connector.leads;
  }

  /** Begins to consume; a broker that is away is waited for, not here. */
  start(): void {
    this.#connector.start({
      inbound: this.#inbound.handle,
      event: this.#statuses.handle,
      onLead: () => this.takeOver(),
      unreadable: (from) => this.#countUnreadable(from === "inbound" ? "inbound" : "status"),
    });
  }

  /**
   * It begins to speak for the channel, and another bridge may have done so before: what is known in
   * memory of messages that wait elsewhere is forgotten, and looked up. To be called before what is
   * consumed is handed out.
   */
  takeOver(): void {
    this.#couriers.inbound.forget();
    this.#couriers.status.forget();
  }

  /** Takes what Turn asks us to send. Still does while draining: nothing else would answer it. */
  readonly accept: Accept = (request, sender) => this.#outbound.accept(request, sender);

  /**
   * Takes nothing new off the queues, finishes the calls to Turn that are under way and puts the
   * rest back. When `deadline` fires, the calls are left too. Resolves when nothing is in work, or
   * the broker does not let us settle it: then it delivers the rest again.
   */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    this.#gate.stop();
    const work = this.#connector.cancel().then(() => this.#connector.settled());
    await within(work, Infinity, deadline);
    this.#abandon.abort();
    await within(work, SETTLE_MS);
  }

  /** It has come and is parked, of which no flow knows. */
  #countUnreadable(flow: "inbound" | "status"): void {
    const { cache, metrics } = this.#options;
    logOutcome(metrics, flow, "unreadable", { messageId: null });
    new Outcomes(cache, flow).count("in", "unreadable");
  }
}
