// A bridge that runs elsewhere, as far as it can be seen: whether one listens to the queue, by RabbitMQ;
// and by its metrics, what it merges, refuses and is late with, which is what a flow does wrong.

import { sleep } from "../../async/mod.ts";
import { readSamples } from "../../telemetry/mod.ts";
import type { BridgeNow } from "./events.ts";
import { mergedWords, NOT_SHOWN, REFUSED, tooLateWords } from "./warnings.ts";

export interface BridgeWatchOptions {
  readonly connector: string;
  /** The queue to the bridge. */
  readonly queue: string;
  /** How many programs consume it. */
  readonly consumers: () => Promise<number>;
  /** Where the bridge answers operators, as `http://127.0.0.1:8080`. */
  readonly address: string;
}

interface BridgeListener {
  /** Whether anybody would see it. */
  readonly isNeeded: () => boolean;
  readonly onChange: (now: BridgeNow) => void;
  /** A flow did something wrong, a moment ago. */
  readonly onWarning: (words: string) => void;
}

const LOOK_MS = 500;
const TIMEOUT_MS = 3_000;
/** More of a kind within one look are others' than a designer's. */
const MOST_NEWS = 5;

const LATE: Readonly<Record<string, string>> = {
  notice: "an SMS says so, and the next dial shows it",
  sms: "it goes by SMS",
  failed: "Turn is told what failed_status is",
  refused: "Turn was answered 422",
};

export class BridgeWatch implements AsyncDisposable {
  now: BridgeNow;
  readonly #options: BridgeWatchOptions;
  readonly #listener: BridgeListener;
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  /** What was counted at the last look, if there was an answer. */
  #counted: ReadonlyMap<string, number> | undefined;

  constructor(options: BridgeWatchOptions, listener: BridgeListener) {
    this.#options = options;
    this.#listener = listener;
    this.now = { kind: "bridge", queue: options.queue, listens: true, asked: "" };
    this.#watching = this.#watch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    for (; !signal.aborted; await sleep(LOOK_MS, signal)) {
      if (this.#listener.isNeeded()) await this.#look();
      else this.#counted = undefined;
    }
  }

  async #look(): Promise<void> {
    const [consumers, counted] = await Promise.all([this.#consumers(), this.#count()]);
    const asked = counted === undefined ? this.#options.address : "";
    const listens = consumers === undefined ? this.now.listens : consumers > 0;
    if (listens !== this.now.listens || asked !== this.now.asked) {
      this.now = { ...this.now, listens, asked };
      this.#listener.onChange(this.now);
    }
    for (const [what, total] of counted ?? []) {
      // What a bridge counts from its start on is news, and what it had counted before us is not.
      const before = this.#counted?.get(what) ?? total;
      const news = Math.min(total - before, MOST_NEWS);
      for (let told = 0; told < news; told++) this.#listener.onWarning(what);
    }
    this.#counted = counted ?? this.#counted;
  }

  /** Undefined if RabbitMQ does not tell. */
  async #consumers(): Promise<number | undefined> {
    return await this.#options.consumers().catch(() => undefined);
  }

  /** What was done wrong by now, in words, and how often; undefined if the channel's bridge is not there. */
  async #count(): Promise<ReadonlyMap<string, number> | undefined> {
    const { address, connector } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const text = await fetch(`${address}/metrics`, { signal })
      .then((response) => response.text()).catch(() => "");
    const samples = (name: string) =>
      readSamples(text, `turn_channels_${name}`)
        .filter(({ labels }) => labels.connector === connector);
    const screens = samples("ussd_screens_total");
    if (screens.length === 0) return undefined;
    const counted = new Map<string, number>();
    for (const { labels: { messages = "" }, value } of screens) {
      const words = mergedWords(messages === "more" ? "more" : Number(messages));
      if (messages !== "1") counted.set(words, value);
    }
    for (const { labels: { flow, result = "" }, value } of samples("messages_total")) {
      if (flow !== "outbound") continue;
      if (result === "not_shown") counted.set(NOT_SHOWN, value);
      if (result === "unsendable") counted.set(REFUSED, value);
    }
    for (const { labels: { result = "" }, value } of samples("ussd_late_total")) {
      const how = LATE[result];
      if (how !== undefined) counted.set(tooLateWords(how), value);
    }
    return counted;
  }
}
