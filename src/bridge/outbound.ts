// Outbound: what Turn asks us to send becomes a vumi message on the queue, in answer to what the
// user wrote, if that is known, and can still be answered.

import { CacheError, type Note, type Remembered, userKey } from "../cache/mod.ts";
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
import { type OpenRequest, UssdRequests } from "./ussd_requests.ts";

/** What became of a request, and the message that it became, unless it was repeated or refused. */
interface Published {
  readonly acceptance: Acceptance;
  readonly message?: Message;
}

/** A request that is being worked on. */
interface Work {
  readonly request: OutboundRequest;
  readonly sender: Sender;
  /** Whether it is counted for the audit that it has come. */
  isIn: boolean;
  /** What is to be noted of what it came to. */
  notes: readonly Note[];
  /** The user's USSD message that it answers. */
  ussd: OpenRequest | undefined;
}

const FAILED: Published = { acceptance: { kind: "unavailable", reason: "a bug" } };

export class OutboundFlow {
  readonly #options: BridgeOptions;
  readonly #outcomes: Outcomes;
  readonly #idempotency: Idempotency | undefined;
  readonly #ussdRequests: UssdRequests;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#outcomes = new Outcomes({ ...options, flow: "outbound", now: Date.now });
    this.#idempotency = options.dedupeWindowMs > 0 ? new Idempotency(options) : undefined;
    this.#ussdRequests = new UssdRequests(options);
  }

  /** Publishes what is asked for. It is accepted only when the broker has confirmed it. */
  readonly accept = async (request: OutboundRequest, sender: Sender): Promise<Acceptance> => {
    const { metrics } = this.#options;
    const begunAt = performance.now();
    const work: Work = { request, sender, isIn: false, notes: [], ussd: undefined };
    let published = FAILED;
    metrics.requestBegun();
    try {
      published = await this.#publish(work).catch(toUnavailable);
      return published.acceptance;
    } finally {
      const ms = performance.now() - begunAt;
      metrics.requestEnded(published.message === undefined ? undefined : ms / 1000);
      const reported = this.#report(work, published, Math.round(ms));
      // The next answer to the same message is to find it answered, also at another bridge.
      if (work.ussd !== undefined) await reported;
      await work.ussd?.[Symbol.asyncDispose]();
    }
  };

  async #publish(work: Work): Promise<Published> {
    using idempotent = await this.#idempotency?.begin(work.sender);
    const earlierId = await idempotent?.find();
    if (earlierId !== undefined) return { acceptance: { kind: "accepted", id: earlierId } };
    const published = await this.#publishOnce(work);
    const { acceptance } = published;
    if (acceptance.kind === "accepted") await idempotent?.accepted(acceptance.id);
    return published;
  }

  async #publishOnce(work: Work): Promise<Published> {
    const { cache, transportType } = this.#options;
    const { request: { to, replyTo }, sender } = work;
    const inbound = await (replyTo === null ? cache.getLastInbound(to) : cache.getInbound(replyTo));
    if (inbound === undefined && replyTo !== null) {
      log.warning("Answered 404, nothing sent: reply_to {replyTo} is not remembered", { replyTo });
      return { acceptance: { kind: "unknown_reply_to" } };
    }
    if (inbound?.transport_type !== "ussd") return await this.#send(work, inbound);
    const taken = await this.#ussdRequests.take(inbound, sender.body);
    switch (taken.kind) {
      case "open":
        work.ussd = taken.request;
        return await this.#send(work, inbound);
      case "repeated":
        return { acceptance: { kind: "accepted", id: taken.id } };
      case "busy": {
        const reason = "another answer to the same USSD message is being sent";
        return { acceptance: { kind: "unavailable", reason } };
      }
      case "over": {
        const { reason } = taken;
        if (transportType === "ussd") return { acceptance: { kind: "session_over", reason } };
        const values = { replyTo: inbound.message_id, reason };
        log.info("Sent as a new message, and not in answer to {replyTo}: {reason}", values);
        return await this.#send(work, undefined);
      }
    }
  }

  async #send(work: Work, inbound: Remembered | undefined): Promise<Published> {
    const { cache, connector } = this.#options;
    const { request, sender, ussd } = work;
    const message = this.#compose(request, inbound);
    const id = message.message_id;
    // Before publishing: its first event may be quicker than the broker's confirm.
    await cache.putOutbound(message, [{ flow: "outbound", result: "in" }]);
    work.isIn = true;
    if (sender.isLate()) {
      // Turn has heard that it has to send this again, and would have it sent twice.
      const reason = "Turn gave up before the message was in the cache";
      return { acceptance: { kind: "unavailable", reason } };
    }
    await connector.publish(message, sender.trace);
    const confirmed = { id, value: `${Date.now()}`, ttlMs: DELIVERED_TTL_MS };
    work.notes = [{ kind: "confirmed", ...confirmed }, ...(ussd ? [ussd.answeredBy(id)] : [])];
    return { acceptance: { kind: "accepted", id }, message };
  }

  #compose(request: OutboundRequest, inbound: Remembered | undefined): Message {
    const content = request.text;
    const session_event = request.waitingForUserInput ? "resume" : "close";
    if (inbound !== undefined) {
      if (userKey(inbound.from_addr) !== userKey(request.to)) {
        const values = { replyTo: inbound.message_id };
        log.warning(
          "Turn's `to` is not the user who wrote {replyTo}, sent to the one who did",
          values,
        );
      }
      return createReply(inbound, { content, session_event });
    }
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

  /** Resolves when what is to be noted is. */
  #report(
    { request: { to, replyTo, text }, isIn, notes }: Work,
    { acceptance, message }: Published,
    durationMs: number,
  ): Promise<void> {
    const { metrics } = this.#options;
    const { kind } = acceptance;
    const result = kind === "accepted" && message === undefined ? "repeated" : kind;
    const audited = { results: isIn ? [result] : ["in", result], notes };
    // What Turn has to send again has not ended.
    if (result === "unavailable") return this.#outcomes.count(result, audited);
    if (message !== undefined) {
      metrics.transports.sent(message.transport_name, unixMilliseconds(message.timestamp));
    }
    return this.#outcomes.report(result, {
      messageId: kind === "accepted" ? acceptance.id : null,
      inReplyTo: message?.in_reply_to ?? replyTo,
      user: message?.to_addr ?? to,
      transport: message?.transport_name,
      content: text,
      attempts: 1,
      durationMs,
    }, audited);
  }
}

/** What can be foreseen to fail is answered, all else is a bug. */
function toUnavailable(error: unknown): Published {
  if (!(error instanceof PublishError || error instanceof CacheError)) throw error;
  return { acceptance: { kind: "unavailable", reason: error.message } };
}
