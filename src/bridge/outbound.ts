// Outbound: what Turn asks us to send becomes words on a phone, and those a vumi message on the queue,
// in answer to what the user wrote, if that is known. What answers a user of USSD is held, as it becomes
// one screen with what else comes (turns.ts). What doesn't fit into one message follows: a page when the
// user asks for it (inbound.ts), an SMS when the one before it is acked (statuses.ts).

import {
  CacheError,
  type KeptRecord,
  type Note,
  type OrderedRecord,
  type RecordKind,
  type Remembered,
} from "../cache/mod.ts";
import { type Medium, smsSegments } from "../content/mod.ts";
import type { Acceptance, OutboundRequest, Sender } from "../turn/mod.ts";
import { createMessage, type Message, PublishError, unixMilliseconds } from "../vumi/mod.ts";
import { asTransportWrites } from "./address_forms.ts";
import { compose, composeShown } from "./compose.ts";
import { confirmedNote } from "./delivery_records.ts";
import { claimHeld, encodeHeld } from "./held_messages.ts";
import { Idempotency } from "./idempotency.ts";
import { log } from "./log.ts";
import type { BridgeOptions } from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import { forget, keepPrompt, readPrompt } from "./prompts.ts";
import { render, type Rendered, type Shown } from "./rendering.ts";
import { recordsAfter, recordsBefore } from "./sent_records.ts";
import { opened, readSession, whyOver } from "./sessions.ts";
import type { SmsSender } from "./sms_sender.ts";
import { tolerateCacheError } from "./tolerate.ts";

/** What became of a request, and the message that it became, unless it was repeated or refused. */
interface Published {
  readonly acceptance: Acceptance;
  readonly message?: Message;
  /** Whether the message is nothing that a phone can show, so that nothing was sent. */
  readonly isNotShown?: boolean;
  /** Whether it is held, and not sent yet. */
  readonly isHeld?: boolean;
}

/** A request that is being worked on. */
interface Work {
  request: OutboundRequest;
  readonly sender: Sender;
  /** Whether it is counted for the audit that it has come. */
  isIn: boolean;
  /** What is to be noted of what it came to. */
  notes: readonly Note[];
  /** What is to be kept or forgotten with them. */
  records: readonly KeptRecord[];
  /** What is known of the user's SMS that wait. */
  lastHeld?: OrderedRecord | undefined;
}

/** Turn has heard that it has to send it again, and would have it sent twice. */
const GAVE_UP: Published = {
  acceptance: {
    kind: "unavailable",
    reason: "Turn gave up before the message was in the cache",
  },
};

const UNKNOWN = "no message of the user's is remembered";

/** Why a sticker, for example, has failed. */
const NOTHING_TO_SHOW = "nothing that a phone can show";

/** What is kept of a message by its own id. */
const OF_ITSELF: ReadonlySet<RecordKind> = new Set(["unacked", "parts", "shown"] as const);

const FAILED: Published = { acceptance: { kind: "unavailable", reason: "a bug" } };

export class OutboundFlow {
  readonly #options: BridgeOptions;
  readonly #sms: SmsSender;
  readonly #outcomes: Outcomes;
  readonly #idempotency: Idempotency | undefined;

  constructor(options: BridgeOptions, sms: SmsSender) {
    this.#options = options;
    this.#sms = sms;
    this.#outcomes = new Outcomes({ ...options, flow: "outbound", now: Date.now });
    this.#idempotency = options.dedupeWindowMs > 0 ? new Idempotency(options) : undefined;
  }

  /** Publishes what is asked for. It is accepted only when the broker has confirmed it. */
  readonly accept = async (request: OutboundRequest, sender: Sender): Promise<Acceptance> => {
    const { metrics } = this.#options;
    const begunAt = performance.now();
    const work: Work = { request, sender, isIn: false, notes: [], records: [] };
    let published = FAILED;
    metrics.requestBegun();
    try {
      published = await this.#publish(work).catch(toUnavailable);
      return published.acceptance;
    } finally {
      const ms = performance.now() - begunAt;
      metrics.requestEnded(published.message === undefined ? undefined : ms / 1000);
      void this.#report(work, published, Math.round(ms));
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
    const { cache, transportType, ussd } = this.#options;
    const { to, replyTo } = work.request;
    const [inbound, lastHeld] = await Promise.all([
      replyTo === null ? cache.getLastInbound(to) : cache.getInbound(replyTo),
      cache.getOrdered("last_held", to),
    ]);
    work.lastHeld = lastHeld;
    if (inbound === undefined && replyTo !== null) {
      log.warning("Answered 404, nothing sent: reply_to {replyTo} is not remembered", { replyTo });
      return { acceptance: { kind: "unknown_reply_to" } };
    }
    const isUnknown = inbound === undefined && transportType === "ussd" && ussd.late === "sms";
    if (inbound === undefined) {
      work.request = { ...work.request, to: await asTransportWrites(to, this.#options) };
    }
    if (inbound?.transport_type !== "ussd" && !isUnknown) return await this.#show(work, inbound);
    const rendered = this.#render(work, "ussd");
    return rendered.kind === "shown"
      ? await this.#hold(work, inbound)
      : await this.#leaveOut(work, inbound, rendered);
  }

  /** Leaves it to the bridge that speaks for the channel, unless nobody will see it. */
  async #hold(work: Work, inbound: Remembered | undefined): Promise<Published> {
    const { cache, connector, ussd, transportType, metrics } = this.#options;
    const { request, sender } = work;
    const last = inbound ?? createMessage({
      to_addr: this.#options.defaultFromAddr,
      from_addr: request.to,
      transport_name: connector.name,
      transport_type: "ussd",
    });
    const kept = readSession(await cache.getRecord("turn", last.from_addr));
    const session = kept ?? opened(last, Date.now());
    const isKnown = inbound !== undefined || kept !== undefined;
    const claimed = await claimHeld(
      cache,
      isKnown ? session.inbound.message_id : "",
      sender.body,
      ussd,
    );
    const { id } = claimed;
    if (claimed.isHeld || session.shown.includes(id)) {
      return { acceptance: { kind: "accepted", id } };
    }
    const reason = isKnown ? whyOver(session, ussd, Date.now()) : UNKNOWN;
    if (reason !== undefined && ussd.late === "fail" && transportType === "ussd") {
      metrics.late("refused");
      return { acceptance: { kind: "session_over", reason } };
    }
    const composed = compose(request, session.inbound, null, this.#options);
    const message = { ...composed, message_id: id };
    await cache.putOutbound(message, [{ flow: "outbound", result: "in" }]);
    work.isIn = true;
    if (sender.isLate()) return GAVE_UP;
    const held = { id, request, inbound: session.inbound, ...!isKnown && { over: UNKNOWN } };
    await connector.hold(encodeHeld(held), connector.within(sender.trace));
    work.notes = [claimed.held];
    return { acceptance: { kind: "accepted", id }, message, isHeld: true };
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
    const message = compose(work.request, inbound, null, this.#options);
    const id = message.message_id;
    if (failedStatus === "failed") {
      await cache.putOutbound(message, [{ flow: "outbound", result: "in" }]);
      work.isIn = true;
      await connector.reportFailed(id, NOTHING_TO_SHOW);
    }
    return { acceptance: { kind: "accepted", id }, isNotShown: true };
  }

  async #send(work: Work, inbound: Remembered | undefined, shown: Shown): Promise<Published> {
    const { cache, connector, metrics } = this.#options;
    const { request, sender, lastHeld } = work;
    const composed = composeShown(request, inbound, shown, this.#options);
    const id = composed.message_id;
    const isSms = shown.medium === "sms";
    using way = isSms ? await this.#sms.enter(composed, { lastHeld }) : undefined;
    const { message = composed, records: ofSms = [] } = way ?? {};
    // Before publishing: its first event, or the user's answer, may be quicker than the broker's confirm.
    const records = [...recordsBefore(request, message, shown, this.#options), ...ofSms];
    const isMenu = shown.options.length > 0;
    const asked = isMenu ? await cache.getRecord("prompt", message.to_addr) : undefined;
    /** As it was not sent, and nothing waits for it. */
    const undo = async (): Promise<void> => {
      if (isMenu) await this.#askAgain(message.to_addr, asked);
      const forgotten = records.filter(({ kind }) => OF_ITSELF.has(kind))
        .map((record) => ({ ...record, value: undefined }));
      if (forgotten.length === 0) return;
      await tolerateCacheError(cache.putRecords(forgotten), () => {});
    };
    await cache.putOutbound(message, [{ flow: "outbound", result: "in" }], records);
    work.isIn = true;
    if (sender.isLate()) {
      await undo();
      return GAVE_UP;
    }
    try {
      if (way === undefined) await connector.publish(message, sender.trace);
      else await this.#sms.send(way, connector.within(sender.trace));
    } catch (error) {
      // Of one that is not confirmed nobody knows whether the user sees it.
      if (error instanceof PublishError && error.fault !== "unconfirmed") await undo();
      throw error;
    }
    metrics.shown(request.message.type, shown.medium);
    if (isSms) metrics.smsSent(smsSegments(message.content ?? ""));
    work.records = recordsAfter(request, message, shown);
    if (way?.isHeld) return { acceptance: { kind: "accepted", id }, message, isHeld: true };
    work.notes = [confirmedNote(id, Date.now())];
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

  /** Resolves when what is to be noted is. */
  #report(
    { request: { to, replyTo, message: asked, content }, isIn, notes, records }: Work,
    { acceptance, message, isNotShown, isHeld }: Published,
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
    if (message !== undefined && isHeld !== true) {
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
