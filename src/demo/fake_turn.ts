/**
 * Turn's side, played: an HTTP server that takes what we tell Turn, as strictly as Turn does, and a
 * way to send what Turn sends.
 *
 * @module
 */

import { sign, SIGNATURE_HEADER } from "../turn/mod.ts";
import { Doorman } from "./doorman.ts";
import { faultInBody, isTurnPath } from "./turn_schemas.ts";

/** A call as it arrived. */
export interface TurnCall {
  /** When all of it had arrived; milliseconds since 1970. */
  readonly at: number;
  /** The HTTP method. */
  readonly method: string;
  /** The path below {@linkcode FakeTurn.url}: `/messages` or `/statuses`, if all is well. */
  readonly path: string;
  /** The headers. */
  readonly headers: Headers;
  /** The parsed body; `undefined` if it is not JSON. */
  readonly body: unknown;
}

/**
 * What becomes of a call: an answer, or none (`hang`, until it is released), or the connection
 * dropped (`reset`). Mind that Deno's own fetch may then send the call again by itself, if the
 * connection was used before.
 */
export type TurnAnswer = Response | "hang" | "reset";

/** Decides about a call that is as it should be. */
export type Answerer = (call: TurnCall) => TurnAnswer | Promise<TurnAnswer>;

/** How {@linkcode FakeTurn.start} starts. */
export interface FakeTurnOptions {
  /** The port on 127.0.0.1; default 0, a free one. */
  readonly port?: number;
  /** The bearer token that it wants; default "token". */
  readonly authToken?: string;
  /** What becomes of calls; default 200 for all. */
  readonly answer?: Answerer;
}

interface Wait {
  readonly isOver: (calls: readonly TurnCall[]) => boolean;
  readonly done: PromiseWithResolvers<readonly TurnCall[]>;
}

const BASE_PATH = "/v1/numbers/fake";

/** A Turn that runs here. */
export class FakeTurn implements AsyncDisposable {
  /** What becomes of calls from now on; those that are wrong are refused without asking it. */
  answer: Answerer;
  readonly #authToken: string;
  readonly #calls: TurnCall[] = [];
  readonly #waits = new Set<Wait>();
  readonly #stop = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #doorman: Doorman;
  #released = Promise.withResolvers<void>();

  private constructor({ port = 0, authToken = "token", answer = ok }: FakeTurnOptions) {
    this.answer = answer;
    this.#authToken = authToken;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, signal: this.#stop.signal, onListen: () => {} },
      (request, { remoteAddr }) => this.#take(request, remoteAddr.port),
    );
    this.#doorman = Doorman.open(port, this.#server.addr.port);
  }

  /** Starts one; it takes calls at once. */
  static start(options: FakeTurnOptions = {}): FakeTurn {
    return new FakeTurn(options);
  }

  /** What `turn_api_url` has to be. */
  get url(): string {
    return `http://127.0.0.1:${this.#doorman.port}${BASE_PATH}`;
  }

  /** All that arrived, also what was refused, in order. */
  get calls(): readonly TurnCall[] {
    return this.#calls;
  }

  /**
   * Waits until that many calls have arrived, or until `wanted` says so, and returns all calls.
   *
   * @throws {Error} If it does not within `timeoutMs`, or this is closed.
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

  /** Answers 200 to the calls that hang. */
  release(): void {
    this.#released.resolve();
    this.#released = Promise.withResolvers();
  }

  /** Stops at once; calls that hang, and those who wait, fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { done } of this.#waits) done.reject(this.#missing("more calls, and closed"));
    this.#doorman.close();
    this.#released.resolve();
    this.#stop.abort();
    await Promise.all([this.#server.finished, this.#doorman.finished]);
  }

  async #take(request: Request, port: number): Promise<Response> {
    const call = await toCall(request);
    this.#calls.push(call);
    for (const { isOver, done } of this.#waits) if (isOver(this.#calls)) done.resolve(this.#calls);
    const fault = this.#faultOf(call);
    if (fault !== undefined) return fault;
    const { promise: released } = this.#released;
    const answer = await this.answer(call);
    if (answer instanceof Response) return answer;
    if (answer === "reset") this.#doorman.drop(port);
    else await released;
    return ok();
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ok(): Response {
  return Response.json({});
}

function failure(code: number, details = "The fake Turn does not take this"): Response {
  return Response.json({ errors: [{ code, title: `Error ${code}`, details }] }, { status: code });
}

/** How {@linkcode send} sends. */
export interface SendOptions {
  /** What the body is signed with. */
  readonly secret: string;
  /** In place of the right signature. */
  readonly signature?: string;
  /** More headers, or others. */
  readonly headers?: Record<string, string>;
}

/** Sends what Turn would: `body` as it is if it is a text, else as JSON, to a `POST /messages`. */
export async function send(
  endpointUrl: string,
  body: unknown,
  { secret, signature, headers }: SendOptions,
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return await fetch(endpointUrl, {
    method: "POST",
    body: text,
    headers: {
      "Content-Type": "application/json",
      [SIGNATURE_HEADER]: signature ?? sign(secret, new TextEncoder().encode(text)),
      ...headers,
    },
  });
}
