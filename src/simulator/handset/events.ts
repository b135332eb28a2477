/**
 * What the page is told, as JSON. The page's scripts take their types from here.
 *
 * @module
 */

/** What the page is told: what happened is kept for those who come later, how it is now is not. */
export type PageEvent = Happening | Now;

/** Something happened. */
export type Happening = Said | Reported | TraceEvent | Caption | Verdict | LogLine;

/** How something is now. */
export type Now = Hello | Phone | Settings | Health | Parked | Sample;

/** Something appeared on a user's phone. */
export interface Said {
  /** Tells it from others. */
  readonly kind: "said";
  /** The user. */
  readonly address: string;
  /** The message; empty, if it is the network that says something. */
  readonly id: string;
  /** Who. */
  readonly by: "user" | "service" | "network";
  /** What; cut, if it is very long. */
  readonly text: string;
  /** Whether it was in a USSD session, and not an SMS. */
  readonly ussd: boolean;
  /** When; milliseconds since 1970. */
  readonly at: number;
}

/** What became of a message to a user, in the order ack or nack, delivered or failed. */
export type Report = "ack" | "nack" | "delivered" | "failed";

/** The transport reported what became of a message. */
export interface Reported {
  /** Tells it from others. */
  readonly kind: "reported";
  /** The message. */
  readonly id: string;
  /** What became of it. */
  readonly report: Report;
}

/** How far a message has come. */
export type TraceState =
  /** It is with the bridge. */
  | "waiting"
  /** It is with the bridge, which will try again. */
  | "retrying"
  /** It has arrived. */
  | "done"
  /** There was nothing to tell. */
  | "skipped"
  /** It was refused, and goes nowhere. */
  | "refused"
  /** It waits for a person. */
  | "parked";

/** A message on its way through the bridge, and how far it has come; the latest one holds. */
export interface Trace {
  /** Tells it from others. */
  readonly id: string;
  /** Which way. */
  readonly flow: "inbound" | "outbound" | "status";
  /** The user; empty, if that is not known. */
  readonly address: string;
  /** What it says. */
  readonly text: string;
  /** The message that it is, or is about; empty, as long as it has no id. */
  readonly messageId: string;
  /** How far it has come. */
  readonly state: TraceState;
  /** In a word, why it is where it is. */
  readonly note: string;
  /** How often Turn was called, or the bridge was. */
  readonly attempts: number;
  /** When it began; milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds from its beginning to its end, if it has one. */
  readonly tookMs: number | null;
  /** Outbound: whether the user's answer is awaited. */
  readonly waitsForInput: boolean;
}

/** One thing that happened on the way. */
export interface Step {
  /** When; milliseconds since 1970. */
  readonly at: number;
  /** What. */
  readonly title: string;
  /** How it went. */
  readonly tone: "plain" | "good" | "bad";
  /** Headers of HTTP, or of AMQP. */
  readonly headers?: readonly (readonly [string, string])[];
  /** What was in it, formatted and cut to a size that can be shown. */
  readonly body?: string;
}

/** A message went a step further. */
export interface TraceEvent {
  /** Tells it from others. */
  readonly kind: "trace";
  /** How far it has come. */
  readonly trace: Trace;
  /** The step; absent if there is nothing to see. */
  readonly step?: Step;
}

/** The tour explains what comes next. */
export interface Caption {
  /** Tells it from others. */
  readonly kind: "caption";
  /** Its number. */
  readonly title: string;
  /** The explanation. */
  readonly text: string;
}

/** The tour tells how it went. */
export interface Verdict {
  /** Tells it from others. */
  readonly kind: "verdict";
  /** Whether it went well. */
  readonly good: boolean;
  /** What. */
  readonly text: string;
}

/** The bridge logged something. */
export interface LogLine {
  /** Tells it from others. */
  readonly kind: "log";
  /** How grave it is. */
  readonly level: "WARNING" | "ERROR" | "CRITICAL";
  /** What. */
  readonly text: string;
  /** When; milliseconds since 1970. */
  readonly at: number;
}

/** The first thing that is told. */
export interface Hello {
  /** Tells it from others. */
  readonly kind: "hello";
  /** Whether all that happened, as far as it is kept, follows: what is shown is to be forgotten. */
  readonly anew: boolean;
  /** Whether Turn and the bridge are here too, or only the phone. */
  readonly whole: boolean;
  /** The number that users write to. */
  readonly number: string;
  /** The code that users dial. */
  readonly ussdCode: string;
  /** The queues that the transport works on, for the eye. */
  readonly connector: string;
}

/** A user's phone. */
export interface Phone {
  /** Tells it from others. */
  readonly kind: "phone";
  /** The user. */
  readonly address: string;
  /** The USSD session that is open or was the last; null if there was none. */
  readonly session: Session | null;
}

/** A USSD session. */
export interface Session {
  /** Tells it from the user's others. */
  readonly id: string;
  /** What was dialled. */
  readonly code: string;
  /** Waiting for the service, asking the user, or over. */
  readonly state: "waiting" | "asking" | "ended";
  /** Who or what ended it. */
  readonly endedBy: "service" | "user" | "time" | null;
  /** What is on the screen. */
  readonly text: string;
  /** How many screens there were. */
  readonly screens: number;
  /** Milliseconds until the network ends it, as it was told. */
  readonly leftMs: number;
}

/** How Turn answers calls. */
export type TurnMode = "200" | "429" | "500" | "400" | "none";

/** What can be set. */
export interface Settings {
  /** Tells it from others. */
  readonly kind: "settings";
  /** How Turn answers calls. */
  readonly turnAnswers: TurnMode;
  /** Whether Turn replies to users by itself. */
  readonly turnReplies: boolean;
  /** Whether the transport reports by itself what became of messages. */
  readonly reports: boolean;
  /** Messages of made-up users a second. */
  readonly load: number;
  /** Whether the tour plays. */
  readonly touring: boolean;
}

/** How the bridge says it is. */
export interface Health {
  /** Tells it from others. */
  readonly kind: "health";
  /** Its answer to `GET /health`, or why there was none. */
  readonly report: unknown;
  /** Its counters, as far as they count messages: flow, result, how many. */
  readonly counters: readonly (readonly [string, string, number])[];
  /** Turn's rate limits, as far as Turn has told of them: the bucket, calls left, calls a window. */
  readonly limits: readonly (readonly [string, number, number])[];
}

/** The messages that wait for a person. */
export interface Parked {
  /** Tells it from others. */
  readonly kind: "parked";
  /** How many. */
  readonly total: number;
  /** The first ones. */
  readonly messages: readonly ParkedMessage[];
}

/** A message that waits for a person. */
export interface ParkedMessage {
  /** Tells it from others. */
  readonly key: string;
  /** The queue it is in. */
  readonly queue: string;
  /** Of whom, or about what. */
  readonly title: string;
  /** Why. */
  readonly reason: string;
}

/** How the load goes, for a moment. */
export interface Sample {
  /** Tells it from others. */
  readonly kind: "sample";
  /** Messages a second that users sent. */
  readonly sent: number;
  /** Messages a second that Turn took. */
  readonly told: number;
  /** The median delay from one to the other, in milliseconds; null if nothing arrived. */
  readonly medianMs: number | null;
  /** Nineteen of twenty were not slower. */
  readonly p95Ms: number | null;
  /** Messages between the two. */
  readonly between: number;
}
