/**
 * Turn, as it is on a bad day: takes what it is told as strictly as the fake Turn of the demo, and
 * answers as a plan has it, or its limits, or nobody. It keeps what it was told.
 *
 * @module
 */

import { readCall } from "../../src/simulator/turn_schemas.ts";
import { type NoAnswer, type WireAnswer, type WireRequest, WireServer } from "./wire.ts";

/** The token that it asks for. */
export const TOKEN = "token-of-the-chaos-tests";

/** A call, as far as a {@linkcode Plan} may look at it. */
export interface Asked {
  /** What it is about. */
  readonly flow: "inbound" | "status";
  /** The message's id; for a status `<id>:<status>`. */
  readonly id: string;
  /** How many calls about it there were before. */
  readonly earlier: number;
}

/** A call that came to an end. */
export interface TurnCall extends Asked {
  /** When it had arrived; milliseconds since 1970. */
  readonly at: number;
  /** When it was answered, or over without an answer; Infinity till then. */
  endedAt: number;
  /** The status that was answered; 0 for none. */
  status: number;
  /** How it had no answer, if so. */
  none?: NoAnswer;
}

/** What is answered to a call that is as it should be. */
export type Plan = (call: Asked) => WireAnswer | NoAnswer;

/** So many calls in so long, as Turn counts them: from the first call of a window. */
export interface Limit {
  /** Calls in a window. */
  readonly calls: number;
  /** Length of a window. */
  readonly windowMs: number;
}

const PATHS: Readonly<Record<string, { flow: Asked["flow"]; path: "/messages" | "/statuses" }>> = {
  "/v1/numbers/chaos/messages": { flow: "inbound", path: "/messages" },
  "/v1/numbers/chaos/statuses": { flow: "status", path: "/statuses" },
};

/** A Turn that runs here. */
export class ChaosTurn implements AsyncDisposable {
  /** What is answered from now on; 200 unless it says otherwise. */
  plan: Plan = () => ({ status: 200 });
  /** How long an answer takes from now on. */
  latencyMs = 0;
  /** Its limit, if it has one. */
  limit: Limit | undefined;
  /** All calls about something, in order of arrival. */
  readonly calls: TurnCall[] = [];
  /** Why calls were refused that were not as they should be. */
  readonly improper: string[] = [];
  readonly #times = new Map<string, number>();
  readonly #server = new WireServer((request) => this.#take(request));
  #released = Promise.resolve();
  #release = (): void => {};
  #window = { endsAt: 0, left: 0 };

  /** What `turn_api_url` has to be. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.port}/v1/numbers/chaos`;
  }

  /** Ids that were answered 2xx, in order of arrival, once for each time. */
  delivered(flow: Asked["flow"]): string[] {
    return this.calls.filter((call) => call.flow === flow && isOk(call)).map(({ id }) => id);
  }

  /** Ids that had a call that was not answered. */
  unanswered(flow: Asked["flow"]): Set<string> {
    const calls = this.calls.filter((call) => call.flow === flow && call.none !== undefined);
    return new Set(calls.map(({ id }) => id));
  }

  /** Ids that were answered so. */
  answered(status: number): Set<string> {
    return new Set(this.calls.filter((call) => call.status === status).map(({ id }) => id));
  }

  /** Answers nothing till {@linkcode ChaosTurn.release}. */
  hold(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#released = promise;
    this.#release = resolve;
  }

  /** Answers what was held, and what comes. */
  release(): void {
    this.#release();
  }

  /** Goes away: connections end, and are refused. */
  leave(): Promise<void> {
    return this.#server.refuse();
  }

  /** Is back. */
  comeBack(): void {
    this.#server.accept();
  }

  /** Stops at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.#server[Symbol.asyncDispose]();
  }

  async #take(request: WireRequest): ReturnType<ConstructorParameters<typeof WireServer>[0]> {
    const at = Date.now();
    const asked = this.#read(request);
    if (typeof asked === "string") {
      this.improper.push(asked);
      const status = asked.startsWith("401") ? 401 : 400;
      return { answer: { status, body: errors(status, asked) }, ended: () => {} };
    }
    this.#times.set(asked.id, asked.earlier + 1);
    const call: TurnCall = { ...asked, at, endedAt: Infinity, status: 0 };
    this.calls.push(call);
    const limited = this.#limited(at);
    const answer = limited.answer ?? this.plan(asked);
    await this.#released;
    if (this.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
    if (typeof answer === "string") call.none = answer;
    // From here on it counts as taken, whether the answer is read or not; but a page is none of Turn's.
    else if (answer.page === undefined) call.status = answer.status;
    const ended = (): void => void (call.endedAt = Date.now());
    if (typeof answer === "string") return { answer, ended };
    return { answer: { ...answer, headers: { ...limited.headers, ...answer.headers } }, ended };
  }

  /** What it asks, or what is wrong with it. */
  #read({ method, path, headers, body }: WireRequest): Asked | string {
    const known = PATHS[path];
    if (headers.get("authorization") !== `Bearer ${TOKEN}`) return "401 the wrong token";
    if (method !== "POST" || known === undefined) return `404 ${method} ${path}`;
    const json = parseJson(body);
    const fault = readCall(known.path, json)?.error;
    if (fault !== undefined) return `400 ${fault.message}`;
    const id = known.flow === "inbound"
      ? json.message.id
      : `${json.user_message_id}:${json.status}`;
    return { flow: known.flow, id, earlier: this.#times.get(id) ?? 0 };
  }

  #limited(now: number): { answer?: WireAnswer; headers?: Record<string, string> } {
    if (this.limit === undefined) return {};
    const { calls, windowMs } = this.limit;
    if (now >= this.#window.endsAt) this.#window = { endsAt: now + windowMs, left: calls };
    const isOver = this.#window.left === 0;
    if (!isOver) this.#window.left--;
    const headers = {
      "x-ratelimit-limit": String(calls),
      "x-ratelimit-remaining": String(this.#window.left),
      "x-ratelimit-reset": (this.#window.endsAt / 1000).toFixed(3),
    };
    return isOver ? { answer: tooMany(), headers } : { headers };
  }
}

/** What Turn answers over its limit. */
export function tooMany(): WireAnswer {
  const body = errors(429, {}, "Rate limit hit for bucket text");
  return { status: 429, headers: { "retry-after": "1" }, body };
}

/** An error as Turn writes it. */
export function failure(status: number): WireAnswer {
  return { status, body: errors(status, "Planned") };
}

/** A page of whatever stands before Turn. */
export function page(status: number, headers: Readonly<Record<string, string>> = {}): WireAnswer {
  return { status, headers, page: "<!doctype html><title>We'll be back soon</title>" };
}

function errors(code: number, details: unknown, title = `Error ${code}`): unknown {
  return { errors: [{ code, title, details }] };
}

function isOk({ status }: TurnCall): boolean {
  return status >= 200 && status < 300;
}

// deno-lint-ignore no-explicit-any -- The schema decides right after what it is.
function parseJson(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
