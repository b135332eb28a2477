// What a bridge is given, and what its parts take of it.

import type { MessageCache } from "../cache/mod.ts";
import type { PageOptions, ShowOptions } from "../content/mod.ts";
import type { Metrics } from "../telemetry/mod.ts";
import type { CallOptions, CallResult, TurnClient } from "../turn/mod.ts";
import type { Connector, TransportType } from "../vumi/mod.ts";
import type { CrashCounts } from "./crash_counts.ts";
import type { QueuedFlow } from "./delivery_records.ts";
import type { RetryOptions } from "./retries.ts";
import type { TurnGate } from "./turn_gate.ts";
import type { Clock } from "./wake_up.ts";

/** How Turn's messages become words on a phone, and how answers go back. */
export interface ContentOptions extends Omit<ShowOptions, "medium"> {
  /** Screens of USSD. */
  readonly pages: PageOptions;
  /** What becomes of a text that is longer than one SMS. */
  readonly longSms: "pass" | "split" | "refuse";
  /** As how many SMS at most, if it is split. */
  readonly maxParts: number;
  /** How long an answer by SMS may pick from a menu, in milliseconds. */
  readonly menuTimeoutMs: number;
  /** As what Turn is told a choice. */
  readonly menuReply: "auto" | "interactive" | "text";
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
  /** How long a user's USSD message can be answered, in milliseconds. */
  readonly ussdSessionMs: number;
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
