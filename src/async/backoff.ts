// Pauses between attempts that grow and vary, so that many clients of a broker that comes back do
// not all arrive at once.

import { sleep } from "./sleep.ts";

/** The length of the pauses of a {@linkcode Backoff}. */
export interface BackoffOptions {
  /** The first pause at its longest, in milliseconds. */
  readonly initialDelayMs: number;
  /** The longest pause, in milliseconds. */
  readonly maxDelayMs: number;
}

/** The pauses in one series of attempts. */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempt = 0;

  /** Starts a series. */
  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Begins again with the shortest pause. */
  reset(): void {
    this.#attempt = 0;
  }

  /** Waits between half and all of the next, doubled pause; resolves early when `signal` fires. */
  async pause(signal: AbortSignal): Promise<void> {
    const { initialDelayMs, maxDelayMs } = this.#options;
    const longest = Math.min(maxDelayMs, initialDelayMs * 2 ** this.#attempt++);
    await sleep(longest * (0.5 + Math.random() / 2), signal);
  }
}
