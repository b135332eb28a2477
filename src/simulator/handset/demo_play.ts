/**
 * The page's play of the demo: phones, the bridge and Turn, and the tour through all of it.
 *
 * @module
 */

import { sleep } from "../../async/mod.ts";
import type { Browser } from "../../broker/mod.ts";
import { NUMBER, type OutboundExample, TOUR_USERS, USSD_CODE } from "../examples.ts";
import type { FakeTurn, SendOptions } from "../fake_turn.ts";
import type { Narrator } from "../screen.ts";
import { Scenario } from "../scenario.ts";
import { runTour } from "../tour.ts";
import type { Transport } from "../transport.ts";
import type { Action } from "./actions.ts";
import type { Health, Hello, Now, Settings } from "./events.ts";
import { askHealth } from "./health.ts";
import { Journal } from "./journal.ts";
import type { LogListener } from "./log_tap.ts";
import { isLoad, Load } from "./load.ts";
import { Parking } from "./parking.ts";
import { MessageTraces } from "./message_traces.ts";
import { PhoneError, Phones } from "./phones.ts";
import type { Play } from "./server.ts";
import { FakeTurnControls } from "./fake_turn_controls.ts";

interface DemoPlayOptions {
  readonly turn: FakeTurn;
  readonly transport: Transport;
  readonly bridgeUrl: string;
  readonly hmacSecret: string;
  readonly broker: Browser;
  readonly ussdTimeoutMs: number;
  /** Time to read a caption of the tour at the page; default 1.8 s. */
  readonly tourPauseMs?: number;
}

const LOOK_MS = 500;
const TOUR_PAUSE_MS = 1_800;

export class DemoPlay implements Play, AsyncDisposable {
  readonly journal: Journal = new Journal();
  readonly hello: Omit<Hello, "anew">;
  readonly #options: DemoPlayOptions;
  readonly #parts = new DisposableStack();
  readonly #phones: Phones;
  readonly #traces: MessageTraces;
  readonly #turnControls: FakeTurnControls;
  readonly #load: Load;
  readonly #parking: Parking;
  readonly #stop = new AbortController();
  #polling: Promise<void> = Promise.resolve();
  #tourOfPage: Promise<unknown> | undefined;
  #isTourOn = false;
  #health: Health = { kind: "health", report: null, counters: [], limits: [] };

  constructor(options: DemoPlayOptions) {
    this.#options = options;
    const { turn, transport, hmacSecret, broker, ussdTimeoutMs } = options;
    const { journal } = this;
    const { queues } = transport;
    this.hello = {
      kind: "hello",
      whole: true,
      number: NUMBER,
      ussdCode: USSD_CODE,
      connector: queues.inbound.replace(/\.inbound$/, ""),
    };
    // Before the phones, which report what becomes of a message as soon as it comes.
    this.#traces = this.#parts.use(
      new MessageTraces({ transport, journal, turn: { fake: turn, hmacSecret }, ignores: isLoad }),
    );
    this.#phones = this.#parts.use(
      new Phones({
        transport,
        journal,
        number: NUMBER,
        ussdTimeoutMs,
        ignores: isLoad,
      }),
    );
    this.#turnControls = this.#parts.use(
      new FakeTurnControls({
        turn,
        ussdCode: USSD_CODE,
        send: (request) => this.#turnSends(request),
        ignores: isLoad,
      }),
    );
    this.#load = this.#parts.use(
      new Load({ transport, turn, number: NUMBER, sampled: (sample) => journal.tell(sample) }),
    );
    this.#parking = new Parking({
      queues,
      broker,
      onParked: ({ key, queue, reason }) => this.#traces.parked(key, queue, reason),
      onReplayed: ({ key }, queue) => this.#traces.replayed(key, queue),
    });
    for (const address of TOUR_USERS) this.#phones.add(address);
    this.#polling = this.#poll();
  }

  now(): readonly Now[] {
    return [this.#settings, ...this.#phones.all, this.#health, this.#parking.parked];
  }

  async act(action: Action): Promise<void> {
    if (action.do === "send") {
      this.#send(action);
    } else if (action.do === "replay") {
      await this.#parking.replay(action.key);
    } else if (action.do === "tour") {
      if (this.#tourOfPage !== undefined) throw new PhoneError("The tour is playing already");
      const { tourPauseMs = TOUR_PAUSE_MS } = this.#options;
      this.#tourOfPage = this.tour(undefined, tourPauseMs)
        .finally(() => this.#tourOfPage = undefined);
    } else if (action.do === "setLoad") {
      this.#load.rate = action.rate;
    } else if (action.do === "setTurnAnswers") {
      this.#turnControls.mode = action.mode;
    } else if (action.do === "setTurnReplies") {
      this.#turnControls.repliesByItself = action.on;
    } else await this.#phones.act(action);
    this.journal.tell(this.#settings);
  }

  /** Plays the tour, on the page and on `screen` if that is given; true if all went well. */
  async tour(screen: Narrator | undefined, pauseMs = 0, stop?: AbortSignal): Promise<boolean> {
    const { journal } = this;
    const narrator: Narrator = {
      heading: (title, text) => {
        screen?.heading(title, text);
        journal.add({ kind: "caption", title, text });
      },
      passed: (...words) => screen?.passed(...words),
      verdict: (good, text) => {
        screen?.verdict(good, text);
        journal.add({ kind: "verdict", good, text });
      },
      say: (text) => screen?.say(text),
    };
    using _phones = this.#phones.reserve(TOUR_USERS);
    using _replies = this.#turnControls.pauseFor(TOUR_USERS);
    const { turn, transport, hmacSecret } = this.#options;
    using scenario = new Scenario({
      turn,
      transport,
      screen: narrator,
      messagesUrl: this.#messagesUrl,
      hmacSecret,
      concerns: (address) => TOUR_USERS.includes(address),
    });
    this.#isTourOn = true;
    journal.tell(this.#settings);
    try {
      const signals = [this.#stop.signal, ...(stop === undefined ? [] : [stop])];
      return await runTour({ scenario, screen: narrator, stop: AbortSignal.any(signals), pauseMs });
    } finally {
      this.#isTourOn = false;
      journal.tell(this.#settings);
    }
  }

  /** Shows what the bridge logs on the page. */
  readonly logListener: LogListener = {
    line: (line) => this.journal.add(line),
    values: ({ messageId, eventId, delayMs, waitMs, result }) => {
      const id = String(eventId ?? messageId);
      const pauseMs = delayMs ?? waitMs;
      if (typeof pauseMs === "number") this.#traces.retryIn(id, pauseMs);
      if (result === "skipped") this.#traces.skipped(id);
    },
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#parts.dispose();
    await Promise.all([this.#polling, this.#tourOfPage]);
  }

  get #settings(): Settings {
    return {
      kind: "settings",
      turnAnswers: this.#turnControls.mode,
      turnReplies: this.#turnControls.repliesByItself,
      reports: this.#phones.reportsByItself,
      load: this.#load.rate,
      touring: this.#isTourOn,
    };
  }

  get #messagesUrl(): string {
    return `${this.#options.bridgeUrl}/messages`;
  }

  #turnSends(request: OutboundExample, more: Pick<SendOptions, "signature"> = {}) {
    const { turn, hmacSecret } = this.#options;
    return turn.ask(this.#messagesUrl, request, { secret: hmacSecret, ...more });
  }

  #send(action: Extract<Action, { do: "send" }>): void {
    const { to, text, waits, replyTo, badSignature } = action;
    const request: OutboundExample = {
      to,
      turn: { type: "text", text: { body: text } },
      waiting_for_user_input: waits,
      ...(replyTo === "" ? {} : { reply_to: replyTo }),
    };
    const wrong = { signature: btoa("not what it should be, at all...") };
    // Watchers see what comes of it.
    void this.#turnSends(request, badSignature ? wrong : {}).catch(() => {});
  }

  /** Asks the bridge how it is for as long as a page is open. */
  async #poll(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (this.journal.listeners > 0) await this.#look();
      await sleep(LOOK_MS, signal);
    }
  }

  async #look(): Promise<void> {
    const before = JSON.stringify([this.#health, this.#parking.parked]);
    this.#health = await askHealth(this.#options.bridgeUrl);
    const parked = await this.#parking.look();
    if (JSON.stringify([this.#health, parked]) === before) return;
    this.journal.tell(this.#health);
    this.journal.tell(parked);
  }
}
