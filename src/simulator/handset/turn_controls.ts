// The page's controls of the simulated Turn: how it answers calls, and whether it replies to users by
// itself. By itself it repeats an SMS, and asks two questions on USSD, the second one with buttons.

import { LRUCache } from "lru-cache";
import type { SentMessage } from "../sent_message.ts";
import type { RequestBody, SimulatedTurn } from "../simulated_turn.ts";
import { USSD_CODE } from "../tour_messages.ts";
import type { TurnMode } from "./events.ts";

interface TurnControlsOptions {
  readonly turn: SimulatedTurn;
  readonly send: (request: RequestBody) => Promise<unknown>;
  readonly ignores: (address: string) => boolean;
}

const REMEMBERED = 10_000;

export class TurnControls implements Disposable {
  mode: TurnMode = "200";
  repliesByItself = true;
  readonly #options: TurnControlsOptions;
  /** Messages with a reply, so that a repeated call gets none. */
  readonly #replied = new LRUCache<string, true>({ max: REMEMBERED });
  readonly #repliers = new Map<string, Replier>();
  readonly #watch: Disposable;

  constructor(options: TurnControlsOptions) {
    const { turn } = options;
    this.#options = options;
    const { answer } = turn;
    turn.answer = (call) => this.mode === "200" ? answer(call) : failing(this.mode);
    this.#watch = turn.watch({
      answered: ({ content }, answer) => {
        if (content?.kind !== "message" || !(answer instanceof Response && answer.ok)) return;
        this.#reply(content.id, content.address, content.text);
      },
    });
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  #reply(id: string, address: string, text: string): void {
    const { ignores, send } = this.#options;
    if (!this.repliesByItself || ignores(address) || this.#replied.has(id)) return;
    this.#replied.set(id, true);
    const replier = text === USSD_CODE ? askName : this.#repliers.get(address) ?? echo;
    this.#repliers.delete(address);
    const reply = replier(text);
    if (reply.then !== undefined) this.#repliers.set(address, reply.then);
    // Watchers see what comes of it.
    void send({
      to: address,
      turn: reply.turn,
      waiting_for_user_input: reply.then !== undefined,
    });
  }
}

interface Reply {
  readonly turn: SentMessage;
  /** What follows on the user's answer. */
  readonly then?: Replier;
}

type Replier = (text: string) => Reply;

const echo: Replier = (text) => ({ turn: textMessage(`You wrote: ${text}`) });

const askName: Replier = () => ({
  turn: textMessage("Welcome! What is your name?"),
  then: askMood,
});

const WELL = "Well";
const NOT_SO_WELL = "Not so well";

const askMood: Replier = (name) => ({
  turn: {
    type: "interactive",
    interactive: {
      type: "button",
      body: { text: `Hello ${name}. How are you today?` },
      action: {
        buttons: [WELL, NOT_SO_WELL].map((title, index) => {
          return { type: "reply", reply: { id: `mood-${index + 1}`, title } };
        }),
      },
    },
  },
  // Whether Turn is told of the button or of its title, these are the words.
  then: (mood) => {
    const wish = mood === NOT_SO_WELL ? "Get well soon" : "Glad to hear it";
    return { turn: textMessage(`${wish}, ${name}. Goodbye!`) };
  },
});

function textMessage(body: string): SentMessage {
  return { type: "text", text: { body } };
}

function failing(mode: Exclude<TurnMode, "200">): Response | "hang" {
  if (mode === "none") return "hang";
  const code = Number(mode);
  const isLimit = code === 429;
  const title = isLimit ? "Rate limit hit for bucket text" : `Error ${code}`;
  const headers = {
    "Retry-After": "1",
    "X-Ratelimit-Limit": "20",
    "X-Ratelimit-Remaining": "0",
    "X-Ratelimit-Reset": `${Date.now() / 1000 + 1}`,
  };
  const body = { errors: [{ code, title, details: "As chosen on the page" }] };
  return Response.json(body, { status: code, headers: isLimit ? headers : {} });
}
