/**
 * Turn, as a person at the page plays it: how it answers calls, and whether it replies to users by
 * itself. By itself it says back what an SMS said, and asks two questions on USSD.
 *
 * @module
 */

import type { OutboundExample } from "../examples.ts";
import type { Answerer, FakeTurn } from "../fake_turn.ts";
import { readCall } from "../call_content.ts";
import type { TurnMode } from "./events.ts";

/** What a {@linkcode FakeTurnControls} is made of. */
export interface FakeTurnControlsOptions {
  /** Turn. What becomes of its calls is asked here from now on. */
  readonly turn: FakeTurn;
  /** Sends what Turn replies. */
  readonly send: (request: OutboundExample) => Promise<unknown>;
  /** The code that users dial. */
  readonly ussdCode: string;
  /** Whom it never replies to. */
  readonly ignores: (address: string) => boolean;
}

/** Plays Turn. */
export class FakeTurnControls implements Disposable {
  /** Whether it replies to users by itself. */
  repliesByItself = true;
  readonly #options: FakeTurnControlsOptions;
  readonly #otherwise: Answerer;
  readonly #held = new Set<string>();
  /** Messages that it has replied to, or does: a repeated call is no new message. */
  readonly #replied = new Set<string>();
  readonly #flows = new Map<string, Flow>();
  readonly #watch: Disposable;
  #mode: TurnMode = "200";

  /** Takes calls from now on. */
  constructor(options: FakeTurnControlsOptions) {
    this.#options = options;
    this.#otherwise = options.turn.answer;
    options.turn.answer = (call) =>
      this.#mode === "200" ? this.#otherwise(call) : failing(this.#mode);
    this.#watch = options.turn.watch({
      answered: (call, answer, readable) => {
        if (!readable || call.path !== "/messages") return;
        const told = readCall(call);
        const taken = answer instanceof Response && answer.ok;
        if (taken && told?.kind === "message") this.#reply(told.id, told.address, told.text);
      },
    });
  }

  /** How it answers calls. */
  get mode(): TurnMode {
    return this.#mode;
  }

  /** Answers like that from now on; calls that wait for an answer get one. */
  set mode(mode: TurnMode) {
    this.#mode = mode;
    if (mode !== "none") this.#options.turn.release();
  }

  /** It does not reply to these users until the disposable is disposed. */
  hold(addresses: readonly string[]): Disposable {
    for (const address of addresses) this.#held.add(address);
    return {
      [Symbol.dispose]: () => {
        for (const address of addresses) this.#held.delete(address);
      },
    };
  }

  /** Takes no more calls. */
  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    this.#options.turn.answer = this.#otherwise;
  }

  #reply(id: string, address: string, text: string): void {
    const { ignores, ussdCode, send } = this.#options;
    if (!this.repliesByItself || ignores(address) || this.#held.has(address)) return;
    if (this.#replied.has(id)) return;
    remember(this.#replied, id);
    const flow = text === ussdCode ? askName : this.#flows.get(address) ?? echo;
    this.#flows.delete(address);
    const reply = flow(text);
    if (reply.then !== undefined) this.#flows.set(address, reply.then);
    // What it comes to is seen by those who watch.
    void send({
      to: address,
      turn: { type: "text", text: { body: reply.text } },
      waiting_for_user_input: reply.then !== undefined,
    }).catch(() => {});
  }
}

/** What Turn replies to what a user wrote. */
type Flow = (text: string) => Reply;

interface Reply {
  readonly text: string;
  /** What it replies to the answer; absent if it awaits none. */
  readonly then?: Flow;
}

const echo: Flow = (text) => ({ text: `You wrote: ${text}` });

const askName: Flow = () => ({ text: "Welcome! What is your name?", then: askMood });

const askMood: Flow = (name) => ({
  text: `Hello ${name}. How are you today?\n1. Well\n2. Not so well`,
  then: (choice) => {
    const wish = choice.trim() === "2" ? "Get well soon" : "Glad to hear it";
    return { text: `${wish}, ${name}. Goodbye!` };
  },
});

const REMEMBERED = 10_000;

function remember(ids: Set<string>, id: string): void {
  ids.add(id);
  const [oldest] = ids;
  if (ids.size > REMEMBERED && oldest !== undefined) ids.delete(oldest);
}

function failing(mode: Exclude<TurnMode, "200">): Response | "hang" {
  if (mode === "none") return "hang";
  const code = Number(mode);
  const title = code === 429 ? "Rate limit hit for bucket text" : `Error ${code}`;
  const headers: HeadersInit = code === 429
    ? {
      "Retry-After": "1",
      "X-Ratelimit-Limit": "20",
      "X-Ratelimit-Remaining": "0",
      "X-Ratelimit-Reset": `${Date.now() / 1000 + 1}`,
    }
    : {};
  const details = "As chosen on the page";
  return Response.json({ errors: [{ code, title, details }] }, { status: code, headers });
}
