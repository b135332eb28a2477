/**
 * Outbound: what Turn asks us to send becomes a vumi message on the queue, in answer to what the
 * user wrote, if that is known.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { CacheError, type MessageCache, type Remembered } from "../cache/mod.ts";
import type { Metrics } from "../telemetry/mod.ts";
import type { Acceptance, OutboundRequest, Sender } from "../turn/mod.ts";
import {
  type Connector,
  createMessage,
  createReply,
  type Message,
  PublishError,
  type TransportType,
  unixMilliseconds,
} from "../vumi/mod.ts";
import { logOutcome } from "./outcome_log.ts";
import { Outcomes } from "./outcomes.ts";
import { DELIVERED_TTL_MS } from "./delivery_records.ts";
import { Idempotency } from "./idempotency.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** How long Turn is asked to wait when we can't take a message: a broker's restart, roughly. */
const RETRY_AFTER_MS = 5_000;

const LATE = "Turn did not wait until the message was remembered";

/** What an {@linkcode OutboundFlow} is made of. */
export interface OutboundOptions {
  /** Where messages go, and its name. */
  readonly connector: Pick<Connector, "name" | "publish">;
  /** Who wrote last; what was sent. */
  readonly cache: MessageCache;
  /** Counts by result. */
  readonly metrics: Metrics;
  /** From whom, when it is no reply and Turn does not say. */
  readonly defaultFromAddr: string;
  /** On what kind of network, when it is no reply. */
  readonly transportType: TransportType;
  /** See {@linkcode IdempotencyOptions.windowMs}; 0 if equal requests are always different messages. */
  readonly dedupeWindowMs: number;
}

/** What became of a request, if it is not one that was repeated. */
interface Made {
  message?: Message;
}

/** Takes Turn's requests. */
export class OutboundFlow {
  readonly #options: OutboundOptions;
  readonly #ledger: Outcomes;
  readonly #repeats: Idempotency | undefined;

  /** Makes it; no I/O. */
  constructor(options: OutboundOptions) {
    const { cache, dedupeWindowMs: windowMs } = options;
    this.#options = options;
    this.#ledger = new Outcomes(cache, "outbound");
    this.#repeats = windowMs > 0 ? new Idempotency({ cache, windowMs }) : undefined;
  }

  /** Publishes what is asked for. It is accepted only when the broker has confirmed it. */
  async accept(request: OutboundRequest, sender: Sender): Promise<Acceptance> {
    const { metrics } = this.#options;
    const begunAt = performance.now();
    const made: Made = {};
    let confirmedMs: number | undefined;
    metrics.requestBegun();
    try {
      const acceptance = await this.#accept(request, sender, made);
      const durationMs = Math.round(performance.now() - begunAt);
      if (acceptance.kind === "accepted" && made.message !== undefined) confirmedMs = durationMs;
      this.#report(request, acceptance, made.message, durationMs);
      return acceptance;
    } finally {
      metrics.requestEnded(confirmedMs === undefined ? undefined : confirmedMs / 1000);
    }
  }

  async #accept(request: OutboundRequest, sender: Sender, made: Made): Promise<Acceptance> {
    try {
      if (this.#repeats === undefined) return await this.#publish(request, made, sender);
      return await this.#repeats.take(sender, () => this.#publish(request, made, sender));
    } catch (error) {
      if (!(error instanceof PublishError || error instanceof CacheError)) throw error;
      log.warning("Turn has to send a message again: {reason}", { reason: error.message });
      return { kind: "unavailable", reason: error.message, retryAfterMs: RETRY_AFTER_MS };
    }
  }

  /** What Turn has to send again has not ended. */
  #report(
    { to, replyTo, text }: OutboundRequest,
    acceptance: Acceptance,
    message: Message | undefined,
    durationMs: number,
  ): void {
    const { metrics } = this.#options;
    if (acceptance.kind === "unavailable") return metrics.count("outbound", "unavailable");
    const { kind } = acceptance;
    const result = kind === "accepted" && message === undefined ? "repeated" : kind;
    logOutcome(metrics, "outbound", result, {
      messageId: kind === "accepted" ? acceptance.id : null,
      inReplyTo: message?.in_reply_to ?? replyTo,
      user: message?.to_addr ?? to,
      transport: message?.transport_name,
      content: text,
      attempts: 1,
      durationMs,
    });
    if (result !== "accepted" || message === undefined) return;
    metrics.transports.sent(message.transport_name, unixMilliseconds(message.timestamp));
  }

  async #publish(
    request: OutboundRequest,
    made: Made,
    sender: Sender,
  ): Promise<Acceptance> {
    const { cache, connector } = this.#options;
    const inbound = await this.#findInbound(request);
    if (inbound === undefined && request.replyTo !== null) {
      log.warning("Refused a message: its reply_to {replyTo} is not remembered", {
        replyTo: request.replyTo,
      });
      return { kind: "unknown_reply_to" };
    }
    if (inbound !== undefined && inbound.from_addr !== request.to) {
      log.warning("Turn's `to` is not who wrote {replyTo}; sent to who did", {
        replyTo: request.replyTo,
      });
    }
    const message = made.message = this.#compose(request, inbound);
    // Before publishing: its first event may be quicker than the broker's confirm.
    await cache.putOutbound(message, [{ flow: "outbound", result: "in" }]);
    if (sender.isLate()) {
      // Turn has heard that it has to send this again, and would have it sent twice.
      this.#ledger.count("unavailable");
      return { kind: "unavailable", reason: LATE, retryAfterMs: RETRY_AFTER_MS };
    }
    try {
      await connector.publish(message, sender.trace);
    } catch (error) {
      this.#ledger.count("unavailable");
      throw error;
    }
    const id = message.message_id;
    const value = `${Date.now()}`;
    this.#ledger.countWith({ kind: "confirmed", id, value, ttlMs: DELIVERED_TTL_MS }, "accepted");
    return { kind: "accepted", id };
  }

  #findInbound({ replyTo, to }: OutboundRequest): Promise<Remembered | undefined> {
    const { cache } = this.#options;
    return replyTo === null ? cache.getLastInbound(to) : cache.getInbound(replyTo);
  }

  #compose(request: OutboundRequest, inbound: Remembered | undefined): Message {
    const content = request.text;
    const session_event = request.waitingForUserInput ? "resume" : "close";
    if (inbound !== undefined) return createReply(inbound, { content, session_event });
    const { connector, defaultFromAddr, transportType } = this.#options;
    return createMessage({
      to_addr: request.to,
      from_addr: request.from ?? defaultFromAddr,
      // Of no transport yet: vumi2 names the connector, and routers decide.
      transport_name: connector.name,
      transport_type: transportType,
      content,
      session_event,
    });
  }
}
