// The users' phones and their network: threads of SMS, USSD sessions with a time-out, and delivery
// reports. All of it follows from the messages on the queues, whoever put them there.

import { messageOf, sleep } from "../../async/mod.ts";
import type { Event, Message } from "../../vumi/mod.ts";
import { createEvent, type Transport, type UserAction } from "../transport.ts";
import type { Action } from "./actions.ts";
import type { Phone, Settings } from "./events.ts";
import type { Journal } from "./journal.ts";
import { NOBODY_GOT_IT } from "./others.ts";
import { Network } from "./network.ts";
import { PhoneWords } from "./phone_words.ts";
import { UssdSession } from "./ussd.ts";
import { lateWords, silenceWords } from "./warnings.ts";

export interface PhonesOptions {
  readonly transport: Transport;
  readonly journal: Journal;
  readonly number: string;
  /** How long a USSD session lives; as on a network, unless given. */
  readonly ussdTimeoutMs?: number | undefined;
  /** How long the network waits for a screen; as it says itself, unless given. */
  readonly ussdWaitMs?: number | undefined;
  readonly network?: Network;
  /** What a screen ends with that has another page after it. */
  readonly moreLine?: string;
  readonly ignores?: (address: string) => boolean;
  /** Phones that the tour uses now, and nobody else may. */
  readonly isReserved?: (address: string) => boolean;
  /** Whether a message was meant for somebody else, and has reached nobody. */
  readonly isFromOthers?: (messageId: string) => boolean;
}

/** Something can't be done at a phone, for the reason in the message. */
export class PhoneError extends Error {
  override readonly name = "PhoneError";
}

const MOST_PHONES = 50;
const DELIVERY_MS = 400;
const USSD_MS = 180_000;

/** What is said of the end of a session at the phone. */
const ENDS = {
  user: "Hung up",
  time: "Timed out",
  silence: "No screen came in time: the network ended the session",
  loss: "The network lost the session",
};

/** What is said of a message that a session does not take, and why it was not taken. */
const LOST = {
  second: ["A second answer to one request was dropped", "the request was answered already"],
  nobody: ["A message was lost: no session is waiting for it", "no session is waiting for it"],
} as const;

export class Phones implements Disposable {
  reportsByItself = true;
  /** The phone that was used last. */
  lastUsed = "";
  readonly network: Network;
  readonly words: PhoneWords;
  readonly #options: PhonesOptions;
  readonly #phones = new Map<string, UssdSession>();
  readonly #watch: Disposable;
  readonly #stop = new AbortController();

  constructor(options: PhonesOptions) {
    this.#options = options;
    const { transport, ignores = () => false } = options;
    this.network = options.network ?? new Network();
    this.words = new PhoneWords({ ...options, network: this.network });
    this.#watch = transport.watch({
      published: (message) => ignores(message.from_addr) || this.#show(message),
      reported: (event) => this.#showReport(event),
      taken: (message) => ignores(message.to_addr) || this.#deliver(message),
    });
  }

  get settings(): Pick<Settings, "reports" | "network" | "badNetwork"> {
    const { limits, isBad: badNetwork } = this.network;
    return { reports: this.reportsByItself, network: limits.id, badNetwork };
  }

  get all(): readonly Phone[] {
    return [...this.#phones].map(([address, session]) => {
      return { kind: "phone", address, session: session.now };
    });
  }

  /**
   * Does what a person does at a phone.
   * @throws {PhoneError} If it can't be done, or is done somewhere else.
   */
  async act(action: Action): Promise<void> {
    const { number } = this.#options;
    switch (action.do) {
      case "add":
        return this.add(action.address);
      case "text": {
        const { address, text: content } = action;
        this.#own(address);
        return await this.#write(address, { to_addr: number, content, transport_type: "sms" });
      }
      case "dial": {
        const { address, code: to_addr } = action;
        if (this.#own(address).state !== "ended") throw new PhoneError("A session is open already");
        const dialling = { to_addr, session_event: "new", transport_type: "ussd" } as const;
        return await this.#write(address, dialling);
      }
      case "answer": {
        const { address, text: content } = action;
        const { state } = this.#own(address);
        if (state !== "asking") throw new PhoneError("The screen asks for no answer");
        return await this.#writeInSession(address, { content, session_event: "resume" });
      }
      case "hangUp":
        if (this.#own(action.address).state === "ended") throw new PhoneError("No session is open");
        return await this.#hangUp(action.address);
      case "report":
        return await this.#report(action.id, action.report);
      case "setReports":
        this.reportsByItself = action.on;
        return;
      case "setNetwork":
        return this.network.choose(action.id);
      case "setBadNetwork":
        this.network.isBad = action.on;
        return;
      default:
        throw new PhoneError("Turn and the bridge do not run here");
    }
  }

  isInSession(address: string): boolean {
    const session = this.#phones.get(address);
    return session !== undefined && session.state !== "ended";
  }

  /** How long before a moment the user did what was done last on USSD. */
  sinceLast(address: string, at: number): ReturnType<UssdSession["sinceLast"]> | undefined {
    return this.#phones.get(address)?.sinceLast(at);
  }

  has(address: string): boolean {
    return this.#phones.has(address);
  }

  add(address: string): void {
    if (this.#phones.has(address)) return;
    if (this.#phones.size >= MOST_PHONES) {
      throw new PhoneError(`There are ${MOST_PHONES} phones already`);
    }
    const { network } = this;
    const { ussdTimeoutMs: timeoutMs = USSD_MS, ussdWaitMs } = this.#options;
    const session = new UssdSession({
      timeoutMs,
      waitMs: () => ussdWaitMs ?? network.limits.waitSeconds * 1_000,
      pageChars: () => network.limits.pageChars,
      lossMs: () => network.loss(),
      onEnd: () => void this.#hangUp(address),
    });
    this.#phones.set(address, session);
    this.#tell(address);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#watch[Symbol.dispose]();
    for (const session of this.#phones.values()) session[Symbol.dispose]();
  }

  async #hangUp(address: string): Promise<void> {
    await this.#writeInSession(address, { content: null, session_event: "close" });
  }

  /** The user's session, unless the tour uses the phone. */
  #own(address: string): UssdSession {
    if (this.#options.isReserved?.(address)) {
      throw new PhoneError("The tour is using this phone; wait until it ends");
    }
    const session = this.#phones.get(address);
    if (session === undefined) throw new PhoneError("There is no such phone");
    return session;
  }

  async #writeInSession(address: string, fields: Pick<UserAction, "content" | "session_event">) {
    const code = this.#phones.get(address)?.now?.code ?? "";
    await this.#write(address, { to_addr: code, transport_type: "ussd", ...fields });
  }

  async #write(address: string, action: Omit<UserAction, "from_addr">): Promise<void> {
    try {
      const { transport } = this.#options;
      await transport.publish(transport.compose({ from_addr: address, ...action }));
    } catch (error) {
      this.words.notice(
        address,
        `Not sent: ${messageOf(error)}`,
        action.transport_type === "ussd",
      );
    }
  }

  /** Shows a user's message that went on the queue. */
  #show(message: Message): void {
    const { from_addr: address, session_event, content, message_id: id } = message;
    const session = this.#session(address);
    if (session === undefined) return;
    this.lastUsed = address;
    const ussd = message.transport_type === "ussd";
    const text = content ?? (session_event === "new" ? message.to_addr : "");
    if (session_event !== "close") this.words.say({ address, id, by: "user", text, ussd });
    if (!ussd) return;
    const ended = session.userDoes(message);
    if (ended) this.words.notice(address, ENDS[ended], ussd);
    if (ended === "silence") this.words.warn(address, silenceWords(this.network.limits), ussd);
    this.#tell(address);
  }

  /** Shows a message that the network got for a user. */
  #deliver(message: Message): void {
    const { to_addr: address, content, message_id: id, in_reply_to, session_event } = message;
    const session = this.#session(address);
    const ussd = message.transport_type === "ussd";
    const text = content ?? "";
    const isReserved = this.#options.isReserved?.(address);
    if (this.#options.isFromOthers?.(id)) {
      this.words.say({ address, id, by: "service", text, ussd });
      this.words.notice(address, "Nobody got this message: it was taken off the queue", ussd);
      void this.#orNotice(address, ussd, this.#report(id, "nack", NOBODY_GOT_IT));
      return;
    }
    if (session === undefined) return;
    const before = session.now?.text ?? "";
    const since = session.sinceRequest(in_reply_to);
    const late = ussd && since && lateWords(since.ms, since.isDial);
    const shown = ussd
      ? session.serviceSays(id, in_reply_to, text, session_event === "resume")
      : "shown";
    if (shown !== "shown") {
      // As on a network: without a request that waits there is no way to the phone.
      const [notice, why] = LOST[shown];
      this.words.notice(address, notice, ussd);
      if (late) this.words.warn(address, late, ussd);
      if (!isReserved) void this.#orNotice(address, ussd, this.#report(id, "nack", why));
      return;
    }
    const said = { address, id, by: "service", text, ussd } as const;
    this.words.say(said);
    if (ussd) this.#tell(address);
    if (late) this.words.warn(address, late, ussd);
    this.words.warnOf(said, before);
    if (!this.reportsByItself || isReserved) return;
    void this.#orNotice(address, ussd, this.#reportAll(id, ussd));
  }

  async #reportAll(id: string, ussd: boolean): Promise<void> {
    const { signal } = this.#stop;
    await this.#report(id, "ack");
    if (ussd) return;
    await sleep(DELIVERY_MS, signal);
    if (!signal.aborted) await this.#report(id, "delivered");
  }

  /** @throws {PhoneError} If the queue can't be reached. */
  async #report(...[id, report, why]: Parameters<typeof createEvent>): Promise<void> {
    try {
      await this.#options.transport.publishEvent(createEvent(id, report, why));
    } catch (error) {
      throw new PhoneError(`Not reported: ${messageOf(error)}`);
    }
  }

  /** What nobody waits for says at the phone why it failed. */
  async #orNotice(address: string, ussd: boolean, doing: Promise<void>): Promise<void> {
    try {
      await doing;
    } catch (error) {
      this.words.notice(address, messageOf(error), ussd);
    }
  }

  #showReport({ user_message_id: id, event_type, delivery_status }: Event): void {
    const report = event_type === "delivery_report" ? delivery_status : event_type;
    if (report === null || report === "pending") return;
    this.#options.journal.add({ kind: "reported", id, report });
  }

  /** The phone for an address; a new one if there is room. */
  #session(address: string): UssdSession | undefined {
    if (!this.#phones.has(address) && this.#phones.size < MOST_PHONES) this.add(address);
    return this.#phones.get(address);
  }

  #tell(address: string): void {
    const session = this.#phones.get(address)?.now ?? null;
    this.#options.journal.tell({ kind: "phone", address, session });
  }
}
