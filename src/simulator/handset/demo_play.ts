/**
 * The whole demo for the page: users' phones, the bridge between, and Turn; and the tour through all
 * of it.
 *
 * @module
 */

import { sleep } from "../../async/mod.ts";
import type { Browser } from "../../broker/mod.ts";
import { NUMBER, type OutboundExample, TOUR_USERS, USSD_CODE } from "../examples.ts";
import type { FakeTurn } from "../fake_turn.ts";
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
import { captions, together } from "./captions.ts";
import { Parking } from "./parking.ts";
import { MessageTraces } from "./message_traces.ts";
import { PhoneError, Phones } from "./phones.ts";
import { act as actOnPhone, isPhoneAction } from "./phone_play.ts";
import type { Play } from "./server.ts";
import { FakeTurnControls } from "./fake_turn_controls.ts";

/** What a {@linkcode DemoPlay} is made of. */
export interface DemoPlayOptions {
  /** Turn. */
  readonly turn: FakeTurn;
  /** Users' side. */
  readonly transport: Transport;
  /** What shows, beside the page, what passes. */
  readonly screen: Narrator;
  /** The bridge's address. */
  readonly bridgeUrl: string;
  /** What Turn signs with. */
  readonly hmacSecret: string;
  /** Where the queues are. */
  readonly broker: Browser;
  /** How long a USSD session lives, in milliseconds. */
  readonly ussdTimeoutMs: number;
  /** Time to read a caption of the tour at the page, in milliseconds; default 1.8 s. */
  readonly tourPauseMs?: number;
}

const LOOK_MS = 500;
const TOUR_PAUSE_MS = 1_800;

/** Plays. */
export class DemoPlay implements Play, AsyncDisposable {
  /** See {@linkcode Play}. */
  readonly journal: Journal = new Journal();
  /** See {@linkcode Play}. */
  readonly hello: Omit<Hello, "anew">;
  /** What passes of people's messages, but for the tour's, and where all that is done here is. */
  readonly stage: Scenario;
  readonly #options: DemoPlayOptions;
  readonly #parts = new DisposableStack();
  readonly #phones: Phones;
  readonly #passages: MessageTraces;
  readonly #desk: FakeTurnControls;
  readonly #load: Load;
  readonly #parking: Parking;
  readonly #toured = new Set<string>();
  readonly #stop = new AbortController();
  #looking: Promise<void> = Promise.resolve();
  #touring: Promise<unknown> | undefined;
  #health: Health = { kind: "health", report: null, counters: [], limits: [] };

  /** Makes it, with two phones. */
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
    this.stage = this.#parts.use(this.#makeStage(
      options.screen,
      (address) => !isLoad(address) && !this.#toured.has(address),
    ));
    const { stage } = this;
    // Before the phones, which report what becomes of a message as soon as it comes.
    this.#passages = this.#parts.use(
      new MessageTraces({ transport, journal, turn: { fake: turn, hmacSecret }, ignores: isLoad }),
    );
    this.#phones = this.#parts.use(
      new Phones({
        transport,
        journal,
        number: NUMBER,
        ussdTimeoutMs,
        userWrites: (action) => stage.userWrites(action),
        transportReports: (event) => stage.transportReports(event),
        ignores: isLoad,
      }),
    );
    this.#desk = this.#parts.use(
      new FakeTurnControls({
        turn,
        ussdCode: USSD_CODE,
        send: (request) => stage.turnSends(request),
        ignores: isLoad,
      }),
    );
    this.#load = this.#parts.use(
      new Load({ transport, turn, number: NUMBER, sampled: (sample) => journal.tell(sample) }),
    );
    this.#parking = new Parking({
      queues,
      broker,
      onParked: ({ key, queue, reason }) => this.#passages.parked(key, queue, reason),
      onReplayed: ({ key }, queue) => this.#passages.replayed(key, queue),
    });
    for (const address of TOUR_USERS) this.#phones.add(address);
    this.#looking = this.#lookOn();
  }

  /** See {@linkcode Play}. */
  now(): readonly Now[] {
    return [this.#settings, ...this.#phones.all, this.#health, this.#parking.parked];
  }

  /** See {@linkcode Play}. */
  async act(action: Action): Promise<void> {
    if (isPhoneAction(action)) {
      await actOnPhone(this.#phones, action);
    } else if (action.do === "send") {
      this.#send(action);
    } else if (action.do === "replay") {
      await this.#parking.replay(action.key);
    } else if (action.do === "tour") {
      if (this.#touring !== undefined) throw new PhoneError("The tour plays already");
      const { tourPauseMs = TOUR_PAUSE_MS } = this.#options;
      this.#touring = this.tour(undefined, tourPauseMs).finally(() => this.#touring = undefined);
    } else if (action.do === "setLoad") {
      this.#load.rate = action.rate;
    } else if (action.do === "setTurnAnswers") {
      this.#desk.mode = action.mode;
    } else if (action.do === "setTurnReplies") {
      this.#desk.repliesByItself = action.on;
    }
    this.journal.tell(this.#settings);
  }

  /** Plays the tour, here and on `screen`, if that is given. Answers whether all went well. */
  async tour(screen: Narrator | undefined, pauseMs = 0, stop?: AbortSignal): Promise<boolean> {
    const narrator = together(captions(this.journal), ...(screen === undefined ? [] : [screen]));
    using _phones = this.#phones.hold(TOUR_USERS);
    using _desk = this.#desk.hold(TOUR_USERS);
    for (const address of TOUR_USERS) this.#toured.add(address);
    using stage = this.#makeStage(narrator, (address) => TOUR_USERS.includes(address));
    this.journal.tell(this.#settings);
    try {
      const signals = [this.#stop.signal, ...(stop === undefined ? [] : [stop])];
      return await runTour({ stage, screen: narrator, stop: AbortSignal.any(signals), pauseMs });
    } finally {
      this.#toured.clear();
      this.journal.tell(this.#settings);
    }
  }

  /** Takes what the bridge logs. */
  readonly logListener: LogListener = {
    line: (line) => this.journal.add(line),
    values: ({ messageId, eventId, delayMs, waitMs, result }) => {
      const id = String(eventId ?? messageId);
      const pauseMs = delayMs ?? waitMs;
      if (typeof pauseMs === "number") this.#passages.retryIn(id, pauseMs);
      if (result === "skipped") this.#passages.skipped(id);
    },
  };

  /** Ends all. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#parts.dispose();
    await Promise.all([this.#looking, this.#touring]);
  }

  get #settings(): Settings {
    return {
      kind: "settings",
      turnAnswers: this.#desk.mode,
      turnReplies: this.#desk.repliesByItself,
      reports: this.#phones.reportsByItself,
      load: this.#load.rate,
      touring: this.#toured.size > 0,
    };
  }

  #makeStage(screen: Narrator, concerns: (address: string) => boolean): Scenario {
    const { turn, transport, bridgeUrl, hmacSecret } = this.#options;
    const messagesUrl = `${bridgeUrl}/messages`;
    return new Scenario({ turn, transport, screen, messagesUrl, hmacSecret, concerns });
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
    // What it comes to is seen by those who watch, and may take its time.
    void this.stage.turnSends(request, badSignature ? wrong : {}).catch(() => {});
  }

  /** Looks at the bridge for as long as somebody looks at us. */
  async #lookOn(): Promise<void> {
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
