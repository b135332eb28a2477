/**
 * The users' phones and their network: threads of SMS, USSD sessions with a time-out, and delivery
 * reports. All of it follows from the messages on the queues, whoever put them there.
 *
 * @module
 */

import type { Event, Message } from "../../vumi/mod.ts";
import { ack, deliveryReport, nack, type Transport, type UserAction } from "../transport.ts";
import type { Action } from "./actions.ts";
import type { Phone, Report } from "./events.ts";
import type { Journal } from "./journal.ts";
import { UssdSession } from "./ussd.ts";

/** What {@linkcode Phones} are made of. */
export interface PhonesOptions {
  readonly transport: Transport;
  readonly journal: Journal;
  readonly number: string;
  readonly ussdTimeoutMs: number;
  /** Users whose messages are not shown. */
  readonly ignores?: (address: string) => boolean;
}

/** Something can't be done at a phone, for the reason in the message. */
export class PhoneError extends Error {
  override readonly name = "PhoneError";
}

/** Messages to further users are not shown. */
const MOST_PHONES = 50;
const LONGEST_TEXT = 4_000;
/** Time between the ack and the delivery report. */
const DELIVERY_MS = 400;

export class Phones implements Disposable {
  /** Whether the network reports deliveries by itself. */
  reportsByItself = true;
  readonly #options: PhonesOptions;
  readonly #phones = new Map<string, UssdSession>();
  readonly #reserved = new Set<string>();
  readonly #onTheirWay = new Set<ReturnType<typeof setTimeout>>();
  readonly #watch: Disposable;
  #isOver = false;

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

  /** Does what a person does at a phone; false if the action is about something else. */
  async act(action: Action): Promise<boolean> {
    switch (action.do) {
      case "add":
        this.add(action.address);
        return true;
      case "text":
        await this.text(action.address, action.text);
        return true;
      case "dial":
        await this.dial(action.address, action.code);
        return true;
      case "answer":
        await this.answer(action.address, action.text);
        return true;
      case "hangUp":
        await this.hangUp(action.address);
        return true;
      case "report":
        await this.report(action.id, action.report);
        return true;
      case "setReports":
        this.reportsByItself = action.on;
        return true;
      default:
        return false;
    }
  }

  /** Adds a phone, if there is none. */
  add(address: string): void {
    if (this.#phones.has(address)) return;
    if (this.#phones.size >= MOST_PHONES) {
      throw new PhoneError(`There are ${MOST_PHONES} phones already`);
    }
    const session = new UssdSession({
      timeoutMs: this.#options.ussdTimeoutMs,
      onTimeout: () => void this.#act(address, { content: null, session_event: "close" }),
    });
    this.#phones.set(address, session);
    this.#tell(address);
  }

  /** Keeps these phones from other use until the disposable is disposed. */
  reserve(addresses: readonly string[]): Disposable {
    for (const address of addresses) this.#reserved.add(address);
    return {
      [Symbol.dispose]: () => {
        for (const address of addresses) this.#reserved.delete(address);
      },
    };
  }

  async text(address: string, content: string): Promise<void> {
    this.#own(address);
    await this.#write({ from_addr: address, to_addr: this.#options.number, content }, "sms");
  }

  async dial(address: string, code: string): Promise<void> {
    if (this.#own(address).isOpen) throw new PhoneError("A session is open already");
    const action = { from_addr: address, to_addr: code, session_event: "new" } as const;
    await this.#write(action, "ussd");
  }

  async answer(address: string, content: string): Promise<void> {
    if (!this.#own(address).isAsking) throw new PhoneError("The screen asks nothing");
    await this.#act(address, { content, session_event: "resume" });
  }

  async hangUp(address: string): Promise<void> {
    const session = this.#own(address);
    if (!session.isOpen) throw new PhoneError("No session is open");
    await this.#act(address, { content: null, session_event: "close" });
  }

  async report(id: string, report: Report): Promise<void> {
    await this.#options.transport.publishEvent(toEvent(id, report));
  }

  /** Leaves open sessions open. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#watch[Symbol.dispose]();
    for (const timer of this.#onTheirWay) clearTimeout(timer);
    for (const session of this.#phones.values()) session[Symbol.dispose]();
  }

  /** The user's session, unless the tour uses the phone. */
  #own(address: string): UssdSession {
    if (this.#reserved.has(address)) {
      throw new PhoneError("The tour is using this phone; wait until it ends");
    }
    const session = this.#phones.get(address);
    if (session === undefined) throw new PhoneError("There is no such phone");
    return session;
  }

  async #act(
    address: string,
    fields: Pick<UserAction, "content" | "session_event">,
  ): Promise<void> {
    const code = this.#phones.get(address)?.now?.code ?? "";
    await this.#write({ from_addr: address, to_addr: code, ...fields }, "ussd");
  }

  async #write(
    action: Omit<UserAction, "transport_type">,
    transport_type: "sms" | "ussd",
  ): Promise<void> {
    try {
      const { transport } = this.#options;
      await transport.publish(transport.compose({ ...action, transport_type }));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const ussd = transport_type === "ussd";
      this.#say(action.from_addr, { id: "", by: "network", text: `Not sent: ${why}`, ussd });
    }
  }

  /** Shows a user's message that went on the queue. */
  #show(message: Message): void {
    const { from_addr: address, session_event, content, message_id: id } = message;
    const session = this.#session(address);
    if (session === undefined) return;
    const ussd = message.transport_type === "ussd";
    const text = content ?? (session_event === "new" ? message.to_addr : "");
    if (text !== "") this.#say(address, { id, by: "user", text, ussd });
    if (!ussd) return;
    const ended = session.userDoes(message);
    if (ended === "user") this.#say(address, { id: "", by: "network", text: "Hung up", ussd });
    if (ended === "time") this.#say(address, { id: "", by: "network", text: "Timed out", ussd });
    this.#tell(address);
  }

  /** Shows a message that the network got for a user. */
  #deliver(message: Message): void {
    const { to_addr: address, content, message_id: id, in_reply_to } = message;
    const session = this.#session(address);
    if (session === undefined) return;
    const ussd = message.transport_type === "ussd";
    const text = content ?? "";
    if (ussd && !session.serviceSays(in_reply_to, text, message.session_event === "resume")) {
      // As on a network: without a session there is no way to the phone.
      const why = "no session is waiting for it";
      this.#say(address, { id: "", by: "network", text: `A message was lost: ${why}`, ussd });
      if (!this.#reserved.has(address)) void this.#options.transport.publishEvent(nack(id, why));
      return;
    }
    this.#say(address, { id, by: "service", text, ussd });
    if (ussd) this.#tell(address);
    if (this.reportsByItself && !this.#reserved.has(address)) void this.#reportAll(id, ussd);
  }

  async #reportAll(id: string, ussd: boolean): Promise<void> {
    await this.report(id, "ack");
    if (ussd || this.#isOver) return;
    const timer = setTimeout(() => {
      this.#onTheirWay.delete(timer);
      void this.report(id, "delivered");
    }, DELIVERY_MS);
    this.#onTheirWay.add(timer);
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

  #say(
    address: string,
    said: {
      readonly id: string;
      readonly by: "user" | "service" | "network";
      readonly text: string;
      readonly ussd: boolean;
    },
  ): void {
    const text = said.text.slice(0, LONGEST_TEXT);
    this.#options.journal.add({ kind: "said", address, ...said, text, at: Date.now() });
  }

  #tell(address: string): void {
    const session = this.#phones.get(address)?.now ?? null;
    this.#options.journal.tell({ kind: "phone", address, session });
  }
}

function toEvent(id: string, report: Report): Event {
  switch (report) {
    case "ack":
      return ack(id);
    case "nack":
      return nack(id, "the network refused it");
    case "delivered":
    case "failed":
      return deliveryReport(id, report);
  }
}
