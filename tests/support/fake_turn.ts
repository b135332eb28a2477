/**
 * The simulated Turn, for tests: it keeps the calls it was made, can be waited for, and can drop
 * connections, which `Deno.serve` can't: there is a proxy before it.
 *
 * @module
 */

import {
  signedHeaders,
  type SignOptions,
  SimulatedTurn,
  type SimulatedTurnOptions,
  type TurnCall,
} from "../../src/simulator/simulated_turn.ts";
import { TcpProxy } from "./tcp_proxy.ts";

export type { Answerer, TurnAnswer, TurnCall } from "../../src/simulator/simulated_turn.ts";

interface Wait {
  readonly isOver: (calls: readonly TurnCall[]) => boolean;
  readonly done: PromiseWithResolvers<readonly TurnCall[]>;
}

/** A Turn that runs here. */
export class FakeTurn extends SimulatedTurn {
  readonly #calls: TurnCall[] = [];
  readonly #waits = new Set<Wait>();
  readonly #proxy: TcpProxy;

  private constructor(options: SimulatedTurnOptions) {
    super(options);
    this.#proxy = TcpProxy.start({ port: Number(new URL(super.url).port) });
    this.watch({
      called: (call) => {
        this.#calls.push(call);
        for (const { isOver, done } of this.#waits) {
          if (isOver(this.#calls)) done.resolve(this.#calls);
        }
      },
    });
  }

  /** Starts one that listens on a free port. */
  static start(options: SimulatedTurnOptions = {}): FakeTurn {
    return new FakeTurn(options);
  }

  /** For `turn_api_url`. */
  override get url(): string {
    const url = new URL(super.url);
    url.port = `${this.#proxy.port}`;
    return url.href;
  }

  /**
   * Drops all connections, in place of an answer. Deno's fetch may repeat the call by itself if its
   * connection was used before.
   */
  drop(): "hang" {
    this.#proxy.cut();
    return "hang";
  }

  /** All calls in order, also those that were refused. */
  get calls(): readonly TurnCall[] {
    return this.#calls;
  }

  /**
   * Waits until that many calls have arrived, or until `wanted` is true, and returns all calls.
   *
   * @throws {Error} After `timeoutMs`, or when this is closed.
   */
  async received(
    wanted: number | ((calls: readonly TurnCall[]) => boolean),
    timeoutMs = 120_000,
  ): Promise<readonly TurnCall[]> {
    const isOver = typeof wanted === "number"
      ? (calls: readonly TurnCall[]) => calls.length >= wanted
      : wanted;
    if (isOver(this.#calls)) return this.#calls;
    const wait: Wait = { isOver, done: Promise.withResolvers() };
    this.#waits.add(wait);
    const what = typeof wanted === "number" ? `${wanted} calls` : "the calls wanted";
    const timer = setTimeout(() => wait.done.reject(this.#missing(what)), timeoutMs);
    return await wait.done.promise.finally(() => {
      clearTimeout(timer);
      this.#waits.delete(wait);
    });
  }

  /** Stops at once: calls that hang fail, and so does who waits for calls. */
  override async [Symbol.asyncDispose](): Promise<void> {
    for (const { done } of this.#waits) done.reject(this.#missing("more calls, and closed"));
    await this.#proxy[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }

  #missing(what: string): Error {
    const came = this.#calls.map(({ path, body }) => `\n  ${path} ${JSON.stringify(body)}`);
    return new Error(`Turn waited for ${what}, and received ${came.length}:${came.join("")}`);
  }
}

/** How {@linkcode send} sends. */
export interface SendOptions extends SignOptions {
  /** Added to the usual ones, or replacing them. */
  readonly headers?: Record<string, string>;
}

/** Sends what Turn would to a `POST /messages`: text as it is, anything else as JSON. */
export async function send(
  endpointUrl: string,
  body: unknown,
  { headers, ...options }: SendOptions,
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const all = { ...signedHeaders(text, options), ...headers };
  return await fetch(endpointUrl, { method: "POST", body: text, headers: all });
}
