/**
 * The page's controls of the pretend Turn: how it answers calls, and whether it replies to users by
 * itself. By itself it repeats an SMS, and asks two questions on USSD.
 *
 * @module
 */

import type { OutboundExample } from "../examples.ts";
import type { Answerer, FakeTurn } from "../fake_turn.ts";
import { readCall } from "../call_content.ts";
import type { TurnMode } from "./events.ts";

interface FakeTurnControlsOptions {
  readonly turn: FakeTurn;
  readonly send: (request: OutboundExample) => Promise<unknown>;
  readonly ussdCode: string;
  /** Users who never get a reply. */
  readonly ignores: (address: string) => boolean;
}

export class FakeTurnControls implements Disposable {
  repliesByItself = true;
  readonly #options: FakeTurnControlsOptions;
  readonly #originalAnswer: Answerer;
  readonly #paused = new Set<string>();
  /** Messages with a reply, so that a repeated call gets none. */
  readonly #replied = new Set<string>();
  readonly #flows = new Map<string, Flow>();
  readonly #watch: Disposable;
  #mode: TurnMode = "200";

  constructor(options: FakeTurnControlsOptions) {
    this.#options = options;
    this.#originalAnswer = options.turn.answer;
    options.turn.answer = (call) =>
      this.#mode === "200" ? this.#originalAnswer(call) : failing(this.#mode);
    this.#watch = options.turn.watch({
      answered: (call, answer, readable) => {
        if (!readable || call.path !== "/messages") return;
        const content = readCall(call);
        const taken = answer instanceof Response && answer.ok;
        if (taken && content?.kind === "message") {
          this.#reply(content.id, content.address, content.text);
        }
      },
    });
  }

  get mode(): TurnMode {
    return this.#mode;
  }

  /** Also answers the calls that wait. */
  set mode(mode: TurnMode) {
    this.#mode = mode;
    if (mode !== "none") this.#options.turn.release();
  }

  /** Sends these users no replies until the disposable is disposed. */
  pauseFor(addresses: readonly string[]): Disposable {
    for (const address of addresses) this.#paused.add(address);
    return {
      [Symbol.dispose]: () => {
        for (const address of addresses) this.#paused.delete(address);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    this.#options.turn.answer = this.#originalAnswer;
  }

  #reply(id: string, address: string, text: string): void {
    const { ignores, ussdCode, send } = this.#options;
    if (!this.repliesByItself || ignores(address) || this.#paused.has(address)) return;
    if (this.#replied.has(id)) return;
    remember(this.#replied, id);
    const flow = text === ussdCode ? askName : this.#flows.get(address) ?? echo;
    this.#flows.delete(address);
    const reply = flow(text);
    if (reply.then !== undefined) this.#flows.set(address, reply.then);
    // Watchers see what comes of it.
    void send({
      to: address,
      turn: { type: "text", text: { body: reply.text } },
      waiting_for_user_input: reply.then !== undefined,
    }).catch(() => {});
  }
}

/** Makes a reply to what a user wrote. */
type Flow = (text: string) => Reply;

interface Reply {
  readonly text: string;
  /** Replies to the answer; absent if none is expected. */
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
