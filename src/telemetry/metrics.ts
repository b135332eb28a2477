// What is counted and measured of a channel as it happens. What is only looked up when Prometheus asks
// is in live_figures.ts. What counts each message has its series looked up beforehand.

import type { Instruments, Series } from "./instruments.ts";
import type { ChannelSources } from "./live_figures.ts";
import { Transports } from "./transports.ts";

/** The three flows of messages through the bridge. */
export type Flow = "outbound" | "inbound" | "status";

/**
 * Outbound: it is in the queue; is so already, asked for twice; is nothing that a phone shows; answers
 * nothing known; nobody; can't be shown or sent; can't be now.
 */
const FROM_TURN = [
  "accepted",
  "repeated",
  "not_shown",
  "unknown_reply_to",
  "session_over",
  "unsendable",
  "unavailable",
] as const;
/** The others: Turn has it; needs not know; was for us, for a page; had it already; a person is to look; nobody can read. */
const TO_TURN = ["delivered", "skipped", "paged", "duplicate", "parked", "unreadable"] as const;
/** Another attempt, a delay queue, the end of its queue, … */
const DELAYS = ["retried", "delayed", "again", "redelivered", "requeued", "cache_failed"] as const;

/**
 * What a message's matter comes to in the end.
 * @internal Says only to `deno doc --lint` that the lists, which it comes from, need no export.
 */
export type Outcome = (typeof FROM_TURN)[number] | (typeof TO_TURN)[number];

/**
 * What delays a message.
 * @internal As {@linkcode Outcome}.
 */
export type Setback = (typeof DELAYS)[number];

/** What is called at Turn. */
export type TurnResource = "messages" | "statuses";

/** What is done with the cache. */
export type CacheOperation = "read" | "write";

/** What is shown in place of an answer that has not come. */
const HOLDS = ["hold", "sorry"] as const;

/** What became of a message too late for its session; `shown`: after a notice, when the user dialled. */
const LATE = ["notice", "sms", "failed", "refused", "shown"] as const;

/** Users who dialled again: asked whether to go on, and what they chose. */
const RESUMES = ["asked", "continued", "restarted"] as const;

/** How many of Turn's messages a screen carries, as it is counted. */
const MERGED = ["1", "2", "3", "more"] as const;

/** The answers that an alert is about, and the usual one. */
const STATUSES = ["200", "401", "403", "429"];

/** A channel's counters and histograms. */
export class Metrics {
  /** Outbound messages by transport. */
  readonly transports: Transports;
  readonly #to: Instruments;
  readonly #connector: string;
  readonly #counts: Readonly<Record<Flow, ReadonlyMap<string, Series>>>;
  /** Where figures come from that are looked up when Prometheus asks. */
  sources: ChannelSources | undefined;

  /** Starts all at 0. @internal Made by a registry. */
  constructor(instruments: Instruments, connector: string) {
    this.#to = instruments;
    this.#connector = connector;
    this.transports = new Transports(instruments.transports, connector);
    const { confirm, delivery, requestsInFlight, breakerOpened, cacheFailures } = instruments;
    requestsInFlight.set({ connector }, 0);
    confirm.zero({ connector });
    for (const flow of ["inbound", "status"]) delivery.zero({ flow, connector });
    this.#counts = {
      outbound: countsOf("outbound", connector, instruments),
      inbound: countsOf("inbound", connector, instruments),
      status: countsOf("status", connector, instruments),
    };
    for (const resource of ["messages", "statuses"]) {
      for (const status of STATUSES) instruments.answers.series({ resource, status, connector });
    }
    for (const each of ["pages", "choicesRefused", "substitutions", "notEncodable"] as const) {
      instruments[each].series({ connector });
    }
    instruments.smsSegments.series({ connector });
    for (const by of ["number", "title", "number_and_title"]) {
      instruments.choices.series({ by, connector });
    }
    zeroSessions(instruments, connector);
    breakerOpened.series({ connector });
    for (const operation of ["read", "write"]) cacheFailures.series({ operation, connector });
  }

  /** Counts one message of `flow` that ended as `result`, or was delayed by it. */
  count(flow: Flow, result: Outcome | Setback): void {
    const series = this.#counts[flow].get(result);
    if (series === undefined) {
      throw new TypeError(`Cannot count ${result}: not a result of ${flow}`);
    }
    series.total++;
  }

  /** How many messages of `flow` were acked, or published if it is outbound. */
  settled(flow: Flow): number {
    // What goes to a delay queue is acked when its copy is there.
    const settled = flow === "outbound" ? ["accepted"] as const : [...TO_TURN, "delayed"] as const;
    return settled.reduce((sum, result) => sum + this.total(flow, result), 0);
  }

  /** How many messages of `flow` have ended as `result`, or were delayed by it. */
  total(flow: Flow, result: Outcome | Setback): number {
    return this.#counts[flow].get(result)?.total ?? 0;
  }

  /** Counts a request of Turn's that has come. */
  requestBegun(): void {
    this.#to.requestsInFlight.inc({ connector: this.#connector });
  }

  /** Counts a request that is answered; confirmed by the broker after so many seconds, if it was. */
  requestEnded(seconds?: number): void {
    this.#to.requestsInFlight.dec({ connector: this.#connector });
    if (seconds !== undefined) this.#to.confirm.observe({ connector: this.#connector }, seconds);
  }

  /** Counts what Turn has, a message or status whose vumi timestamp is so many seconds ago. */
  delivered(flow: Flow, seconds: number): void {
    this.#to.delivery.observe({ flow, connector: this.#connector }, Math.max(0, seconds));
  }

  /** Counts a call that Turn answered with `status`, or not at all, after so many seconds. */
  called(resource: TurnResource, status: number | undefined, seconds: number): void {
    const connector = this.#connector;
    const name = status === undefined ? "none" : String(status);
    const group = status === undefined ? "none" : `${name[0]}xx`;
    this.#to.calls.observe({ resource, class: group, connector }, Math.max(0, seconds));
    this.#to.answers.series({ resource, status: name, connector }).total++;
  }

  /** Counts a message of Turn's that was sent to a phone. */
  shown(type: string, medium: "sms" | "ussd"): void {
    this.#to.shown.series({ type, medium, connector: this.#connector }).total++;
  }

  /** Counts a page that a user asked for. */
  pageTurned(): void {
    this.#to.pages.series({ connector: this.#connector }).total++;
  }

  /**
   * Counts a screen that answered a user, with so many of Turn's messages, so many seconds after the
   * user's own.
   */
  screenShown(merged: number, seconds: number): void {
    const connector = this.#connector;
    const messages = MERGED[Math.max(1, merged) - 1] ?? "more";
    this.#to.screens.series({ messages, connector }).total++;
    this.#to.screenDelay.observe({ connector }, Math.max(0, seconds));
  }

  /** Counts a screen in place of an answer that has not come. */
  holdShown(kind: "hold" | "sorry"): void {
    this.#to.holds.series({ text: kind, connector: this.#connector }).total++;
  }

  /** Counts a message that was too late for its session, by what became of it. */
  late(what: "notice" | "sms" | "failed" | "refused" | "shown"): void {
    this.#to.late.series({ result: what, connector: this.#connector }).total++;
  }

  /** Counts a user who was asked whether to go on where the last session ended, and what came of it. */
  resumed(how: "asked" | "continued" | "restarted"): void {
    this.#to.resumes.series({ how, connector: this.#connector }).total++;
  }

  /** Counts a session that ended while its user waited for an answer. */
  unanswered(): void {
    this.#to.unanswered.series({ connector: this.#connector }).total++;
  }

  /** Counts an answer that picked an option. */
  chosen(by: "number" | "title" | "number_and_title"): void {
    this.#to.choices.series({ by, connector: this.#connector }).total++;
  }

  /** Counts a choice that Turn refused as such. */
  choiceRefused(): void {
    this.#to.choicesRefused.series({ connector: this.#connector }).total++;
  }

  /** Counts characters that an encoding has replaced. */
  substituted(count: number): void {
    if (count > 0) this.#to.substitutions.series({ connector: this.#connector }).total += count;
  }

  /** Counts a text that can't be in the encoding that it has to be in. */
  notEncodable(): void {
    this.#to.notEncodable.series({ connector: this.#connector }).total++;
  }

  /** Counts an SMS that was sent, as the operator bills it. */
  smsSent(segments: number): void {
    this.#to.smsSegments.series({ connector: this.#connector }).total += segments;
  }

  /** Counts that Turn was found to be down. */
  breakerOpened(): void {
    this.#to.breakerOpened.series({ connector: this.#connector }).total++;
  }

  /** Counts a look-up in the cache. */
  cacheRead(kind: string, isHit: boolean): void {
    const result = isHit ? "hit" : "miss";
    this.#to.cacheReads.series({ kind, result, connector: this.#connector }).total++;
  }

  /** Counts that the cache could not be used. */
  cacheFailed(operation: CacheOperation): void {
    this.#to.cacheFailures.series({ operation, connector: this.#connector }).total++;
  }
}

/** Starts all that is counted of USSD sessions at 0. */
function zeroSessions(to: Instruments, connector: string): void {
  for (const messages of MERGED) to.screens.series({ messages, connector });
  for (const text of HOLDS) to.holds.series({ text, connector });
  for (const result of LATE) to.late.series({ result, connector });
  for (const how of RESUMES) to.resumes.series({ how, connector });
  to.unanswered.series({ connector });
  to.screenDelay.zero({ connector });
}

function countsOf(flow: Flow, connector: string, { messages, setbacks }: Instruments) {
  const ends: readonly Outcome[] = flow === "outbound" ? FROM_TURN : TO_TURN;
  const kept: readonly Setback[] = flow === "outbound" ? [] : DELAYS;
  return new Map([
    ...ends.map((result) => [result, messages.series({ flow, result, connector })] as const),
    ...kept.map((result) => [result, setbacks.series({ flow, result, connector })] as const),
  ]);
}
