// Outbound: what Turn asks us to send becomes words on a phone, and those a vumi message on the queue,
// in answer to what the user wrote, if that is known, and can still be answered. What doesn't fit into
// one message follows: a page when the user asks for it (inbound.ts), an SMS when the one before it is
// acked (statuses.ts).

import { CacheError, type KeptRecord, type Note, type Remembered, userKey } from "../cache/mod.ts";
import { type Medium, smsSegments } from "../content/mod.ts";
import type { Acceptance, OutboundRequest, Sender } from "../turn/mod.ts";
import {
  createMessage,
  createReply,
  type Message,
  newId,
  PublishError,
  unixMilliseconds,
} from "../vumi/mod.ts";
import { DELIVERED_TTL_MS } from "./delivery_records.ts";
import { Idempotency } from "./idempotency.ts";
import { log } from "./log.ts";
import type { BridgeOptions } from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import { firstSmsId } from "./part_ids.ts";
import { forget, keepPrompt, readPrompt } from "./prompts.ts";
import { render, type Rendered, type Shown } from "./rendering.ts";
import { recordsAfter, recordsBefore, sessionEventOf } from "./sent_records.ts";
import { tolerateCacheError } from "./tolerate.ts";
import { type OpenRequest, UssdRequests } from "./ussd_requests.ts";

/** What became of a request, and the message that it became, unless it was repeated or refused. */
interface Published {
  readonly acceptance: Acceptance;
  readonly message?: Message;
  /** Whether the message is nothing that a phone can show, so that nothing was sent. */
  readonly isNotShown?: boolean;
}

/** A request that is being worked on. */
interface Work {
  readonly request: OutboundRequest;
  readonly sender: Sender;
  /** Whether it is counted for the audit that it has come. */
  isIn: boolean;
  /** What is to be noted of what it came to. */
  notes: readonly Note[];
  /** What is to be kept or forgotten with them. */
  records: readonly KeptRecord[];
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
    const work: Work = { request, sender, isIn: false, notes: [], records: [], ussd: undefined };
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
    if (inbound?.transport_type !== "ussd") return await this.#show(work, inbound);
    const rendered = this.#render(work, "ussd");
    if (rendered.kind !== "shown") return await this.#leaveOut(work, inbound, rendered);
    const taken = await this.#ussdRequests.take(inbound, sender.body);
    switch (taken.kind) {
      case "open":
        work.ussd = taken.request;
        return await this.#send(work, inbound, rendered);
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
        return await this.#show(work, undefined);
      }
    }
  }

  #render({ request }: Work, medium: Medium): Rendered {
    return render(request, medium, this.#options.content, this.#options.metrics);
  }

  /** Sends it as an answer, or as a new message, if it can be shown. */
  async #show(work: Work, inbound: Remembered | undefined): Promise<Published> {
    const isUssd = inbound === undefined && this.#options.transportType === "ussd";
    const rendered = this.#render(work, isUssd ? "ussd" : "sms");
    return rendered.kind === "shown"
      ? await this.#send(work, inbound, rendered)
      : await this.#leaveOut(work, inbound, rendered);
  }

  /** Sends nothing, as there is nothing that a phone could show. */
  async #leaveOut(
    work: Work,
    inbound: Remembered | undefined,
    rendered: Exclude<Rendered, Shown>,
  ): Promise<Published> {
    if (rendered.kind === "unsendable") return { acceptance: rendered };
    const { cache, connector, failedStatus } = this.#options;
    const message = this.#compose(work.request, inbound, null);
    const id = message.message_id;
    if (failedStatus === "failed") {
      await cache.putOutbound(message, [{ flow: "outbound", result: "in" }]);
      work.isIn = true;
      await connector.reportNotShown(message);
    }
    return { acceptance: { kind: "accepted", id }, isNotShown: true };
  }

  async #send(work: Work, inbound: Remembered | undefined, shown: Shown): Promise<Published> {
    const { cache, connector, metrics } = this.#options;
    const { request, sender, ussd } = work;
    const message = this.#composeShown(request, inbound, shown);
    const id = message.message_id;
    // Before publishing: its first event, or the user's answer, may be quicker than the broker's confirm.
    const records = recordsBefore(request, message, shown, this.#options);
    const isMenu = shown.options.length > 0;
    const asked = isMenu ? await cache.getRecord("prompt", message.to_addr) : undefined;
    const askAgain = (): Promise<void> | false => isMenu && this.#askAgain(message.to_addr, asked);
    await cache.putOutbound(message, [{ flow: "outbound", result: "in" }], records);
    work.isIn = true;
    if (sender.isLate()) {
      await askAgain();
      // Turn has heard that it has to send this again, and would have it sent twice.
      const reason = "Turn gave up before the message was in the cache";
      return { acceptance: { kind: "unavailable", reason } };
    }
    try {
      await connector.publish(message, sender.trace);
    } catch (error) {
      // Of one that is not confirmed nobody knows whether the user sees it.
      if (error instanceof PublishError && error.fault !== "unconfirmed") await askAgain();
      throw error;
    }
    metrics.shown(request.message.type, shown.medium);
    if (shown.medium === "sms") metrics.smsSent(smsSegments(message.content ?? ""));
    work.records = recordsAfter(request, message, shown);
    const confirmed = { id, value: `${Date.now()}`, ttlMs: DELIVERED_TTL_MS };
    work.notes = [{ kind: "confirmed", ...confirmed }, ...(ussd ? [ussd.answeredBy(id)] : [])];
    return { acceptance: { kind: "accepted", id }, message };
  }

  /** Keeps again what the user was asked before, as the user does not see what was to be asked. */
  async #askAgain(user: string, asked: string | undefined): Promise<void> {
    const before = readPrompt(asked);
    const written = this.#options.cache.putRecords([
      before === undefined ? forget("prompt", user) : keepPrompt(user, before, this.#options),
    ]);
    await tolerateCacheError(written, (reason) => {
      log.warning("Could not keep what a user was asked before: {reason}", { reason });
    });
  }

  /** The first of the messages that it becomes. */
  #composeShown(
    request: OutboundRequest,
    inbound: Remembered | undefined,
    { medium, texts }: Shown,
  ): Message {
    const message = this.#compose(request, inbound, texts[0]);
    if (texts.length === 1) return message;
    return medium === "ussd"
      ? { ...message, session_event: "resume" }
      : { ...message, message_id: firstSmsId(newId()) };
  }

  #compose(
    request: OutboundRequest,
    inbound: Remembered | undefined,
    content: string | null,
  ): Message {
    const session_event = sessionEventOf(request);
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
    { request: { to, replyTo, message: asked, content }, isIn, notes, records }: Work,
    { acceptance, message, isNotShown }: Published,
    durationMs: number,
  ): Promise<void> {
    const { metrics } = this.#options;
    const { kind } = acceptance;
    const result = isNotShown
      ? "not_shown"
      : kind === "accepted" && message === undefined
      ? "repeated"
      : kind;
    const audited = { results: isIn ? [result] : ["in", result], notes, records };
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
      content: message?.content ?? (asked.type === "text" ? asked.text.body : content),
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
