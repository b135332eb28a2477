/**
 * A pretend Turn: an HTTP server that checks calls as strictly as Turn does, and a way to send what
 * Turn sends.
 *
 * @module
 */

import { parseJson } from "../async/mod.ts";
import { sign, SIGNATURE_HEADER } from "../turn/mod.ts";
import { DroppableProxy } from "./droppable_proxy.ts";
import { faultInBody, isTurnPath } from "./turn_schemas.ts";
import { Watchers } from "./watchers.ts";

export interface TurnCall {
  /** When it was complete; milliseconds since 1970. */
  readonly at: number;
  readonly method: string;
  /** Below {@linkcode FakeTurn.url}: `/messages` or `/statuses`, if all is well. */
  readonly path: string;
  readonly headers: Headers;
  /** Parsed; undefined if it is not JSON. */
  readonly body: unknown;
}

/**
 * An answer to a call, or none until it is released (`hang`), or a dropped connection (`reset`), after
 * which Deno's fetch may repeat the call by itself if the connection was used before.
 */
export type TurnAnswer = Response | "hang" | "reset";

/** Answers valid calls. */
export type Answerer = (call: TurnCall) => TurnAnswer | Promise<TurnAnswer>;

/** Each method is called before what it reports goes on. */
interface TurnWatcher {
  called?(call: TurnCall): void;
  /** A response must be cloned before it is read; `readable` says whether the call was valid. */
  answered?(call: TurnCall, answer: TurnAnswer, readable: boolean): void;
  /** A request is sent by {@linkcode FakeTurn.ask}. */
  asks?(request: TurnRequest): void;
  wasAnswered?(request: TurnRequest, answer: RequestAnswer): void;
}

export interface TurnRequest {
  /** Identifies it here; it is not sent. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As it was before it became JSON. */
  readonly body: unknown;
}

export interface RequestAnswer {
  /** Undefined if there was no answer. */
  readonly status: number | undefined;
  readonly headers: Headers;
  /** Parsed; the text if it is not JSON. */
  readonly body: unknown;
}

interface FakeTurnOptions {
  /** How many of the latest calls are kept; default all. */
  readonly keepCalls?: number;
  /** On 127.0.0.1; default 0, a free one. */
  readonly port?: number;
  /** The bearer token that it expects; default "token". */
  readonly authToken?: string;
  /** Default: 200 for all calls. */
  readonly answer?: Answerer;
}

interface Wait {
  readonly isOver: (calls: readonly TurnCall[]) => boolean;
  readonly done: PromiseWithResolvers<readonly TurnCall[]>;
}

const BASE_PATH = "/v1/numbers/fake";

export class FakeTurn implements AsyncDisposable {
  /** Answers calls; faulty ones are refused without it. */
  answer: Answerer;
  readonly #authToken: string;
  readonly #keepCalls: number;
  readonly #watchers = new Watchers<TurnWatcher>();
  readonly #calls: TurnCall[] = [];
  readonly #waits = new Set<Wait>();
  readonly #stop = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #proxy: DroppableProxy;
  #released = Promise.withResolvers<void>();

  private constructor(options: FakeTurnOptions) {
    const { port = 0, authToken = "token", answer = ok, keepCalls = Infinity } = options;
    this.answer = answer;
    this.#keepCalls = keepCalls;
    this.#authToken = authToken;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, signal: this.#stop.signal, onListen: () => {} },
      (request, { remoteAddr }) => this.#take(request, remoteAddr.port),
    );
    this.#proxy = DroppableProxy.open(port, this.#server.addr.port);
  }

  static start(options: FakeTurnOptions = {}): FakeTurn {
    return new FakeTurn(options);
  }

  /** For `turn_api_url`. */
  get url(): string {
    return `http://127.0.0.1:${this.#proxy.port}${BASE_PATH}`;
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
    timeoutMs = 30_000,
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

  /** Calls `watcher` until the disposable is disposed. */
  watch(watcher: TurnWatcher): Disposable {
    return this.#watchers.add(watcher);
  }

  /**
   * Sends what Turn would, as {@linkcode send} does, and calls the watchers.
   *
   * @throws {TypeError} If there is no answer.
   */
  async ask(endpointUrl: string, body: unknown, options: SendOptions): Promise<RequestAnswer> {
    const text = JSON.stringify(body);
    const headers = requestHeaders(text, options);
    const request = { key: crypto.randomUUID(), headers, body };
    this.#watchers.each((watcher) => watcher.asks?.(request));
    let answer: RequestAnswer = { status: undefined, headers: new Headers(), body: undefined };
    try {
      const response = await fetch(endpointUrl, { method: "POST", body: text, headers });
      const said = await response.text();
      const { status } = response;
      answer = { status, headers: response.headers, body: parseJson(said) ?? said };
    } finally {
      this.#watchers.each((watcher) => watcher.wasAnswered?.(request, answer));
    }
    return answer;
  }

  /** Answers 200 to the calls that hang. */
  release(): void {
    this.#released.resolve();
    this.#released = Promise.withResolvers();
  }

  /** Stops at once: calls that hang fail, and so does who waits for calls. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { done } of this.#waits) done.reject(this.#missing("more calls, and closed"));
    this.#proxy.close();
    this.#released.resolve();
    this.#stop.abort();
    await Promise.all([this.#server.finished, this.#proxy.finished]);
  }

  async #take(request: Request, port: number): Promise<Response> {
    const call = await toCall(request);
    this.#calls.push(call);
    if (this.#calls.length > this.#keepCalls) this.#calls.shift();
    for (const { isOver, done } of this.#waits) if (isOver(this.#calls)) done.resolve(this.#calls);
    this.#watchers.each((watcher) => watcher.called?.(call));
    const { promise: released } = this.#released;
    const fault = this.#faultOf(call);
    const answer = fault ?? await this.answer(call);
    this.#watchers.each((watcher) => watcher.answered?.(call, answer, fault === undefined));
    if (answer instanceof Response) return answer;
    if (answer === "reset") this.#proxy.drop(port);
    else await released;
    const late = ok();
    if (answer === "hang") this.#watchers.each((watcher) => watcher.answered?.(call, late, true));
    return late;
  }

  #faultOf({ method, path, headers, body }: TurnCall): Response | undefined {
    if (headers.get("authorization") !== `Bearer ${this.#authToken}`) return failure(401);
    if (!isTurnPath(path)) return failure(404);
    if (method !== "POST") return failure(405);
    if (headers.get("content-type") !== "application/json") return failure(415);
    const details = faultInBody(path, body);
    return details === undefined ? undefined : failure(400, details);
  }

  #missing(what: string): Error {
    const came = this.#calls.map(({ path, body }) => `\n  ${path} ${JSON.stringify(body)}`);
    return new Error(`Turn waited for ${what}, and received ${came.length}:${came.join("")}`);
  }
}

async function toCall(request: Request): Promise<TurnCall> {
  const { pathname } = new URL(request.url);
  const text = await request.text();
  return {
    at: Date.now(),
    method: request.method,
    path: pathname.startsWith(`${BASE_PATH}/`) ? pathname.slice(BASE_PATH.length) : pathname,
    headers: request.headers,
    body: parseJson(text),
  };
}

function ok(): Response {
  return Response.json({});
}

function failure(code: number, details = "The fake Turn does not take this"): Response {
  return Response.json({ errors: [{ code, title: `Error ${code}`, details }] }, { status: code });
}

export interface SendOptions {
  readonly secret: string;
  /** Instead of the right one. */
  readonly signature?: string;
  /** Added to the usual ones, or replacing them. */
  readonly headers?: Record<string, string>;
}

/** Sends what Turn would to a `POST /messages`: text as it is, anything else as JSON. */
export async function send(
  endpointUrl: string,
  body: unknown,
  options: SendOptions,
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = requestHeaders(text, options);
  return await fetch(endpointUrl, { method: "POST", body: text, headers });
}

function requestHeaders(
  text: string,
  { secret, signature, headers }: SendOptions,
): Record<string, string> {
  return {
    "Content-Type": "application/json",
    [SIGNATURE_HEADER]: signature ?? sign(secret, new TextEncoder().encode(text)),
    ...headers,
  };
}
