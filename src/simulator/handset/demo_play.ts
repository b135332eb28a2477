// What the page of the demo shows and does: phones, the bridge and Turn, and the tour through all of it.

import { sleep } from "../../async/mod.ts";
import type { Browser } from "../../broker/mod.ts";
import { Screen } from "../screen.ts";
import type { RequestBody, SignOptions, SimulatedTurn } from "../simulated_turn.ts";
import { runTour } from "../tour.ts";
import { NUMBER, TOUR_USERS, USSD_CODE } from "../tour_messages.ts";
import type { Transport } from "../transport.ts";
import type { Action } from "./actions.ts";
import type { Health, HelloFields, Now, Settings } from "./events.ts";
import { FlowWatch } from "./flow_watch.ts";
import { askHealth } from "./health.ts";
import { Journal } from "./journal.ts";
import { isLoad, Load } from "./load.ts";
import type { LogListener } from "./log_tap.ts";
import { MessageTraces } from "./message_traces.ts";
import { NETWORKS } from "./network.ts";
import { Parking } from "./parking.ts";
import { PhoneError, Phones } from "./phones.ts";
import type { Play } from "./server.ts";
import { type Transcript, Transcripts } from "./transcripts.ts";
import { TurnControls } from "./turn_controls.ts";

interface DemoPlayOptions {
  readonly turn: SimulatedTurn;
  readonly transport: Transport;
  readonly bridgeUrl: string;
  readonly hmacSecret: string;
  readonly broker: Browser;
  /** How long a USSD session lives; as on a network, unless given. */
  readonly ussdTimeoutMs?: number | undefined;
  /** How long a network waits for each screen of it; as on a network, unless given. */
  readonly ussdWaitMs?: number | undefined;
  /** Time to read a caption of the tour at the page; default 1.8 s. */
  readonly tourPauseMs?: number;
}

const LOOK_MS = 500;
const TOUR_PAUSE_MS = 1_800;
const WRONG_SIGNATURE = btoa("not what it should be, at all...");

export class DemoPlay implements Play, AsyncDisposable {
  readonly journal: Journal = new Journal();
  readonly hello: HelloFields;
  readonly #options: DemoPlayOptions;
  readonly #parts = new DisposableStack();
  readonly #transcripts: Transcripts;
  readonly #phones: Phones;
  readonly #traces: MessageTraces;
  readonly #flowWatch: FlowWatch;
  readonly #turnControls: TurnControls;
  readonly #load: Load;
  readonly #parking: Parking;
  readonly #stop = new AbortController();
  readonly #polling: Promise<void>;
  #tourOfPage: Promise<unknown> | undefined;
  /** Requests to the bridge that it has not answered. */
  readonly #asked = new Set<Promise<unknown>>();
  #isTouring = false;
  #health: Health = { kind: "health", report: null, limits: [] };

  constructor(options: DemoPlayOptions) {
    this.#options = options;
    const { turn, transport, broker, ussdTimeoutMs, ussdWaitMs } = options;
    const { journal } = this;
    const { connector } = transport;
    const ignores = isLoad;
    const isReserved = (address: string) => this.#isTouring && TOUR_USERS.includes(address);
    this.hello = {
      ...{ whole: true, media: "both", number: NUMBER, ussdCode: USSD_CODE, connector },
      networks: NETWORKS,
    };
    this.#transcripts = this.#parts.use(
      new Transcripts({
        ...{ journal, connector, turn },
        network: () => this.#phones.network.limits,
      }),
    );
    // Before the phones, which report what becomes of a message as soon as it comes.
    this.#traces = this.#parts.use(
      new MessageTraces({
        ...{ transport, journal, turn, ignores },
        onMerged: (address, count) => this.#flowWatch.merged(address, count),
        onLate: (trace) => this.#flowWatch.late(trace),
      }),
    );
    this.#phones = this.#parts.use(
      new Phones({
        ...{ transport, journal, number: NUMBER, ussdTimeoutMs, ussdWaitMs },
        ...{ ignores, isReserved },
      }),
    );
    this.#flowWatch = this.#parts.use(new FlowWatch({ turn, phones: this.#phones, ignores }));
    this.#turnControls = this.#parts.use(
      new TurnControls({
        turn,
        send: (request) => this.#turnSends(request),
        ignores: (address) => isLoad(address) || isReserved(address),
      }),
    );
    this.#load = this.#parts.use(new Load({ transport, turn, journal }));
    this.#parking = new Parking({
      queues: transport.queues,
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

  transcript(phone: string): Transcript {
    return this.#transcripts.of(phone);
  }

  async act(action: Action): Promise<void> {
    switch (action.do) {
      case "send":
        this.#send(action);
        break;
      case "replay":
        await this.#parking.replay(action.key);
        break;
      case "tour": {
        if (this.#isTouring) throw new PhoneError("The tour is playing already");
        const { tourPauseMs = TOUR_PAUSE_MS } = this.#options;
        this.#tourOfPage = this.tour(new Screen(() => {}, false), tourPauseMs);
        break;
      }
      case "setLoad":
        this.#load.rate = action.rate;
        break;
      case "setTurnAnswers":
        this.#turnControls.mode = action.mode;
        if (action.mode !== "none") this.#options.turn.release();
        break;
      case "setTurnReplies":
        this.#turnControls.repliesByItself = action.on;
        break;
      case "setTurnDelay":
        this.#turnControls.delayMs = action.seconds * 1_000;
        break;
      case "setTurnMessages":
        this.#turnControls.messagesPerAnswer = action.count;
        break;
      default:
        await this.#phones.act(action);
    }
    this.journal.tell(this.#settings);
  }

  /** Plays the tour, on the page and on `screen`; true if all went well. */
  async tour(screen: Screen, pauseMs = 0, stop = this.#stop.signal): Promise<boolean> {
    const { journal } = this;
    this.#isTouring = true;
    journal.tell(this.#settings);
    screen.tell = (words) => journal.add(words);
    try {
      return await runTour({
        ...this.#options,
        ask: (request) => this.#turnSends(request),
        screen,
        stop: AbortSignal.any([this.#stop.signal, stop]),
        pauseMs,
      });
    } finally {
      this.#isTouring = false;
      journal.tell(this.#settings);
    }
  }

  readonly logListener: LogListener = {
    line: (line) => this.journal.add(line),
    values: ({ messageId, eventId, delayMs, waitMs, result, reason }) => {
      const id = String(eventId ?? messageId);
      const pauseMs = delayMs ?? waitMs;
      if (typeof pauseMs === "number") this.#traces.retryIn(id, pauseMs, `${reason}`);
      if (result === "skipped") this.#traces.skipped(id);
      if (result === "not_shown") {
        this.#traces.notShown(id);
        this.#flowWatch.notShown(id);
      }
    },
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#parts.dispose();
    // The bridge answers within the 5 seconds that Turn waits.
    await Promise.all([this.#polling, this.#tourOfPage, ...this.#asked]);
  }

  get #settings(): Settings {
    return {
      kind: "settings",
      turnAnswers: this.#turnControls.mode,
      turnReplies: this.#turnControls.repliesByItself,
      turnDelay: this.#turnControls.delayMs / 1_000,
      turnMessages: this.#turnControls.messagesPerAnswer,
      ...this.#phones.settings,
      load: this.#load.rate,
      touring: this.#isTouring,
    };
  }

  /** Watchers see what comes of it. */
  #turnSends(request: RequestBody, more: Pick<SignOptions, "signature"> = {}) {
    const { turn, bridgeUrl, hmacSecret: secret } = this.#options;
    const asked = turn.ask(`${bridgeUrl}/messages`, request, { secret, ...more });
    this.#asked.add(asked);
    void asked.finally(() => this.#asked.delete(asked));
    return asked;
  }

  #send(action: Extract<Action, { do: "send" }>): void {
    const { to, turn, content, waits, replyTo, badSignature } = action;
    const request: RequestBody = {
      to,
      turn,
      ...(content === "" ? {} : { content }),
      waiting_for_user_input: waits,
      ...(replyTo === "" ? {} : { reply_to: replyTo }),
    };
    void this.#turnSends(request, badSignature ? { signature: WRONG_SIGNATURE } : {});
  }

  /** Asks the bridge how it is for as long as a page is open. */
  async #poll(): Promise<void> {
    const { signal } = this.#stop;
    for (; !signal.aborted; await sleep(LOOK_MS, signal)) {
      if (this.journal.listeners === 0) continue;
      const before = JSON.stringify([this.#health, this.#parking.parked]);
      this.#health = await askHealth(this.#options.bridgeUrl);
      const parked = await this.#parking.look();
      if (JSON.stringify([this.#health, parked]) === before) continue;
      this.journal.tell(this.#health);
      this.journal.tell(parked);
    }
  }
}
