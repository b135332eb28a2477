// How far a user's USSD session has come, as it is kept: every bridge that takes a POST of Turn's has to
// know, and so has the one that speaks for the channel after another.

import { type KeptRecord, MOST_AHEAD_MS, type Remembered, remembered } from "../cache/mod.ts";
import { type Message, unixMilliseconds } from "../vumi/mod.ts";
import type { UssdOptions } from "./options.ts";
import type { Prompt } from "./prompts.ts";

/** A session. All of it is ours, so it is not checked when it is read. */
export interface Session {
  /** The user's last message: a request that takes one answer. */
  readonly inbound: Remembered;
  /** When that was taken off its queue, in milliseconds since 1970. */
  readonly takenAt: number;
  /** What the transport said when somebody dialled; that may be what was dialled. */
  readonly dialled: string | null;
  /** What the request, or the user, waits for. */
  readonly state: SessionState;
  /** What Turn is told of the user's message, if not what it says; null if it is not told at all. */
  readonly told?: string | null;
  /** The ids of dials of the same code without an answer before the next: what Turn asks for one is for all. */
  readonly redials?: readonly string[] | undefined;
  /** How many screens in a row have asked the user to wait. */
  readonly holds: number;
  /** The ids of Turn's messages that the last screen has shown. */
  readonly shown: readonly string[];
  /** That screen, unless it is known that the broker has it. */
  readonly sending?: Message;
  /** What has happened, the last things; for operators. */
  readonly steps: readonly SessionStep[];
  /** The last screen that asked the user something, unless the session was ended by us since. */
  readonly asked?: Asked | undefined;
}

/** How far a session is. */
export type SessionState =
  /** The request waits for its answer. */
  | "open"
  /** The user was asked to wait, and what has come is shown with the next answer. */
  | "holding"
  /** The user was asked whether to go on where the last session ended. */
  | "resuming"
  /** The request was answered. */
  | "answered"
  /** The user has hung up. */
  | "over";

/** Something that happened in a session. */
export interface SessionStep {
  /** In milliseconds since 1970. */
  readonly at: number;
  /** What it was. */
  readonly what:
    /** The user's doing, or the transport's. */
    | "dialled"
    | "answered"
    | "hung_up"
    /** One of Turn's messages has come; a screen shows some; one goes another way. */
    | "held"
    | "shown"
    | "late"
    /** A screen of ours. */
    | "asked_to_wait"
    | "said_sorry"
    | "asked_to_resume"
    | "shown_again"
    | "page";
  /** Of the user's message, or of Turn's. */
  readonly ids: readonly string[];
}

/** More are in no session that an operator reads. */
const MOST_STEPS = 40;

/** The session after one more step. */
export function withStep(session: Session, step: SessionStep): Session {
  return { ...session, steps: [...session.steps, step].slice(-MOST_STEPS) };
}

/** A screen that asked something. */
export interface Asked {
  /** When it was shown, in milliseconds since 1970. */
  readonly at: number;
  /** All that it said, on however many pages. */
  readonly text: string;
  /** What the user could choose from. */
  readonly prompt?: Prompt;
}

/** The session with a request that a user's message is; what goes on from before is in `before`. */
export function opened(
  message: Remembered,
  takenAt: number,
  before: Partial<Pick<Session, "dialled" | "holds" | "asked" | "steps" | "redials">> = {},
): Session {
  const inbound = remembered(message);
  return {
    dialled: null,
    holds: 0,
    steps: [],
    ...before,
    inbound,
    takenAt,
    state: "open",
    shown: [],
  };
}

/** The change that has it kept for as long as it can be gone on with. */
export function keepSession(
  session: Session,
  { sessionMs, resumeWindowMs }: UssdOptions,
): KeptRecord {
  return {
    kind: "turn",
    id: session.inbound.from_addr,
    value: JSON.stringify(session),
    ttlMs: sessionMs + resumeWindowMs + MOST_AHEAD_MS,
  };
}

/** Reads what was kept. */
export function readSession(value: string | undefined): Session | undefined {
  return value === undefined ? undefined : JSON.parse(value);
}

/** Why a message can't be shown to the user in this session; undefined if it can. */
export function whyOver(
  { inbound: { timestamp }, state }: Pick<Session, "inbound" | "state">,
  ussd: UssdOptions,
  now: number,
): string | undefined {
  if (state === "over") return "the user has hung up";
  if (state === "answered") return "the user's last message was answered already";
  const ageMs = now - unixMilliseconds(timestamp);
  if (!isTooOld(ageMs, ussd)) return undefined;
  const [age, most] = [ageMs, ussd.sessionMs].map((ms) => Math.round(ms / 1000));
  return `the user's last message is ${age} s old, and ussd.session_timeout is ${most} s`;
}

/** Whether a session has gone on for too long, answered or not. */
export function isTooLong(session: Session, ussd: UssdOptions, now: number): boolean {
  return whyOver({ ...session, state: "open" }, ussd, now) !== undefined;
}

/** Whether the last screen of a session is still before the user, who may answer it. */
export function isOnScreen(
  session: Session | undefined,
  ussd: UssdOptions,
  now: number,
): boolean {
  return session?.state === "answered" && !isTooLong(session, ussd, now);
}

/** Whether a session is over whose user's last message is so many milliseconds old. */
export function isTooOld(ageMs: number, { sessionMs }: UssdOptions): boolean {
  return ageMs > sessionMs && ageMs <= LOST_CLOCK_MS;
}

/** Whether `message` was sent before the one that has opened the session. */
export function isEarlier(
  message: Remembered,
  { inbound: { timestamp }, takenAt }: Pick<Session, "inbound" | "takenAt">,
): boolean {
  if (message.timestamp >= timestamp) return false;
  const openedAt = unixMilliseconds(timestamp);
  // Of a clock that is wrong, after which all would be earlier.
  if (openedAt > takenAt + MOST_AHEAD_MS) return false;
  return openedAt - unixMilliseconds(message.timestamp) < LOST_CLOCK_MS;
}

/** A timestamp that is so old is of a clock that was lost, and tells nothing. */
const LOST_CLOCK_MS = 365 * 86_400_000;
