// An HTTP server at an address of the configuration; what it answers is routes.ts's.
//
// When no connection is taken any more, most likely all file descriptors are in use. Then all
// connections of clients are closed, idle ones and those that are stuck in the middle of a request with
// them, and it listens again.

import type { Hono } from "hono";
import { getLogger } from "@logtape/logtape";
import { Backoff, within } from "../async/mod.ts";
import { type Config, formatBind } from "../config/mod.ts";
import { unavailable } from "../turn/mod.ts";
import { type BindKey, Listener } from "./listener.ts";

const log = getLogger(["turn-channels", "service"]);

/** How long requests may take to be answered before all connections are closed. */
const ANSWER_MS = 5_000;
/** How long an answer may take to reach its client when we stop. */
const LINGER_MS = 1_000;
/** How long it is tried to listen again. */
const GIVE_UP_MS = 10_000;
const RETRY = { initialDelayMs: 50, maxDelayMs: 500 } as const;

export class HttpServer implements AsyncDisposable {
  /** A URL, or `unix:/path`. */
  readonly address: string;
  readonly #key: BindKey;
  readonly #requests: Requests;
  readonly #stopping = new AbortController();
  readonly #watching: Promise<void>;
  #listener: Listener;
  #ended: Promise<void> | undefined;

  private constructor(key: BindKey, listener: Listener, requests: Requests) {
    const { bind } = listener;
    this.address = `${bind.kind === "unix" ? "" : "http://"}${formatBind(bind)}`;
    this.#key = key;
    this.#listener = listener;
    this.#requests = requests;
    this.#watching = this.#watch().catch(reportError);
  }

  /** @throws {ListenError} If it can't listen; later such an error is one that nobody handles. */
  static async listen(key: BindKey, bind: Config["http_bind"], app: Hono): Promise<HttpServer> {
    const requests = new Requests(app);
    return new HttpServer(key, await Listener.open(key, bind, requests.handle), requests);
  }

  /**
   * Takes no new requests and answers those that came, until `deadline` fires. Connections that are
   * open then, or on which nothing was asked, end with the process.
   */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await within(this.#watching, Infinity, deadline);
    const ended = this.#ended ??= this.#listener.shutDown();
    await within(Promise.race([ended, this.#requests.answered()]), Infinity, deadline);
    await within(ended, LINGER_MS, deadline);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    if (this.#ended === undefined) await this.#listener.close();
  }

  /** Listens again, as often as it is needed. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    const address = this.address;
    for (;;) {
      const reason = await this.#listener.lost(signal);
      if (reason === undefined) return;
      const text =
        "No connection is taken at {address}, most likely for lack of file descriptors " +
        "(ulimit -n); closing all and listening again: {reason}";
      log.error(text, { address, reason });
      this.#requests.areRefused = true;
      await within(this.#requests.answered(), ANSWER_MS, signal);
      if (signal.aborted) return;
      await this.#listener.close();
      await this.#listenAgain(signal);
      this.#requests.areRefused = false;
      if (!signal.aborted) log.warning("Listening again at {address}", { address });
    }
  }

  /** The descriptors that were given back are wanted by others too, so it may take some tries. */
  async #listenAgain(signal: AbortSignal): Promise<void> {
    const { bind } = this.#listener;
    const pauses = new Backoff(RETRY);
    const giveUpAt = performance.now() + GIVE_UP_MS;
    while (!signal.aborted) {
      try {
        this.#listener = await Listener.open(this.#key, bind, this.#requests.handle);
        return;
      } catch (error) {
        if (performance.now() > giveUpAt) throw error;
        await pauses.pause(signal);
      }
    }
  }
}

/** The requests that are not answered yet. */
class Requests {
  /** Whether nothing new is begun. */
  areRefused = false;
  readonly #app: Hono;
  #open = 0;
  #whenAnswered = Promise.withResolvers<void>();

  constructor(app: Hono) {
    this.#app = app;
  }

  readonly handle = (request: Request): Response | Promise<Response> => {
    if (this.areRefused && request.method === "POST") {
      return unavailable("All connections are about to be closed", 1);
    }
    const answer = this.#app.fetch(request);
    return answer instanceof Response ? answer : this.#count(answer);
  };

  /** Resolves when all are answered. */
  answered(): Promise<void> {
    return this.#open === 0 ? Promise.resolve() : this.#whenAnswered.promise;
  }

  async #count(answer: Promise<Response>): Promise<Response> {
    this.#open++;
    try {
      return await answer;
    } finally {
      if (--this.#open === 0) {
        this.#whenAnswered.resolve();
        this.#whenAnswered = Promise.withResolvers();
      }
    }
  }
}
