// How many messages of each channel and flow were done with lately, and since when things are as they are:
// looked at every few seconds, for `status`. What is counted for good is in metrics.

import { Repeating } from "../async/mod.ts";
import type { Flow, Metrics } from "../telemetry/mod.ts";

const LOOK_MS = 10_000;
const MINUTE = 60_000 / LOOK_MS;
const HOUR = 60 * MINUTE;

export const FLOWS = ["outbound", "inbound", "status"] as const satisfies readonly Flow[];

/** How many were done with: within the last minute and hour, or since the start if that is shorter. */
export interface Rates {
  readonly minute: number;
  readonly hour: number;
}

interface Watched {
  readonly name: string;
  readonly metrics: Pick<Metrics, "settled" | "total">;
}

/** Looks until it is disposed. */
export class Activity implements AsyncDisposable {
  readonly #channels: readonly Watched[];
  readonly #states: () => Readonly<Record<string, string>>;
  readonly #now: () => number;
  /** By channel and flow, the counts of the last hour. */
  readonly #counts = new Map<string, number[]>();
  readonly #since = new Map<string, { readonly state: string; readonly at: number }>();
  readonly #looking: Repeating;

  /** @param states What may change, each by its name. */
  constructor(
    channels: readonly Watched[],
    states: () => Readonly<Record<string, string>>,
    now: () => number = Date.now,
  ) {
    this.#channels = channels;
    this.#states = states;
    this.#now = now;
    this.look();
    this.#looking = new Repeating(LOOK_MS, () => this.look());
  }

  rates({ name, metrics }: Watched, flow: Flow): Rates {
    const counts = this.#counts.get(`${name} ${flow}`) ?? [];
    const count = done(metrics, flow);
    const within = (looks: number): number => count - (counts.at(-looks) ?? counts[0] ?? 0);
    return { minute: within(MINUTE), hour: within(HOUR) };
  }

  /** Since when the state of this name has been as it is, in milliseconds since 1970, to some seconds. */
  since(name: string): number {
    this.#lookAtStates();
    return this.#since.get(name)?.at ?? this.#now();
  }

  /** Looks now, as it does every ten seconds. */
  look(): void {
    for (const { name, metrics } of this.#channels) {
      for (const flow of FLOWS) {
        const key = `${name} ${flow}`;
        const counts = this.#counts.get(key) ?? [];
        counts.push(done(metrics, flow));
        if (counts.length > HOUR) counts.shift();
        this.#counts.set(key, counts);
      }
    }
    this.#lookAtStates();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#looking[Symbol.asyncDispose]();
  }

  #lookAtStates(): void {
    for (const [name, state] of Object.entries(this.#states())) {
      if (this.#since.get(name)?.state === state) continue;
      this.#since.set(name, { state, at: this.#now() });
    }
  }
}

/** How many messages have come to an end. */
function done(metrics: Watched["metrics"], flow: Flow): number {
  return metrics.settled(flow) - metrics.total(flow, "delayed");
}
