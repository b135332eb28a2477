/**
 * What the bridge's tests share: messages, how they come, and a cache that fails when it is told to.
 *
 * @module
 */

import { CacheError, MessageCache } from "../../src/cache/mod.ts";
import { MemoryStore } from "../../src/cache/memory.ts";
import type { ContentOptions, SmsSendingOptions, UssdOptions } from "../../src/bridge/mod.ts";
import { SmsSender, type SmsSenderOptions } from "../../src/bridge/sms_sender.ts";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import { type Arrival, Connector, type Handover } from "../../src/vumi/mod.ts";

const DAY_MS = 86_400_000;

/** Never fires. */
export const NEVER: AbortSignal = new AbortController().signal;

/** How a message comes: for the first time, unless told otherwise. */
export function arrival(more: Partial<Arrival> = {}): Arrival {
  return { headers: {}, redelivered: false, returns: 0, lost: NEVER, ...more };
}

/** Comes again, as it was put back or in work when a connection or a program ended. */
export const AGAIN: Arrival = arrival({ redelivered: true });

/** A method of the cache's. */
type Method = Exclude<keyof MessageCache, typeof Symbol.asyncDispose>;

/** What is left for the next program, as long as a test runs. */
export class TestHandover implements Handover {
  left = "";

  leave(text: string): Promise<boolean> {
    this.left = text;
    return Promise.resolve(true);
  }
}

/** A cache in memory, of which each method can be made to fail. */
export class FlakyCache extends MessageCache {
  /** Methods that fail now. */
  readonly failing = new Set<Method>();
  /** What else outlives the program that a test kills. */
  readonly handover = new TestHandover();

  /** Empty, and its methods work. */
  constructor(now?: () => number) {
    const clock = now === undefined ? {} : { now };
    super({ inboundTtlMs: DAY_MS, outboundTtlMs: DAY_MS, store: new MemoryStore(clock), ...clock });
  }

  override putInbound(...args: Parameters<MessageCache["putInbound"]>): Promise<void> {
    return this.#try("putInbound", () => super.putInbound(...args));
  }

  override getInbound(...args: Parameters<MessageCache["getInbound"]>) {
    return this.#try("getInbound", () => super.getInbound(...args));
  }

  override getLastInbound(...args: Parameters<MessageCache["getLastInbound"]>) {
    return this.#try("getLastInbound", () => super.getLastInbound(...args));
  }

  override putOutbound(...args: Parameters<MessageCache["putOutbound"]>): Promise<void> {
    return this.#try("putOutbound", () => super.putOutbound(...args));
  }

  override getOutbound(...args: Parameters<MessageCache["getOutbound"]>) {
    return this.#try("getOutbound", () => super.getOutbound(...args));
  }

  override getLastOutbound(...args: Parameters<MessageCache["getLastOutbound"]>) {
    return this.#try("getLastOutbound", () => super.getLastOutbound(...args));
  }

  override putNotes(...args: Parameters<MessageCache["putNotes"]>): Promise<void> {
    return this.#try("putNotes", () => super.putNotes(...args));
  }

  override claimNote(...args: Parameters<MessageCache["claimNote"]>) {
    return this.#try("claimNote", () => super.claimNote(...args));
  }

  override getNote(...args: Parameters<MessageCache["getNote"]>) {
    return this.#try("getNote", () => super.getNote(...args));
  }

  override deleteNote(...args: Parameters<MessageCache["deleteNote"]>): Promise<void> {
    return this.#try("deleteNote", () => super.deleteNote(...args));
  }

  override putRecords(...args: Parameters<MessageCache["putRecords"]>): Promise<void> {
    return this.#try("putRecords", () => super.putRecords(...args));
  }

  override getRecord(...args: Parameters<MessageCache["getRecord"]>) {
    return this.#try("getRecord", () => super.getRecord(...args));
  }

  override tally(...args: Parameters<MessageCache["tally"]>): Promise<void> {
    return this.#try("tally", () => super.tally(...args));
  }

  /** The counts of all days, as `flow result: count`. */
  async counts(): Promise<readonly string[]> {
    return (await this.tallied()).map(({ flow, result, count }) => `${flow} ${result}: ${count}`);
  }

  #try<T>(method: Method, work: () => Promise<T>): Promise<T> {
    if (this.failing.has(method)) return Promise.reject(new CacheError(`${method} fails`));
    return work();
  }
}

/** A connector to a broker of its own, in memory. */
export function memoryConnector(broker: MemoryBroker = MemoryBroker.open()): Connector {
  return new Connector({ name: "c", broker, inboundPrefetch: 9, eventPrefetch: 9 });
}

/** How messages are shown, by default. */
export const CONTENT: ContentOptions = {
  textEncoding: "as_is",
  words: { image: "Picture", video: "Video", audio: "Voice message", document: "Document" },
  templates: new Map(),
  pages: { pageChars: 182, moreKey: "98", moreText: "More", maxPages: 6 },
  longSms: "pass",
  maxParts: 4,
  menuTimeoutMs: DAY_MS,
  menuReply: "auto",
};

/** How SMS are sent: each at once, as nothing is heard of them here. */
export const SMS: SmsSendingOptions = {
  resendForMs: 0,
  maxPerSecond: 0,
  unackedAfterMs: 60_000,
  failUnacked: false,
};

/** As {@linkcode SMS}, but what an operator throttles is sent again. */
export const RESENDING: SmsSendingOptions = { ...SMS, resendForMs: 900_000 };

/** Both ways in which SMS are sent, by name. */
export const BOTH: readonly (readonly [string, SmsSendingOptions])[] = [
  ["with resending", RESENDING],
  ["without", SMS],
];

/** What sends SMS, for flows that seldom do. */
export function smsSender(
  options: Omit<SmsSenderOptions, "sms" | "holdMs"> & { readonly sms?: SmsSendingOptions },
): SmsSender {
  return new SmsSender({ sms: SMS, holdMs: 900_000, ...options });
}

/** How sessions go on: each message is shown at once, and fails if it is too late. */
export const USSD: UssdOptions = {
  sessionMs: 180_000,
  mergeWindowMs: 0,
  settleMs: 200,
  answerDeadlineMs: () => 8_000,
  holdText: undefined,
  holdMax: 2,
  sorryText: "Sorry",
  late: "fail",
  smsFallback: undefined,
  startText: undefined,
  startTexts: new Map(),
  resumeWindowMs: 0,
  continueText: "Continue",
  restartText: "Start again",
};

/** Resolves when all that is ready to run has run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
