// Outbound: what Turn asks us to send becomes a vumi message on the queue, in answer to what the
// user wrote, if that is known.

import { CacheError, type Remembered } from "../cache/mod.ts";
import type { Acceptance, OutboundRequest, Sender } from "../turn/mod.ts";
import {
  createMessage,
  createReply,
  type Message,
  PublishError,
  unixMilliseconds,
} from "../vumi/mod.ts";
import { DELIVERED_TTL_MS } from "./delivery_records.ts";
import { Idempotency } from "./idempotency.ts";
import { log } from "./log.ts";
import type { BridgeOptions } from "./options.ts";
import { Outcomes } from "./outcomes.ts";

/** What became of a request, and the message that it became, unless it was repeated or refused. */
interface Published {
  readonly acceptance: Acceptance;
  readonly message?: Message;
}

export class OutboundFlow {
  readonly #options: BridgeOptions;
  readonly #outcomes: Outcomes;
  readonly #idempotency: Idempotency | undefined;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#outcomes = new Outcomes({ ...options, flow: "outbound", now: Date.now });
    this.#idempotency = options.dedupeWindowMs > 0 ? new Idempotency(options) : undefined;
  }

  /** Publishes what is asked for. It is accepted only when the broker has confirmed it. */
  readonly accept = async (request: OutboundRequest, sender: Sender): Promise<Acceptance> => {
    const { metrics } = this.#options;
    const begunAt = performance.now();
    let published: Published | undefined;
    metrics.requestBegun();
    try {
      published = await this.#publish(request, sender).catch(toUnavailable);
      this.#report(request, published, Math.round(performance.now() - begunAt));
      return published.acceptance;
    } finally {
      const seconds = (performance.now() - begunAt) / 1000;
      metrics.requestEnded(published?.message === undefined ? undefined : seconds);
    }
  };

  async #publish(request: OutboundRequest, sender: Sender): Promise<Published> {
    const { cache, connector } = this.#options;
    using idempotent = await this.#idempotency?.begin(sender);
    const earlierId = await idempotent?.find();
    if (earlierId !== undefined) return { acceptance: { kind: "accepted", id: earlierId } };

    const { to, replyTo } = request;
    const inbound = await (replyTo === null ? cache.getLastInbound(to) : cache.getInbound(replyTo));
    if (inbound === undefined && replyTo !== null) {
      log.warning("Answered 404, nothing sent: reply_to {replyTo} is not remembered", { replyTo });
      return { acceptance: { kind: "unknown_reply_to" } };
    }
    if (inbound !== undefined && inbound.from_addr !== to) {
      log.warning("Turn's `to` is not the user who wrote {replyTo}, sent to the one who did", {
        replyTo,
      });
    }
    const message = this.#compose(request, inbound);
    const id = message.message_id;
    // Before publishing: its first event may be quicker than the broker's confirm.
    await cache.putOutbound(message, [{ flow: "outbound", result: "in" }]);
    if (sender.isLate()) {
      // Turn has heard that it has to send this again, and would have it sent twice.
      this.#outcomes.audit(["unavailable"]);
      const reason = "Turn gave up before the message was in the cache";
      return { acceptance: { kind: "unavailable", reason } };
    }
    try {
      await connector.publish(message, sender.trace);
    } catch (error) {
      this.#outcomes.audit(["unavailable"]);
      throw error;
    }
    const note = { id, value: `${Date.now()}`, ttlMs: DELIVERED_TTL_MS };
    this.#outcomes.audit(["accepted"], { kind: "confirmed", ...note });
    await idempotent?.accepted(id);
    return { acceptance: { kind: "accepted", id }, message };
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

  #report(
    { to, replyTo, text }: OutboundRequest,
    { acceptance, message }: Published,
    durationMs: number,
  ): void {
    const { metrics } = this.#options;
    const { kind } = acceptance;
    // What Turn has to send again has not ended.
    if (kind === "unavailable") return metrics.count("outbound", kind);
    const isRepeated = kind === "accepted" && message === undefined;
    this.#outcomes.report(isRepeated ? "repeated" : kind, {
      messageId: kind === "accepted" ? acceptance.id : null,
      inReplyTo: message?.in_reply_to ?? replyTo,
      user: message?.to_addr ?? to,
      transport: message?.transport_name,
      content: text,
      attempts: 1,
      durationMs,
    });
    if (message === undefined) return;
    metrics.transports.sent(message.transport_name, unixMilliseconds(message.timestamp));
  }
}

/** What can be foreseen to fail is answered, all else is a bug. */
function toUnavailable(error: unknown): Published {
  if (!(error instanceof PublishError || error instanceof CacheError)) throw error;
  return { acceptance: { kind: "unavailable", reason: error.message } };
}
