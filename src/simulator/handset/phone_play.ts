// What the page shows and does with phones only, for a bridge and a Turn that run elsewhere: it puts
// messages on the connector's queues, and shows what it takes off them.

import { getLogger } from "@logtape/logtape";
import { messageOf, sleep } from "../../async/mod.ts";
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

const log = getLogger(["turn-channels", "simulator"]);

const USER = "+26612345678";
/** How often to look who else consumes the queue. */
const LOOK_MS = 500;

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
  /**
   * How many programs consume the queue of messages to users. Beside another one nothing is taken; if
   * this is not given, nobody looks.
   */
  readonly consumers?: (() => Promise<number>) | undefined;
  /** What Turn is told of a message that fails. */
  readonly failedStatus?: string;
  /** By which a bad network loses sessions. */
  readonly random?: () => number;
}

export class PhonePlay implements Play, AsyncDisposable {
  readonly journal: Journal = new Journal();
  readonly hello: HelloFields;
  readonly #transport: Transport;
  readonly #consumers: () => Promise<number>;
  readonly #traces: MessageTraces;
  readonly #transcripts: Transcripts;
  readonly #phones: Phones;
  readonly #others: Others;
  readonly #bridge: BridgeWatch | undefined;
  /** Phones that links have opened, and nobody has used yet: what comes for them is left. */
  readonly #linked = new Set<string>();
  readonly #stop = new AbortController();
  #watching: Promise<void> | undefined;

  constructor(options: PhonePlayOptions) {
    const { journal } = this;
    const { transport, number, transportType, moreLine, waited = [], decision, bridge } = options;
    this.#transport = transport;
    this.#consumers = options.consumers ?? (() => Promise.resolve(0));
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
      isHere: (address) => this.#phones.has(address) && !this.#linked.has(address),
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
    if (this.#watching !== undefined || !this.#others.isDecided) return;
    this.#transport.start((...args) => this.#others.sort(...args), MOST_LEFT);
    this.#watching = this.#watchConsumers();
  }

  now(): readonly Now[] {
    const bridge = this.#bridge === undefined ? [] : [this.#bridge.now];
    return [this.#settings, ...this.#phones.all, this.#others.now, ...bridge];
  }

  transcript(phone: string): Transcript {
    return this.#transcripts.of(phone);
  }

  async act(action: Action): Promise<void> {
    if (action.do === "decide") return await this.#decide(action.decision);
    // A phone takes nothing by being there.
    if (!this.#others.isDecided && action.do !== "add") {
      throw new PhoneError("Say first what becomes of the messages that wait");
    }
    if (this.#others.isGivenBack && action.do !== "add") {
      throw new PhoneError("Another program consumes the queue: end one, and start handset again");
    }
    if ("address" in action) this.#claim(action);
    await this.#phones.act(action);
    const { listens, queue } = this.#bridge?.now ?? { listens: true };
    if (!listens && ["text", "dial", "answer"].includes(action.do)) {
      this.#warnLastUsed(`No bridge is listening on ${queue}.`);
    }
    if (action.do === "add") this.#others.lookAgain();
    this.journal.tell(this.#settings);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    // First, or what is given back would come again.
    await this.#transport.stop();
    this.#others[Symbol.dispose]();
    await this.#watching;
    await this.#bridge?.[Symbol.asyncDispose]();
    this.#phones[Symbol.dispose]();
    this.#traces[Symbol.dispose]();
    this.#transcripts[Symbol.dispose]();
  }

  /** Who adds or uses a phone gets what is for it; a link can't have anything taken. */
  #claim(action: Extract<Action, { address: string }>): void {
    const { address } = action;
    const isAdding = action.do === "add";
    const isByLink = isAdding && action.byLink;
    if (isByLink ? this.#phones.has(address) : !this.#linked.has(address)) return;
    if ((isByLink || !isAdding) && this.#others.isAnyFor(address)) {
      throw new PhoneError(
        "Messages wait for this number, perhaps for a real person: if it is yours, add it as a new phone",
      );
    }
    if (isByLink) {
      this.#phones.add(address);
      this.#linked.add(address);
    } else this.#linked.delete(address);
  }

  async #decide(decision: Decision): Promise<void> {
    const consumers = await this.#consumers().catch((error) => {
      throw new PhoneError(`Who else consumes the queue is not known: ${messageOf(error)}`);
    });
    if (this.#others.isDecided) throw new PhoneError("That has been said already");
    if (consumers > 0) {
      throw new PhoneError(
        "Another program consumes the queue, most likely a transport: end it first",
      );
    }
    this.#others.decide(decision);
    this.start();
  }

  /** Gives all back once another program consumes too: what is left here would not reach it. */
  async #watchConsumers(): Promise<void> {
    const { signal } = this.#stop;
    let seen = 0;
    for (; !signal.aborted; await sleep(LOOK_MS, signal)) {
      // While RabbitMQ can't be asked nothing comes either.
      const consumers = await this.#consumers().catch(() => 0);
      // For a moment it may be ourselves, of a connection that was lost.
      seen = consumers > 1 ? seen + 1 : 0;
      if (seen < 2 || signal.aborted) continue;
      await this.#transport.stop();
      this.#others.giveBack();
      const { outbound: queue } = this.#transport.queues;
      const text =
        "Another program consumes {queue} too, most likely a transport: all that was left " +
        "was given back, and nothing is taken any more. End one of the two, and start handset again";
      return log.warn(text, { queue });
    }
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
