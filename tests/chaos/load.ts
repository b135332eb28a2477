/**
 * Turn's load: requests to send messages, as Turn makes them. It sends again what was not answered, or
 * with a 5xx, and never what had a 4xx; and it keeps what each request came to.
 *
 * @module
 */

import { sign, SIGNATURE_HEADER } from "../../src/turn/mod.ts";
import type { Put } from "./history.ts";

/** The secret that it signs with. */
export const SECRET = "hmac-secret-of-the-chaos-tests";

/** What is to be sent; one user's one after the other. */
export interface Wish {
  /** To whom. */
  readonly user: string;
  /** What; nobody else wishes the same. */
  readonly content: string;
}

/** One try of a request. */
export interface Try {
  /** When it began; milliseconds since 1970. */
  readonly at: number;
  /** How long it took. */
  readonly ms: number;
  /** The status; 0 if there was no answer, which leaves open what became of it. */
  readonly status: number;
  /** The header, if there was one. */
  readonly retryAfter?: string | undefined;
}

/** What a request came to. */
export interface Outcome extends Wish {
  /** Each time that it was made. */
  readonly tries: Try[];
  /** The id that it was answered with; nothing if it never was. */
  id?: string;
}

/** How a {@linkcode TurnLoad} sends. */
export interface LoadOptions {
  /** The `POST /messages` of the bridge. */
  readonly url: string;
  /** Most requests at once. */
  readonly concurrency: number;
  /** Longest for one try. */
  readonly timeoutMs?: number;
  /** Most tries of one request. */
  readonly maxTries?: number;
  /** Least time between the beginnings of two requests. */
  readonly intervalMs?: number;
}

const encoder = new TextEncoder();

/** Sends. */
export class TurnLoad implements Disposable {
  /** What came of each request, in the order in which they began. */
  readonly outcomes: Outcome[] = [];
  readonly #options: Required<LoadOptions>;
  readonly #stop = new AbortController();
  // Without reuse of connections: Deno's fetch makes a POST again by itself if one was closed without
  // an answer, and this must know of each.
  readonly #http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  #nextAt = 0;
  #isEnough = false;

  /** Keeps the options; nothing is sent yet. */
  constructor(options: LoadOptions) {
    this.#options = { timeoutMs: 10_000, maxTries: 300, intervalMs: 0, ...options };
  }

  /** Requests that had a 200, and those that had not. */
  get puts(): Put[] {
    return this.outcomes.filter(({ tries }) => tries.length > 0).map((outcome) => ({
      id: outcome.content,
      user: outcome.user,
      certain: outcome.id !== undefined,
    }));
  }

  /** Sends all that is wished, and resolves when nothing is left to be tried. */
  async send(wishes: readonly Wish[]): Promise<void> {
    const queues = [...Map.groupBy(wishes, ({ user }) => user).values()].map((queue) => [...queue]);
    const idle = [...queues];
    const work = async (): Promise<void> => {
      for (let queue = idle.shift(); queue && !this.#isEnough; queue = idle.shift()) {
        const wish = queue.shift();
        if (wish) await this.#send(wish);
        if (queue.length > 0) idle.push(queue);
      }
    };
    const workers = Math.min(this.#options.concurrency, queues.length);
    await Promise.all(Array.from({ length: workers }, work));
  }

  /** Begins no more requests; what is under way goes on. */
  enough(): void {
    this.#isEnough = true;
  }

  /** Gives up what is under way. */
  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#http[Symbol.dispose]();
  }

  async #send(wish: Wish): Promise<void> {
    const outcome: Outcome = { ...wish, tries: [] };
    this.outcomes.push(outcome);
    const now = performance.now();
    const startAt = Math.max(now, this.#nextAt);
    this.#nextAt = startAt + this.#options.intervalMs;
    await this.#pause(startAt - now);
    for (let pauseMs = 50;; pauseMs *= 2) {
      if (this.#stop.signal.aborted) return;
      const made = await this.#try(outcome);
      outcome.tries.push(made);
      if (outcome.id !== undefined || (made.status >= 400 && made.status < 500)) return;
      if (outcome.tries.length >= this.#options.maxTries) return;
      const asked = Number(made.retryAfter ?? 0) * 1000;
      await this.#pause(Math.max(asked, Math.min(pauseMs, 1000)));
    }
  }

  async #try(outcome: Outcome): Promise<Try> {
    const at = Date.now();
    const begin = performance.now();
    const took = (): number => performance.now() - begin;
    try {
      const response = await this.#post(outcome);
      const answer = await response.json();
      if (response.ok) outcome.id = String(answer.messages[0].id);
      const retryAfter = response.headers.get("retry-after") ?? undefined;
      return { at, ms: took(), status: response.status, retryAfter };
    } catch {
      return { at, ms: took(), status: 0 }; // Refused, broken off or timed out.
    }
  }

  #post({ user, content }: Wish): Promise<Response> {
    const turn = { type: "text", text: { body: content } };
    const body = encoder.encode(JSON.stringify({ to: user, content, turn, context: null }));
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    return fetch(this.#options.url, {
      method: "POST",
      body,
      headers: { "Content-Type": "application/json", [SIGNATURE_HEADER]: sign(SECRET, body) },
      signal: AbortSignal.any([timeout, this.#stop.signal]),
      client: this.#http,
    });
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

/** The value that `share` (0 to 1) of `values` do not exceed; 0 if there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
