// Sends a screen in answer to a user's request, so that it is the same one again should we end before
// the broker has confirmed it: it is kept with the session first.

import { type KeptRecord, MAX_NOTES } from "../cache/mod.ts";
import { sleep } from "../async/mod.ts";
import { toPages } from "../content/mod.ts";
import { createReply, type Message, PublishError, unixMilliseconds } from "../vumi/mod.ts";
import { confirmedNote, DELIVERED_TTL_MS } from "./delivery_records.ts";
import { log } from "./log.ts";
import type { BridgeOptions, UssdOptions } from "./options.ts";
import { forget, keepPages, keepPrompt, type Prompt } from "./prompts.ts";
import type { Screen } from "./screens.ts";
import { isTooLong, keepSession, type Session, type SessionStep, withStep } from "./sessions.ts";
import { tolerateCacheError } from "./tolerate.ts";
import type { Clock } from "./wake_up.ts";

export interface ScreenSenderOptions
  extends Pick<BridgeOptions, "connector" | "cache" | "metrics" | "content" | "ussd">, Clock {}

/** What is sent, and how the session goes on. */
export interface ScreenToSend extends Omit<Screen, "prompt"> {
  /** The message's id: that of the first of Turn's messages, or one of our own. */
  readonly id: string;
  /** What the user may choose from now; null if that stays as it was. */
  readonly prompt: Prompt | undefined | null;
  readonly change: Partial<Session>;
  /** Whether it is not sent if it can't be kept; else it may be another one the next time. */
  readonly mustBeKept?: boolean;
  /** What it is, for operators. */
  readonly step: SessionStep["what"];
}

/** A screen that is none of Turn's; see {@linkcode ScreenToSend}. */
export interface OwnScreen
  extends
    Pick<Session, "state">,
    Pick<ScreenToSend, "step" | "mustBeKept">,
    Partial<Pick<Session, "asked" | "holds">> {
  readonly text: string;
  readonly waits?: boolean;
  /** What the user may choose from again; null if that stays as it was. */
  readonly prompt?: Prompt | undefined | null;
}

/** The session after it, and whether the broker has it; it may not have been sent, or not in time. */
export interface Sent {
  readonly session: Session;
  readonly kind: "confirmed" | "given_up" | "over";
}

/** How long it is waited when the broker takes nothing. */
const PAUSE_MS = 500;

export class ScreenSender {
  readonly #options: ScreenSenderOptions;

  constructor(options: ScreenSenderOptions) {
    this.#options = options;
  }

  /**
   * Sends a screen, again and again until the broker has it, `end` fires, or the session is over.
   * @throws {CacheError} If it must be kept and can't be.
   */
  async send(before: Session, screen: ScreenToSend, end: AbortSignal): Promise<Sent> {
    const { content, cache, ussd, now } = this.#options;
    const [first = "", ...others] = toPages(screen.text, content.pages);
    const sessionEvent = screen.waits ? "resume" : "close";
    const sending: Message = {
      ...createReply(before.inbound, {
        content: first,
        session_event: others.length > 0 ? "resume" : sessionEvent,
      }, new Date(now())),
      message_id: screen.id,
    };
    const step = { at: now(), what: screen.step, ids: screen.ids };
    const session: Session = {
      ...withStep(before, step),
      state: "answered",
      ...screen.change,
      shown: screen.ids,
      sending,
    };
    const user = before.inbound.from_addr;
    const pages = {
      id: screen.id,
      texts: [first, ...others],
      sessionEvent,
      broughtBy: [],
    } as const;
    const records = [
      keepSession(session, ussd),
      others.length > 0 ? keepPages(user, pages, this.#options) : forget("pages", user),
      ...this.#promptRecords(user, screen),
      ...screenRecords(screen.ids, pages.texts),
    ];
    const written = screen.ids.length > 0
      ? cache.putOutbound(sending, [], records)
      : cache.putRecords(records);
    if (screen.mustBeKept) await written;
    else {
      await tolerateCacheError(written, (reason) => {
        log.error("Could not keep what a user is shown: {reason}", { reason });
      });
    }
    return await this.sendAgain(session, end);
  }

  /** Sends the screen of a session that may not have been sent. */
  async sendAgain(session: Session, end: AbortSignal): Promise<Sent> {
    const { connector, ussd, metrics, now, after } = this.#options;
    const { sending, ...rest } = session;
    if (sending === undefined) return { kind: "confirmed", session };
    for (;;) {
      try {
        await connector.publish(sending);
        break;
      } catch (error) {
        if (!(error instanceof PublishError)) throw error;
        if (end.aborted) return { kind: "given_up", session };
        const values = { messageId: sending.message_id, reason: error.message };
        log.warning("The screen {messageId} waits for RabbitMQ: {reason}", values);
        if (isTooLong(rest, ussd, now())) {
          return await this.#over({ ...rest, shown: [], asked: undefined });
        }
        await sleep(PAUSE_MS, end, after);
      }
    }
    metrics.transports.sent(sending.transport_name, unixMilliseconds(sending.timestamp));
    await this.#confirmed(rest);
    return { kind: "confirmed", session: rest };
  }

  /** The user was not asked what the screen was to ask. */
  async #over(session: Session): Promise<Sent> {
    const { cache, connector, ussd } = this.#options;
    const kept = connector.leads ? [keepSession(session, ussd)] : [];
    await tolerateCacheError(cache.putRecords(kept), (reason) => {
      log.warning("Could not record that a screen was not sent: {reason}", { reason });
    });
    return { kind: "over", session };
  }

  async #confirmed(session: Session): Promise<void> {
    const { cache, connector, ussd, now } = this.#options;
    const notes = session.shown.map((id) => confirmedNote(id, now()));
    // Whoever speaks for the channel by now has gone on with the session.
    const kept = connector.leads ? [keepSession(session, ussd)] : [];
    const write = async (): Promise<void> => {
      await cache.putNotes(notes.slice(0, MAX_NOTES), [], kept);
      for (let from = MAX_NOTES; from < notes.length; from += MAX_NOTES) {
        await cache.putNotes(notes.slice(from, from + MAX_NOTES));
      }
    };
    await tolerateCacheError(write(), (reason) => {
      log.warning("Could not record that a screen is sent, it may be so twice: {reason}", {
        reason,
      });
    });
  }

  #promptRecords(user: string, { prompt, waits }: ScreenToSend): readonly KeptRecord[] {
    if (prompt === null) return [];
    if (prompt !== undefined) return [keepPrompt(user, prompt, this.#options)];
    // It asks for something else than a choice.
    return waits ? [forget("prompt", user)] : [];
  }
}

/** What asks the user to wait, or, after so many times, to dial again; undefined if nothing does. */
export function holdScreen(
  { holds }: Session,
  { holdText, holdMax, sorryText }: UssdOptions,
): OwnScreen | undefined {
  if (holdText === undefined) return undefined;
  const screen = { prompt: null };
  return holds < holdMax
    ? { ...screen, text: holdText, state: "holding", holds: holds + 1, step: "asked_to_wait" }
    : { ...screen, text: sorryText, waits: false, state: "answered", step: "said_sorry" };
}

/** What operators and statuses need to know of messages that a screen has shown. */
function screenRecords(ids: readonly string[], texts: readonly string[]): readonly KeptRecord[] {
  const [first] = ids;
  if (first === undefined) return [];
  const kept = { ttlMs: DELIVERED_TTL_MS };
  const shown: KeptRecord = { kind: "shown", id: first, value: JSON.stringify(texts), ...kept };
  if (ids.length === 1) return [shown];
  const value = JSON.stringify(ids);
  return [shown, ...ids.map((id): KeptRecord => ({ kind: "screen", id, value, ...kept }))];
}
