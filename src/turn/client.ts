// Calls to Turn's API. One call is one attempt: whether there is another, and when, is for the
// caller to decide by the `CallResult`.

import { onAbort, Timeouts } from "../async/mod.ts";
import type { Trace } from "../telemetry/mod.ts";
import { type CallResult, readCallResult } from "./call_result.ts";
import { Connections } from "./connections.ts";
import { isOutOfFiles, isUnreachable, networkError, oneLine } from "./excerpt.ts";
import {
  formatMessage,
  formatStatus,
  type InboundText,
  type Status,
  type StatusFormat,
} from "./payloads.ts";
import { USER_AGENT } from "./user_agent.ts";

/** Options of a {@linkcode TurnClient}. */
export interface TurnClientOptions {
  /** Turn's address of our channel, to which `/messages` and `/statuses` are added. */
  readonly apiUrl: string;
  /** The bearer token. */
  readonly authToken: string;
  /** How statuses are written. */
  readonly statusFormat: StatusFormat;
  /** Whether `fetch` makes spans, and adds their `traceparent` to what it is given. */
  readonly isTraced?: boolean;
  /** The platform's, unless given. */
  readonly fetch?: typeof fetch;
  /** Milliseconds since 1970; the platform's clock, unless given. */
  readonly now?: () => number;
}

/** How long a call may take. */
export interface CallOptions {
  /** Milliseconds for all of the answer, 1 to 2,147,483,647. */
  readonly timeoutMs: number;
  /** Abandons the call: the promise rejects with the signal's reason, unless Turn has answered. */
  readonly signal: AbortSignal;
  /** What the call is a part of; passed on. */
  readonly trace?: Trace | undefined;
}

type NoAnswer = Extract<CallResult, { readonly kind: "retry" }>;

/** Turn's API. */
export class TurnClient implements Disposable {
  readonly #options: TurnClientOptions;
  readonly #apiUrl: string;
  #authToken: string;
  #headers: Readonly<Record<string, string>>;
  readonly #timeouts = new Timeouts();
  readonly #connections: Connections;

  /**
   * Calls nothing yet.
   * @throws {TypeError} If the address is not a URL, or the token can't be in a header.
   */
  constructor(options: TurnClientOptions) {
    this.#options = options;
    this.#apiUrl = new URL(options.apiUrl).href.replace(/\/+$/, "");
    this.#authToken = options.authToken;
    this.#headers = headersWith(options.authToken);
    // Last, for what throws above must leave nothing behind.
    this.#connections = new Connections();
  }

  /**
   * Makes calls with another token from now on.
   * @throws {TypeError} If it can't be in a header; then the other one stays.
   */
  setAuthToken(authToken: string): void {
    this.#headers = headersWith(authToken);
    this.#authToken = authToken;
  }

  /** Tells Turn what a user wrote. */
  sendMessage(message: InboundText, options: CallOptions): Promise<CallResult> {
    return this.#post("messages", formatMessage(message), options);
  }

  /** Tells Turn what became of a message. */
  sendStatus(status: Status, options: CallOptions): Promise<CallResult> {
    return this.#post("statuses", formatStatus(this.#options.statusFormat, status), options);
  }

  async #post(resource: string, body: string, options: CallOptions): Promise<CallResult> {
    const { timeoutMs, signal, trace } = options;
    const { fetch: ask = fetch, now = Date.now } = this.#options;
    const authToken = this.#authToken;
    signal.throwIfAborted();
    const call = new AbortController();
    const abandon = () => call.abort();
    const unlisten = onAbort(signal, abandon);
    const endTimeout = this.#timeouts.start(timeoutMs, abandon);
    const pool = this.#connections.begin();
    let isBroken = false;
    try {
      const response = await ask(`${this.#apiUrl}/${resource}`, {
        method: "POST",
        headers: trace === undefined ? this.#headers : this.#headersIn(trace),
        body,
        redirect: "manual",
        signal: call.signal,
        client: pool.client,
      });
      return await readCallResult(response, now(), authToken);
    } catch (error) {
      signal.throwIfAborted();
      const result = call.signal.aborted
        ? noAnswer("turn", `Turn did not answer within ${timeoutMs / 1000} s`)
        : failedCall(error, authToken);
      isBroken = result.fault === "turn";
      return result;
    } finally {
      // Its body may have stayed away, where the status came.
      this.#connections.end(pool, !isBroken && !call.signal.aborted);
      endTimeout();
      unlisten();
    }
  }

  /** The headers of a traced call. A second `traceparent` would make both worthless. */
  #headersIn(trace: Trace): Readonly<Record<string, string>> {
    const { traceparent: _, ...state } = trace;
    return { ...this.#headers, ...(this.#options.isTraced ? state : trace) };
  }

  /** Closes the connections; calls under way fail. */
  [Symbol.dispose](): void {
    this.#connections[Symbol.dispose]();
  }
}

/** What a call has come to that the runtime could not make, or not to its end. */
function failedCall(error: unknown, authToken: string): NoAnswer {
  if (isOutOfFiles(error)) {
    const reason = "this program has no file descriptor left for a connection: raise its limit";
    return noAnswer("ours", `Cannot call Turn: ${reason} (LimitNOFILE, ulimit -n)`);
  }
  const fault = isUnreachable(error) ? "unreachable" : "turn";
  return noAnswer(fault, oneLine(`Cannot reach Turn: ${networkError(error)}`, authToken));
}

function noAnswer(fault: NoAnswer["fault"], reason: string): NoAnswer {
  return { kind: "retry", reason, afterMs: 0, fault };
}

/** A plain object: fetch takes it in half the time that it needs for `Headers`. */
function headersWith(authToken: string): Readonly<Record<string, string>> {
  const headers = {
    "Accept": "application/json",
    "Authorization": `Bearer ${authToken}`,
    "Content-Type": "application/json",
    ...USER_AGENT,
  };
  try {
    new Headers(headers);
    return headers;
  } catch {
    // The cause is not kept, as it quotes the token.
    throw new TypeError("Cannot use authToken in a header: it holds a character not allowed there");
  }
}
