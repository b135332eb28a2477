// What a bridge is given, and what its parts take of it.

import type { MessageCache } from "../cache/mod.ts";
import type { PageOptions, ShowOptions, SmsOptions } from "../content/mod.ts";
import type { Metrics } from "../telemetry/mod.ts";
import type { CallOptions, CallResult, TurnClient } from "../turn/mod.ts";
import type { Connector, TransportType } from "../vumi/mod.ts";
import type { CrashCounts } from "./crash_counts.ts";
import type { QueuedFlow } from "./delivery_records.ts";
import type { Owners } from "./owners.ts";
import type { ReportStates } from "./report_states.ts";
import type { RetryOptions } from "./retries.ts";
import type { TurnGate } from "./turn_gate.ts";
import type { Clock } from "./wake_up.ts";

/** How Turn's messages become words on a phone, and how answers go back. */
export interface ContentOptions extends Omit<ShowOptions, "medium">, SmsOptions {
  /** Screens of USSD. */
  readonly pages: PageOptions;
  /** How long an answer by SMS may pick from a menu, in milliseconds. */
  readonly menuTimeoutMs: number;
  /** As what Turn is told a choice. */
  readonly menuReply: "auto" | "interactive" | "text";
}

/** How a user's USSD session goes on; see turns.ts. Times are in milliseconds. */
export interface UssdOptions {
  /** How long a user's message can be answered. */
  readonly sessionMs: number;
  /** How long a screen waits for more of Turn's messages; 0: each is sent at once, as its own screen. */
  readonly mergeWindowMs: number;
  /** The same once one of them waits for the user's answer. */
  readonly settleMs: number;
  /** How long after the user's message a screen is shown at the latest, by the message's provider. */
  answerDeadlineMs(provider: string | null): number;
  /** What is shown when there is nothing to show by then; undefined: nothing is. */
  readonly holdText: string | undefined;
  /** How often that is shown to a user, one after the other. */
  readonly holdMax: number;
  /** What is shown after that, and the session closed. */
  readonly sorryText: string;
  /** What becomes of a message that nobody waits for any more. */
  readonly late: "sms" | "fail";
  /** Where it goes by SMS, if there is such a place. */
  readonly smsFallback: SmsFallback | undefined;
  /** What Turn is told when somebody dials; undefined: what the transport says. */
  readonly startText: string | undefined;
  /** The same by what was dialled. */
  readonly startTexts: ReadonlyMap<string, string>;
  /** For how long after a session who dials again may go on in it; 0: not at all. */
  readonly resumeWindowMs: number;
  /** What stands beside the answer to go on. */
  readonly continueText: string;
  /** The same to begin anew. */
  readonly restartText: string;
}

/** Where messages to USSD users go for which it is too late. */
export interface SmsFallback {
  /** The transport that sends them. */
  readonly transportName: string;
  /** On what kind of network. */
  readonly transportType: TransportType;
  /** From which address. */
  readonly fromAddr: string;
  /** The form of users' addresses there. */
  readonly address: "as_is" | "e164" | "digits";
  /** What is sent: that there is a message, or the message. */
  readonly mode: "notice" | "content";
  /** The words of a notice. */
  readonly noticeText: string;
}

/** How SMS are sent; see sms_sender.ts. Times are in milliseconds. */
export interface SmsSendingOptions {
  /** How long one is sent again that the operator throttles; 0: it has failed. */
  readonly resendForMs: number;
  /** Most segments that are sent in a second; 0: any number. */
  readonly maxPerSecond: number;
  /** So long after one was sent, something should have been heard of it. */
  readonly unackedAfterMs: number;
  /** Whether it is told of as failed then. */
  readonly failUnacked: boolean;
}

/** What a bridge needs. Time-outs and retries may change, and count from the next call on. */
export interface BridgeOptions {
  /** vumi's side. */
  readonly connector: Connector;
  /** Turn's side. */
  readonly turn: TurnClient;
  /** Who wrote last, what was sent, and what Turn was told. */
  readonly cache: MessageCache;
  /** Counts by flow and result. */
  readonly metrics: Metrics;
  /** From whom a message is that is no reply, if Turn does not say. */
  readonly defaultFromAddr: string;
  /** On what kind of network a message goes that is no reply. */
  readonly transportType: TransportType;
  /** What Turn is told a user wrote who wrote nothing; if undefined the address written to. */
  readonly emptyMessageBody: string | undefined;
  /** What Turn is told of a message that failed; not every Turn knows `failed`. */
  readonly failedStatus: "sent" | "failed";
  /** Longest that one call to Turn with a message may take, in milliseconds. */
  readonly messageTimeoutMs: number;
  /** Longest that one call to Turn with a status may take, in milliseconds. */
  readonly statusTimeoutMs: number;
  /** How often Turn is tried again. */
  readonly retry: RetryOptions;
  /** How long after the first failure a message or event is worth trying, in milliseconds. */
  readonly retryForMs: number;
  /** The same for USSD messages, whose sessions end soon. */
  readonly ussdRetryForMs: number;
  /** How USSD sessions go on. */
  readonly ussd: UssdOptions;
  /** What operators' words in delivery reports mean. */
  readonly reportStates: ReportStates;
  /** How SMS are sent. */
  readonly sms: SmsSendingOptions;
  /** In what form Turn is told users' addresses. */
  readonly contactIds: "as_is" | "e164";
  /** Which messages of ours come back to us by way of another channel. */
  readonly owners: Owners;
  /** What messages become on a phone. */
  readonly content: ContentOptions;
  /** Whether an event is left out for which a further one waits. */
  readonly compactStatuses: boolean;
  /** How long to know a request that Turn may repeat, in milliseconds; 0 if it is a new one always. */
  readonly dedupeWindowMs: number;
  /** Most calls to Turn at once, for each of messages and statuses. */
  readonly concurrency: number;
  /** Longest that a message stays in hand, in milliseconds; see in_flight.ts. */
  readonly holdMs: number;
}

/** What the parts of one flow need that bring what came off its queue to Turn, which is told `P`. */
export interface FlowOptions<P = never>
  extends Pick<BridgeOptions, "cache" | "metrics" | "retry" | "holdMs">, Clock {
  readonly flow: QueuedFlow;
  /** Turn's client. */
  readonly call: (payload: P, options: CallOptions) => Promise<CallResult>;
  /** Longest that one call may take, in milliseconds; asked at each call. */
  readonly timeoutMs: () => number;
  readonly gate: TurnGate;
  /** How often we have ended with a message in work. */
  readonly crashes: CrashCounts;
  /** Fires when nothing new is to be begun. */
  readonly stopping: AbortSignal;
  /** Fires when what is under way is to be left. */
  readonly abandon: AbortSignal;
  /** From 0 up to, not including, 1. */
  readonly random?: () => number;
}
