// What the page shows and does with phones only, for a bridge and a Turn that run elsewhere: it puts
// messages on the connector's queues, and shows what it takes off them.

import { USSD_CODE } from "../tour_messages.ts";
import type { Transport } from "../transport.ts";
import type { Action } from "./actions.ts";
import { BridgeWatch, type BridgeWatchOptions } from "./bridge_watch.ts";
import type { HelloFields, Now, Settings } from "./events.ts";
import { Journal } from "./journal.ts";
import { MessageTraces } from "./message_traces.ts";
import { Network, NETWORKS } from "./network.ts";
import { type Decision, MOST_LEFT, Others, type WaitingMessage } from "./others.ts";
import { PhoneError, Phones } from "./phones.ts";
import type { Play } from "./server.ts";
import { type Transcript, Transcripts } from "./transcripts.ts";

const USER = "+26612345678";

export interface PhonePlayOptions {
  readonly transport: Transport;
  /** What users of the channel write to, or dial. */
  readonly number: string;
  readonly transportType?: string;
  /** What a screen ends with that has another page after it. */
  readonly moreLine?: string;
  /** Where the bridge is looked for; nowhere, unless given. */
  readonly bridge?: BridgeWatchOptions;
  /** What waited in the queue of messages to users, and what becomes of it, if that is known. */
  readonly waited?: readonly WaitingMessage[];
  readonly decision?: Decision | undefined;
  /** What Turn is told of a message that fails. */
  readonly failedStatus?: string;
  /** By which a bad network loses sessions. */
  readonly random?: () => number;
}

export class PhonePlay implements Play, AsyncDisposable {
  readonly journal: Journal = new Journal();
  readonly hello: HelloFields;
  readonly #transport: Transport;
  readonly #traces: MessageTraces;
  readonly #transcripts: Transcripts;
  readonly #phones: Phones;
  readonly #others: Others;
  readonly #bridge: BridgeWatch | undefined;
  #hasStarted = false;

  constructor(options: PhonePlayOptions) {
    const { journal } = this;
    const { transport, number, transportType, moreLine, waited = [], decision, bridge } = options;
    this.#transport = transport;
    const media = transportType === "ussd" || transportType === "sms" ? transportType : "both";
    this.hello = {
      ...{ whole: false, media, number, connector: transport.connector, networks: NETWORKS },
      ussdCode: media === "ussd" ? number : USSD_CODE,
    };
    this.#transcripts = new Transcripts({
      ...{ journal, connector: transport.connector },
      network: () => this.#phones.network.limits,
    });
    // Before the phones, which report what becomes of a message as soon as it comes.
    this.#traces = new MessageTraces({ transport, journal });
    this.#phones = new Phones({
      transport,
      journal,
      number,
      network: new Network(options.random),
      ...moreLine !== undefined && { moreLine },
      isFromOthers: (id) => this.#others.isTakenFromOthers(id),
    });
    this.#phones.add(USER);
    this.#others = new Others({
      waited,
      decision,
      toldAs: options.failedStatus ?? "failed",
      isHere: (address) => this.#phones.has(address),
      onChange: () => journal.tell(this.#others.now),
    });
    this.#bridge = bridge && new BridgeWatch(bridge, {
      isNeeded: () => journal.listeners > 0,
      onChange: (now) => journal.tell(now),
      onWarning: (words) => this.#warnLastUsed(words),
    });
  }

  /** Begins to take messages to users, as soon as it was said what becomes of those that waited. */
  start(): void {
    if (this.#hasStarted || !this.#others.isDecided) return;
    this.#hasStarted = true;
    this.#transport.start((...args) => this.#others.sort(...args), MOST_LEFT);
  }

  now(): readonly Now[] {
    const bridge = this.#bridge === undefined ? [] : [this.#bridge.now];
    return [this.#settings, ...this.#phones.all, this.#others.now, ...bridge];
  }

  transcript(phone: string): Transcript {
    return this.#transcripts.of(phone);
  }

  async act(action: Action): Promise<void> {
    if (action.do === "decide") {
      if (this.#others.isDecided) throw new PhoneError("That has been said already");
      this.#others.decide(action.decision);
      return this.start();
    }
    // A phone takes nothing by being there.
    if (!this.#others.isDecided && action.do !== "add") {
      throw new PhoneError("Say first what becomes of the messages that wait");
    }
    await this.#phones.act(action);
    const { listens, queue } = this.#bridge?.now ?? { listens: true };
    if (!listens && ["text", "dial", "answer"].includes(action.do)) {
      this.#warnLastUsed(`No bridge is listening on ${queue}.`);
    }
    if (action.do === "add") this.#others.lookAgain();
    this.journal.tell(this.#settings);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // First, or what is given back would come again.
    await this.#transport.stop();
    await this.#bridge?.[Symbol.asyncDispose]();
    this.#others[Symbol.dispose]();
    this.#phones[Symbol.dispose]();
    this.#traces[Symbol.dispose]();
    this.#transcripts[Symbol.dispose]();
  }

  /** What is counted is not told of whom: the one whose phone was used last. */
  #warnLastUsed(words: string): void {
    const { lastUsed } = this.#phones;
    if (lastUsed !== "") {
      this.#phones.words.warn(lastUsed, words, this.#phones.isInSession(lastUsed));
    }
  }

  get #settings(): Settings {
    const turn = { turnAnswers: "200", turnReplies: false, turnDelay: 0, turnMessages: 1 } as const;
    return { kind: "settings", ...turn, ...this.#phones.settings, load: 0, touring: false };
  }
}
