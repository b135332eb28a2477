// The operator's network as users have it: what fits on its screens, how long it waits for one, and whether
// it loses sessions now and then.

import type { NetworkLimits } from "./events.ts";

/** Operators differ; the first one is as most are. */
export const NETWORKS: readonly [NetworkLimits, ...NetworkLimits[]] = [
  { id: "usual", name: "182 characters, waits 15 s", pageChars: 182, waitSeconds: 15 },
  { id: "hurried", name: "182 characters, waits 8 s", pageChars: 182, waitSeconds: 8 },
  { id: "patient", name: "182 characters, waits 30 s", pageChars: 182, waitSeconds: 30 },
  { id: "small", name: "160 characters, waits 15 s", pageChars: 160, waitSeconds: 15 },
  { id: "small-hurried", name: "160 characters, waits 8 s", pageChars: 160, waitSeconds: 8 },
  { id: "small-patient", name: "160 characters, waits 30 s", pageChars: 160, waitSeconds: 30 },
];

/** Of so many requests and answers a bad network loses one. */
const ONE_IN = 4;
/** How soon after it, at the latest: while the screen is waited for, or while the user reads it. */
const LONGEST_MS = 4_000;

export class Network {
  limits: NetworkLimits = NETWORKS[0];
  isBad = false;
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Does nothing if there is no such one. */
  choose(id: string): void {
    this.limits = NETWORKS.find((network) => network.id === id) ?? this.limits;
  }

  /** In how many milliseconds the session that goes on now is lost; undefined if it is not. */
  loss(): number | undefined {
    if (!this.isBad || this.#random() * ONE_IN >= 1) return undefined;
    return this.#random() * LONGEST_MS;
  }
}
