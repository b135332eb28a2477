// Statuses: what became of a message that we sent is told to Turn, one message's events one after
// the other, never backwards, and not what is out of date before it could be told. Of a message that became
// several Turn is told as of one.

import type { Note, Remembered } from "../cache/mod.ts";
import { smsSegments } from "../content/mod.ts";
import type { Heard } from "../telemetry/mod.ts";
import type { Status } from "../turn/mod.ts";
import {
  type Arrival,
  type Disposition,
  type Event,
  isOurs,
  unixMilliseconds,
  unixSeconds,
} from "../vumi/mod.ts";
import { inForm } from "./address_forms.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Delivery } from "./delivery.ts";
import {
  DELIVERED_TTL_MS,
  type DeliveredRecord,
  eventKey,
  formatToldRecord,
  readToldRecord,
  type Said,
  type ToldRecord,
} from "./delivery_records.ts";
import { findSent } from "./job.ts";
import { log } from "./log.ts";
import { noticeHeard } from "./notices.ts";
import { isOwnId, type PartId, readPartId, smsId } from "./part_ids.ts";
import { hearOfSms, isFailure, isPartTaken, keepSplitSms, readSplitSms } from "./split_sms.ts";
import type { BridgeOptions } from "./options.ts";
import { type Report, reportOf } from "./report_states.ts";
import { findShown, shownWith, tellOfOthers } from "./screen_events.ts";
import { sentIds, smsAbout } from "./event_subject.ts";
import { endWaiting, sendAgain } from "./sms_resends.ts";
import type { SmsSender } from "./sms_sender.ts";
import { throttledBy } from "./throttling.ts";

export type StatusOptions = Pick<
  BridgeOptions,
  | "connector"
  | "cache"
  | "ussd"
  | "owners"
  | "metrics"
  | "retryForMs"
  | "failedStatus"
  | "compactStatuses"
  | "contactIds"
  | "reportStates"
>;

interface Meaning {
  readonly status: Status["status"];
  readonly heard: Heard | undefined;
  /** On its way; failed, as far as is known; the user has it. Turn is never told of less. */
  readonly progress: 1 | 2 | 3;
}

const MEANINGS: Readonly<Record<Said, Meaning>> = {
  ack: { status: "sent", heard: "acked", progress: 1 },
  nack: { status: "failed", heard: "nacked", progress: 2 },
  pending: { status: "sent", heard: undefined, progress: 1 },
  failed: { status: "failed", heard: "failed", progress: 2 },
  delivered: { status: "delivered", heard: "delivered", progress: 3 },
};

/** Above so many, it is forgotten of which messages an event was counted. */
const MOST_HEARD = 1_000;

export class StatusFlow {
  readonly #options: StatusOptions;
  readonly #smsSender: SmsSender;
  readonly #deliveries: Deliveries<Status>;
  /** Ids of messages of which Turn has been told nothing yet, but an event has been counted. */
  readonly #heard = new Set<string>();
  /** Ids of SMS that were sent, as is not kept yet. */
  readonly #sent = new Set<string>();

  constructor(options: StatusOptions, deliveries: Deliveries<Status>, smsSender: SmsSender) {
    this.#options = options;
    this.#smsSender = smsSender;
    this.#deliveries = deliveries;
  }

  /** Tells Turn of an event, when the message's earlier ones are done with. */
  readonly handle = async (event: Event, arrival: Arrival): Promise<Disposition> => {
    const { retryForMs, compactStatuses, reportStates } = this.#options;
    const part = readPartId(event.user_message_id);
    const report = reportOf(event, reportStates);
    const { said } = report;
    // For what is sent again, or what we take for failed, no other event is left out.
    const isRanked = compactStatuses && part === undefined && !isOurs(event) &&
      throttledBy(event) === undefined;
    using delivery = await this.#deliveries.begin({
      id: event.event_id,
      key: part?.of ?? event.user_message_id,
      rank: isRanked && said ? MEANINGS[said].progress : 0,
      names: { messageId: event.user_message_id, eventId: event.event_id },
      retryForMs,
      queuedAt: unixMilliseconds(event.timestamp),
      subject: { sentIds: sentIds(event, part) },
    }, arrival);
    const end = await delivery.run(() => this.#deliver(event, report, part, delivery));
    const isFailed = said !== undefined && MEANINGS[said].status === "failed";
    if (part?.kind === "notice" && end.kind === "done" && !isFailed) {
      await noticeHeard(this.#options, part.of);
    }
    return end;
  };

  async #deliver(
    event: Event,
    report: Report,
    part: PartId | undefined,
    delivery: Delivery<Status>,
  ): Promise<Disposition> {
    const { cache, connector, metrics } = this.#options;
    const message = await findSent(cache, sentIds(event, part)) ??
      await findShown(cache, part?.of ?? event.user_message_id);
    const told = readToldRecord(message && await cache.getNote("told", message.message_id));
    const isTold = told.events.some(({ id }) => id === eventKey(event.event_id));
    delivery.details = {
      turnMessageId: message?.message_id,
      sentMessageId: event.sent_message_id,
      inReplyTo: message?.in_reply_to,
      event: event.event_type,
      reported: report.word,
      user: message?.to_addr,
      transport: message?.transport_name,
    };
    if (delivery.isRepeated && isTold) return await delivery.duplicate();
    const parked = await delivery.begin();
    if (parked !== undefined) return parked;

    if (delivery.isNew) delivery.countIn();
    if (message === undefined) return await this.#leaveToOwner(event, delivery);
    const id = message.message_id;
    delivery.subject = { user: message.to_addr, about: id };
    // A transport that was not sure may have put it on the queue twice.
    if (isTold) return await delivery.skip("duplicate");
    const sms = smsAbout(event, message, part, this.#options);
    // Of one that the operator has, or that has failed for good, it comes too late; so does that we take
    // for failed what has been heard of meanwhile.
    const isOurNack = isOurs(event) && event.event_type === "nack";
    const isPassing = throttledBy(event) !== undefined || isOurNack;
    const isSms = sms !== undefined;
    if (isSms && isOurNack && this.#smsSender.lines.get(sms.id)?.state === "waits") {
      return await delivery.skip("out_of_date");
    }
    if (isSms && isPassing && (told.events.length > 0 || await isPartTaken(cache, part))) {
      return await delivery.skip("out_of_date", [], this.#smsSender.heard(sms));
    }
    if (sms !== undefined && await sendAgain(this.#smsSender, sms)) {
      if (delivery.isNew) metrics.transports.heard(sms.transport, "throttled");
      return await delivery.skip("sent_again");
    }
    // That the part before is not waited for any more.
    const isPending = isOurs(event) && event.event_type === "delivery_report";
    const said = part === undefined ? report.said : await this.#saidOfAll(report.said, part);
    if (isPending) {
      this.#smsSender.pass(event.user_message_id);
      return await delivery.skip("part");
    }
    const forgotten = sms === undefined ? [] : this.#smsSender.heard(sms);
    if (said === undefined && report.said !== undefined) {
      return await delivery.skip("part", [], forgotten);
    }
    const screen = await shownWith(cache, message);
    const isCopy = screen.indexOf(id) > 0;
    if (delivery.isNew && !isCopy && !isOurs(event)) {
      const heard = said === undefined ? "unknown" : MEANINGS[said].heard;
      metrics.transports.heard(message.transport_name, heard);
      if (told.events.length === 0 && this.#isFirst(id)) {
        metrics.transports.heardFirst(message.transport_name, unixMilliseconds(message.timestamp));
      }
    }
    if (said === undefined) return await delivery.skip("unknown", [], forgotten);
    const { progress } = MEANINGS[said];
    if (!isCopy && delivery.attemptsBefore === 0) {
      await tellOfOthers(connector, screen, event, part);
    }
    const isPage = part?.kind === "page";
    if (progress < told.progress && !isPage) {
      return await delivery.skip("out_of_date", [], forgotten);
    }
    // Turn is told of all of them as of one: once of each thing, and of a page that failed, whenever.
    const isKnown = isPage
      ? told.events.some(({ event }) => isFailure(event))
      : progress === told.progress;
    if (part !== undefined && isKnown) return await delivery.skip("part", [], forgotten);
    if (isOurs(event) && isKnown) return await delivery.skip("duplicate", [], forgotten);

    const sent = await delivery.send(this.#status(id, message, event, said));
    if (sent.kind !== "delivered") {
      // What it says is of no use any more, however long it takes until Turn is told.
      if (forgotten.length > 0) await cache.putRecords(forgotten);
      return sent;
    }
    this.#heard.delete(id);
    const note = toldNote(id, told, event, said, sent, report.word);
    return await delivery.delivered(sent, [note], forgotten);
  }

  /** Hands it on to the channel whose message it is about, if that is another one. */
  async #leaveToOwner(event: Event, delivery: Delivery<Status>): Promise<Disposition> {
    const { connector, owners } = this.#options;
    const { user_message_id: id } = event;
    if (isOwnId(id)) return await delivery.skip("own_screen");
    const owner = await owners.of(id);
    if (owner !== undefined && owner !== connector.name) {
      await connector.forward(event, owner);
      return await delivery.skip("forwarded");
    }
    log.warning("Not remembered, so no status is sent: {messageId}", delivery.job.names);
    return await delivery.skip("not_ours");
  }

  #status(messageId: string, { to_addr }: Remembered, event: Event, said: Said): Status {
    const { cache, failedStatus, contactIds } = this.#options;
    const { status } = MEANINGS[said];
    return {
      messageId,
      recipient: inForm(to_addr, contactIds, cache.addresses),
      status: status === "failed" ? failedStatus : status,
      timestamp: unixSeconds(event.timestamp),
    };
  }

  /**
   * What is true of all of several after an event about one. The next SMS of a text is sent if the one
   * before it was.
   */
  async #saidOfAll(said: Said | undefined, part: PartId): Promise<Said | undefined> {
    const { of, kind, nth } = part;
    if (said === undefined) {
      // An operator that reports on it has taken it, even if nothing more is known.
      if (kind === "sms") await this.#saidOfAll("pending", part);
      return undefined;
    }
    // The words of a notice are none of Turn's: those are on their way until a screen shows them.
    if (kind === "notice") return MEANINGS[said].status === "failed" ? undefined : "ack";
    // Turn is told of the first page; of the others only that the user did not get one.
    if (kind === "page") return MEANINGS[said].status === "failed" ? said : undefined;
    const { cache, metrics } = this.#options;
    const split = readSplitSms(await cache.getRecord("parts", of));
    if (split === undefined) return said;
    const step = hearOfSms(split, nth, said);
    const { next } = step;
    if (next !== undefined && !this.#sent.has(next.message_id)) {
      using way = await this.#smsSender.enter(next, {
        follows: smsId(split.message.message_id, nth),
      });
      // If nothing can be written nothing is sent: it would be so again and again.
      const before = keepSplitSms({ ...step.split, sent: split.sent });
      await cache.putRecords([before, ...way.records]);
      await this.#smsSender.send(way);
      this.#sent.add(next.message_id);
      metrics.smsSent(smsSegments(next.content ?? ""));
    }
    const ids = split.texts.map((_, index) => smsId(split.message.message_id, index + 1));
    const ended = isFailure(step.said) ? endWaiting(this.#smsSender, ids) : [];
    await cache.putRecords([keepSplitSms(step.split), ...ended]);
    if (next !== undefined) this.#sent.delete(next.message_id);
    return step.said;
  }

  /** Whether no event about a message has been counted, which now is. */
  #isFirst(messageId: string): boolean {
    if (this.#heard.has(messageId)) return false;
    if (this.#heard.size >= MOST_HEARD) this.#heard.clear();
    this.#heard.add(messageId);
    return true;
  }
}

/** The note that Turn was told of one more event. */
function toldNote(
  id: string,
  told: ToldRecord,
  event: Event,
  said: Said,
  { at, attempts }: DeliveredRecord,
  word?: string,
): Note {
  const { progress, status } = MEANINGS[said];
  const value = formatToldRecord({
    progress: Math.max(progress, told.progress),
    events: [...told.events, {
      ...{ id: eventKey(event.event_id), event: said, status, at, attempts },
      ...word !== undefined && { word },
    }],
  });
  return { kind: "told", id, value, ttlMs: DELIVERED_TTL_MS };
}
