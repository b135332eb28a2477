// What the page shows and does with phones only, for a bridge and a Turn that run elsewhere: it puts
// messages on the connector's queues, and shows what it takes off them.

import { USSD_CODE } from "../tour_messages.ts";
import type { Transport } from "../transport.ts";
import type { Action } from "./actions.ts";
import type { HelloFields, Now, Settings } from "./events.ts";
import { Journal } from "./journal.ts";
import { MessageTraces } from "./message_traces.ts";
import { type Decision, MOST_LEFT, Others, type WaitingMessage } from "./others.ts";
import { PhoneError, Phones } from "./phones.ts";
import type { Play } from "./server.ts";

const USER = "+26612345678";

export interface PhonePlayOptions {
  readonly transport: Transport;
  /** The service's, for SMS. */
  readonly number: string;
  /** What waited in the queue of messages to users, and what becomes of it, if that is known. */
  readonly waited?: readonly WaitingMessage[];
  readonly decision?: Decision | undefined;
}

export class PhonePlay implements Play, AsyncDisposable {
  readonly journal: Journal = new Journal();
  readonly hello: HelloFields;
  readonly #transport: Transport;
  readonly #traces: MessageTraces;
  readonly #phones: Phones;
  readonly #others: Others;
  #hasStarted = false;

  constructor({ transport, number, waited = [], decision }: PhonePlayOptions) {
    const { journal } = this;
    this.#transport = transport;
    this.hello = { whole: false, number, ussdCode: USSD_CODE, connector: transport.connector };
    // Before the phones, which report what becomes of a message as soon as it comes.
    this.#traces = new MessageTraces({ transport, journal });
    this.#phones = new Phones({
      transport,
      journal,
      number,
      isFromOthers: (id) => this.#others.isTakenFromOthers(id),
    });
    this.#phones.add(USER);
    this.#others = new Others({
      waited,
      decision,
      isHere: (address) => this.#phones.has(address),
      onChange: () => journal.tell(this.#others.now),
    });
  }

  /** Begins to take messages to users, as soon as it was said what becomes of those that waited. */
  start(): void {
    if (this.#hasStarted || !this.#others.isDecided) return;
    this.#hasStarted = true;
    this.#transport.start((...args) => this.#others.sort(...args), MOST_LEFT);
  }

  now(): readonly Now[] {
    return [this.#settings, ...this.#phones.all, this.#others.now];
  }

  async act(action: Action): Promise<void> {
    if (action.do === "decide") {
      if (this.#others.isDecided) throw new PhoneError("That has been said already");
      this.#others.decide(action.decision);
      return this.start();
    }
    if (!this.#others.isDecided) {
      throw new PhoneError("Say first what becomes of the messages that wait");
    }
    await this.#phones.act(action);
    if (action.do === "add") this.#others.lookAgain();
    this.journal.tell(this.#settings);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // First, or what is given back would come again.
    await this.#transport.stop();
    this.#others[Symbol.dispose]();
    this.#phones[Symbol.dispose]();
    this.#traces[Symbol.dispose]();
  }

  get #settings(): Settings {
    const turn = { turnAnswers: "200", turnReplies: false, turnDelay: 0, turnMessages: 1 } as const;
    const { reportsByItself: reports } = this.#phones;
    return { kind: "settings", ...turn, reports, load: 0, touring: false };
  }
}
