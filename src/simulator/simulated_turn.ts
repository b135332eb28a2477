// A simulated Turn: an HTTP server that checks calls as strictly as Turn does, and a way to send what
// Turn sends.

import * as z from "zod";
import { parseJson } from "../async/mod.ts";
import { sign, SIGNATURE_HEADER } from "../turn/mod.ts";
import type { SentMessage } from "./sent_message.ts";
import { type CallContent, readCall } from "./turn_schemas.ts";
import { Watchers } from "./watchers.ts";

export interface TurnCall {
  readonly at: number;
  readonly method: string;
  /** Below {@linkcode SimulatedTurn.url}: `/messages` or `/statuses`, if all is well. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
  /** What it is about; undefined if it is refused, as it is not what Turn wants. */
  readonly content: CallContent | undefined;
}

/** An answer to a call, or none until calls are released. */
export type TurnAnswer = Response | "hang";

export type Answerer = (call: TurnCall) => TurnAnswer | Promise<TurnAnswer>;

/** Each method is called before what it reports goes on. */
interface TurnWatcher {
  called?(call: TurnCall): void;
  /** A response must be cloned before it is read. */
  answered?(call: TurnCall, answer: TurnAnswer): void;
  /** A request is sent by {@linkcode SimulatedTurn.ask}. */
  asks?(request: TurnRequest, answered: Promise<RequestAnswer>): void;
}

export interface TurnRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly isSigned: boolean;
  readonly body: RequestBody;
}

export interface RequestBody {
  readonly to: string;
  readonly from?: string;
  /** Of any type, and not checked: what is wrong with it is for the bridge to say. */
  readonly turn: SentMessage;
  /** The same in words, as Turn sends them beside a template. */
  readonly content?: string;
  /** Not needed: the bridge finds the user's latest message. */
  readonly reply_to?: string;
  readonly waiting_for_user_input?: boolean;
}

export interface RequestAnswer {
  readonly status: number | undefined;
  readonly headers: Headers;
  /** Parsed; the text if it is not JSON, or why there was no answer. */
  readonly body: unknown;
}

export interface SimulatedTurnOptions {
  readonly authToken?: string;
  readonly answer?: Answerer | undefined;
}

const BASE_PATH = "/v1/numbers/simulated";

export class SimulatedTurn implements AsyncDisposable {
  /** Answers calls; faulty ones are refused without it. */
  answer: Answerer;
  readonly #authToken: string;
  readonly #watchers = new Watchers<TurnWatcher>();
  readonly watch = (watcher: TurnWatcher): Disposable => this.#watchers.add(watcher);
  readonly #stop = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #released = Promise.withResolvers<void>();

  constructor({ authToken = "token", answer = ok }: SimulatedTurnOptions = {}) {
    this.answer = answer;
    this.#authToken = authToken;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, signal: this.#stop.signal, onListen: () => {} },
      (request) => this.#take(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}${BASE_PATH}`;
  }

  async ask(url: string, body: RequestBody, options: SignOptions): Promise<RequestAnswer> {
    const text = JSON.stringify(body);
    const headers = signedHeaders(text, options);
    const answered = post(url, text, headers);
    const request = { headers, isSigned: options.signature === undefined, body };
    this.#watchers.each((watcher) => watcher.asks?.(request, answered));
    return await answered;
  }

  release(): void {
    this.#released.resolve();
    this.#released = Promise.withResolvers();
  }

  /** Stops at once: calls that hang fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#released.resolve();
    await this.#server.finished;
  }

  async #take(request: Request): Promise<Response> {
    const { method, headers, url } = request;
    const { pathname } = new URL(url);
    const path = pathname.startsWith(`${BASE_PATH}/`) ? pathname.slice(BASE_PATH.length) : pathname;
    const body = parseJson(await request.text());
    const read = readCall(path, body);
    const refusal = this.#refusalOf(request, read);
    const content = refusal === undefined ? read?.data : undefined;
    const call = { at: Date.now(), method, path, headers, body, content };
    this.#watchers.each((watcher) => watcher.called?.(call));
    const { promise: released } = this.#released;
    const answer = refusal ?? await this.answer(call);
    this.#watchers.each((watcher) => watcher.answered?.(call, answer));
    if (answer !== "hang") return answer;
    await released;
    const late = ok();
    this.#watchers.each((watcher) => watcher.answered?.(call, late));
    return late;
  }

  #refusalOf({ method, headers }: Request, read: ReturnType<typeof readCall>) {
    if (headers.get("authorization") !== `Bearer ${this.#authToken}`) return failure(401);
    if (read === undefined) return failure(404);
    if (method !== "POST") return failure(405);
    if (headers.get("content-type") !== "application/json") return failure(415);
    return read.error && failure(400, z.prettifyError(read.error));
  }
}

function ok(): Response {
  return Response.json({});
}

function failure(code: number, details = "The simulated Turn does not take this"): Response {
  return Response.json({ errors: [{ code, title: `Error ${code}`, details }] }, { status: code });
}

async function post(url: string, body: string, headers: HeadersInit): Promise<RequestAnswer> {
  try {
    const response = await fetch(url, { method: "POST", body, headers });
    const said = await response.text();
    return { status: response.status, headers: response.headers, body: parseJson(said) ?? said };
  } catch (error) {
    return { status: undefined, headers: new Headers(), body: String(error) };
  }
}

export interface SignOptions {
  readonly secret: string;
  readonly signature?: string;
}

/** The headers that Turn sends with a request whose body is `text`. */
export function signedHeaders(
  text: string,
  { secret, signature = sign(secret, new TextEncoder().encode(text)) }: SignOptions,
): Record<string, string> {
  return { "Content-Type": "application/json", [SIGNATURE_HEADER]: signature };
}
