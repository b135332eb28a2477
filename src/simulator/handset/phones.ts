// The users' phones and their network: threads of SMS, USSD sessions with a time-out, and delivery
// reports. All of it follows from the messages on the queues, whoever put them there.

import { messageOf, sleep } from "../../async/mod.ts";
import type { Event, Message } from "../../vumi/mod.ts";
import { createEvent, type Transport, type UserAction } from "../transport.ts";
import type { Action } from "./actions.ts";
import type { Phone, PhoneMessage } from "./events.ts";
import type { Journal } from "./journal.ts";
import { NOBODY_GOT_IT } from "./others.ts";
import { screenSize, smsSize } from "./text_size.ts";
import { UssdSession } from "./ussd.ts";

export interface PhonesOptions {
  readonly transport: Transport;
  readonly journal: Journal;
  readonly number: string;
  /** How long a USSD session lives; as on a network, unless given. */
  readonly ussdTimeoutMs?: number | undefined;
  /** How long the network waits for a screen; as on a network, unless given. */
  readonly ussdWaitMs?: number | undefined;
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
const LONGEST_TEXT = 4_000;
const DELIVERY_MS = 400;
const USSD_MS = 180_000;
/** Networks differ, and few wait for longer. */
const USSD_WAIT_MS = 10_000;

/** What is said of the end of a session at the phone. */
const ENDS = {
  user: "Hung up",
  time: "Timed out",
  silence: "No screen came in time: the network ended the session",
};

/** What is said of a message that a session does not take, and why it was not taken. */
const LOST = {
  second: ["A second answer to one request was dropped", "the request was answered already"],
  nobody: ["A message was lost: no session is waiting for it", "no session is waiting for it"],
} as const;

export class Phones implements Disposable {
  reportsByItself = true;
  readonly #options: PhonesOptions;
  readonly #phones = new Map<string, UssdSession>();
  readonly #watch: Disposable;
  readonly #stop = new AbortController();

  constructor(options: PhonesOptions) {
    this.#options = options;
    const { transport, ignores = () => false } = options;
    this.#watch = transport.watch({
      published: (message) => ignores(message.from_addr) || this.#show(message),
      reported: (event) => this.#showReport(event),
      taken: (message) => ignores(message.to_addr) || this.#deliver(message),
    });
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
      default:
        throw new PhoneError("Turn and the bridge do not run here");
    }
  }

  has(address: string): boolean {
    return this.#phones.has(address);
  }

  add(address: string): void {
    if (this.#phones.has(address)) return;
    if (this.#phones.size >= MOST_PHONES) {
      throw new PhoneError(`There are ${MOST_PHONES} phones already`);
    }
    const { ussdTimeoutMs: timeoutMs = USSD_MS, ussdWaitMs: waitMs = USSD_WAIT_MS } = this.#options;
    const onEnd = (): void => void this.#hangUp(address);
    this.#phones.set(address, new UssdSession({ timeoutMs, waitMs, onEnd }));
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
      this.#notice(address, `Not sent: ${messageOf(error)}`, action.transport_type === "ussd");
    }
  }

  /** Shows a user's message that went on the queue. */
  #show(message: Message): void {
    const { from_addr: address, session_event, content, message_id: id } = message;
    const session = this.#session(address);
    if (session === undefined) return;
    const ussd = message.transport_type === "ussd";
    const text = content ?? (session_event === "new" ? message.to_addr : "");
    if (text !== "") this.#say({ address, id, by: "user", text, ussd });
    if (!ussd) return;
    const ended = session.userDoes(message);
    if (ended) this.#notice(address, ENDS[ended], ussd);
    this.#tell(address);
  }

  /** Shows a message that the network got for a user. */
  #deliver(message: Message): void {
    const { to_addr: address, content, message_id: id, in_reply_to, session_event } = message;
    const session = this.#session(address);
    if (session === undefined) return;
    const ussd = message.transport_type === "ussd";
    const text = content ?? "";
    const isReserved = this.#options.isReserved?.(address);
    if (this.#options.isFromOthers?.(id)) {
      this.#say({ address, id, by: "service", text, ussd });
      this.#notice(address, "Nobody got this message; Turn is told that it failed", ussd);
      void this.#orNotice(address, ussd, this.#report(id, "nack", NOBODY_GOT_IT));
      return;
    }
    const shown = ussd
      ? session.serviceSays(id, in_reply_to, text, session_event === "resume")
      : "shown";
    if (shown !== "shown") {
      // As on a network: without a request that waits there is no way to the phone.
      const [notice, why] = LOST[shown];
      this.#notice(address, notice, ussd);
      if (!isReserved) void this.#orNotice(address, ussd, this.#report(id, "nack", why));
      return;
    }
    this.#say({ address, id, by: "service", text, ussd });
    if (ussd) this.#tell(address);
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
      this.#notice(address, messageOf(error), ussd);
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

  #notice(address: string, text: string, ussd: boolean): void {
    this.#say({ address, id: "", by: "network", text, ussd });
  }

  #say(said: Omit<PhoneMessage, "kind" | "size" | "at">): void {
    const { by, ussd } = said;
    const text = said.text.slice(0, LONGEST_TEXT);
    const size = by === "service" ? (ussd ? screenSize : smsSize)(said.text) : null;
    this.#options.journal.add({ kind: "said", ...said, text, size, at: Date.now() });
  }

  #tell(address: string): void {
    const session = this.#phones.get(address)?.now ?? null;
    this.#options.journal.tell({ kind: "phone", address, session });
  }
}
