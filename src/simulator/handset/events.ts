// The events that the page gets, as JSON. The page's scripts take their types from here.

import type { Report } from "../transport.ts";
import type { Action } from "./actions.ts";

/** What happened is kept for pages that are opened later, how something is now is not. */
export type PageEvent = Happening | Now;

export type Happening =
  | PhoneMessage
  | TraceEvent
  | LogLine
  | FlowWarning
  | { readonly kind: "reported"; readonly id: string; readonly report: Report }
  /** What the tour says before its next step. */
  | { readonly kind: "caption"; readonly title: string; readonly text: string }
  | { readonly kind: "verdict"; readonly good: boolean; readonly text: string };

export type Now = Hello | Phone | Settings | Health | Parked | Sample | Others | BridgeNow;

export interface PhoneMessage {
  readonly kind: "said";
  readonly address: string;
  /** Empty if it is a notice of the network. */
  readonly id: string;
  readonly by: "user" | "service" | "network";
  readonly text: string;
  /** Whether it was in a USSD session; else it is an SMS. */
  readonly ussd: boolean;
  /** Of what the service says. */
  readonly size: ScreenSize | SmsSize | null;
  readonly at: number;
}

/** What a flow does wrong, at the phone where it is seen. */
export interface FlowWarning {
  readonly kind: "warning";
  readonly address: string;
  readonly text: string;
  /** Whether it was in a USSD session. */
  readonly ussd: boolean;
  readonly at: number;
}

interface TextSize {
  readonly encoding: "gsm7" | "ucs2";
  /** As the encoding counts them: GSM-7 has some that count twice, and so has UCS-2. */
  readonly characters: number;
}

export interface ScreenSize extends TextSize {
  /** As many characters as a screen has. */
  readonly capacity: number;
}

export interface SmsSize extends TextSize {
  /** As many SMS as an operator bills. */
  readonly segments: number;
}

/** A message on its way through the bridge; a later one with its id replaces it. */
export interface MessageTrace {
  readonly id: string;
  readonly flow: "inbound" | "outbound" | "status";
  readonly address: string;
  readonly text: string;
  /** The message that it is or is about; empty as long as it has no id. */
  readonly messageId: string;
  readonly state:
    | "waiting"
    | "retrying"
    /** The bridge keeps it for the screen that is to show it. */
    | "held"
    /** Nobody waited for it any more: it goes by SMS, or the next dial shows it, or it failed. */
    | "late"
    | "done"
    | "skipped"
    /** The user read on: the bridge answered with the next page. */
    | "paged"
    /** It is nothing that a phone can show. */
    | "not_shown"
    /** It was refused, and that is its end. */
    | "refused"
    | "parked";
  readonly note: string;
  readonly attempts: number;
  readonly at: number;
  readonly tookMs: number | null;
  readonly waitsForInput: boolean;
  /** The message to the phone that has shown it, perhaps with others; empty as long as none has. */
  readonly screenId: string;
  /** Whether it is the bridge's own, of which Turn knows nothing. */
  readonly isOwn: boolean;
  /** What Turn got of an inbound message, when it has it. */
  readonly told: Told | null;
}

export interface Told {
  /** Of a choice its title. */
  readonly text: string;
  /** Which choice it is, and as what it came; null if it is none. */
  readonly choice: string | null;
}

export interface TraceStep {
  readonly at: number;
  readonly title: string;
  readonly tone: "plain" | "good" | "bad";
  readonly headers?: readonly (readonly [string, string])[];
  /** Formatted, and cut if it is very long. */
  readonly body?: string;
}

export interface TraceEvent {
  readonly kind: "trace";
  readonly trace: MessageTrace;
  readonly step?: TraceStep;
}

export interface LogLine {
  readonly kind: "log";
  readonly level: "WARNING" | "ERROR" | "CRITICAL";
  readonly text: string;
  readonly at: number;
}

export interface Hello {
  readonly kind: "hello";
  /** Whether the page must forget what it shows: all that is kept follows. */
  readonly anew: boolean;
  /** Whether Turn and the bridge run here too, and not the phones only. */
  readonly whole: boolean;
  /** What users can do on this channel. */
  readonly media: "ussd" | "sms" | "both";
  /** Whom they write to. */
  readonly number: string;
  /** What they dial. */
  readonly ussdCode: string;
  readonly connector: string;
  readonly networks: readonly NetworkLimits[];
}

/** What an operator's network allows on USSD. */
export interface NetworkLimits {
  readonly id: string;
  readonly name: string;
  /** Characters on a screen, as GSM-7 counts them. */
  readonly pageChars: number;
  /** How long it waits for a screen. */
  readonly waitSeconds: number;
}

export type HelloFields = Omit<Hello, "kind" | "anew">;

export interface Phone {
  readonly kind: "phone";
  readonly address: string;
  /** The open or the last USSD session; null if there was none. */
  readonly session: Session | null;
}

export interface Session {
  readonly id: string;
  readonly code: string;
  readonly state: "waiting" | "asking" | "ended";
  /** By time: it was too long; by silence: the network got no screen in time; by loss: it is a bad one. */
  readonly endedBy: "service" | "user" | "time" | "silence" | "loss" | null;
  readonly text: string;
  readonly size: ScreenSize;
  readonly screens: number;
  /** The message that the last screen was; empty as long as there is none. */
  readonly screenId: string;
  /** Milliseconds until the network ends it. */
  readonly leftMs: number;
  /** Milliseconds until the network ends it unless a screen comes; null if it waits for none. */
  readonly waitMs: number | null;
}

export type TurnMode = Extract<Action, { do: "setTurnAnswers" }>["mode"];

export interface Settings {
  readonly kind: "settings";
  readonly turnAnswers: TurnMode;
  readonly turnReplies: boolean;
  /** How long it takes Turn to reply by itself, in seconds. */
  readonly turnDelay: number;
  /** How many messages it sends for one answer on USSD. */
  readonly turnMessages: number;
  readonly reports: boolean;
  /** The id of the operator that is played. */
  readonly network: string;
  readonly badNetwork: boolean;
  readonly load: number;
  readonly touring: boolean;
}

export interface Health {
  readonly kind: "health";
  /** The answer to `GET /health`, or why there was none. */
  readonly report: unknown;
  /** Turn's rate limits as its answers tell them: bucket, calls left, calls in a window. */
  readonly limits: readonly (readonly [string, number, number])[];
}

export interface Parked {
  readonly kind: "parked";
  readonly total: number;
  readonly messages: readonly ParkedRow[];
}

export interface ParkedRow {
  readonly key: string;
  readonly queue: string;
  /** The user's address, or which message it is about. */
  readonly title: string;
  readonly reason: string;
}

export interface Sample {
  readonly kind: "sample";
  /** A second. */
  readonly sent: number;
  readonly delivered: number;
  readonly medianMs: number | null;
  readonly p95Ms: number | null;
  /** Messages sent that Turn does not have yet. */
  readonly between: number;
  /** Since the start. */
  readonly sentInAll: number;
}

/** Messages in the queue that are meant for others than the phones here. */
export interface Others {
  readonly kind: "others";
  /** How many waited when the program started, and for whom, in words. */
  readonly waited: number;
  readonly forWhom: string;
  /** What becomes of those; null as long as nobody has said so, and nothing is taken until then. */
  readonly decision: "take" | "leave" | null;
  readonly taken: number;
  /** What Turn is told of a message that was taken. */
  readonly toldAs: string;
  /** How many are left in the queue now, those that have come since too. */
  readonly left: number;
  readonly leftFor: string;
  /** Whether so many are left that nothing else comes. */
  readonly isFull: boolean;
  /** Whether all was given back and nothing is taken any more, as another program consumes the queue. */
  readonly isGivenBack: boolean;
}

/** The bridge that runs elsewhere, as far as it is seen from here. */
export interface BridgeNow {
  readonly kind: "bridge";
  /** The queue to it, and whether a bridge listens there. */
  readonly queue: string;
  readonly listens: boolean;
  /** Where it was asked in vain what it merges and refuses; empty if it answers. */
  readonly asked: string;
}
