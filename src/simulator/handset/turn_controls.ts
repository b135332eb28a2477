// The page's controls of the simulated Turn: how it answers calls, whether it replies to users by itself,
// how soon, and in how many messages. By itself it repeats an SMS, and asks two questions on USSD, the
// second one with buttons.

import { LRUCache } from "lru-cache";
import { sleep } from "../../async/mod.ts";
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
  /** How long it takes Turn to reply by itself. */
  delayMs = 0;
  /** How many messages it sends for one answer on USSD. */
  messagesPerAnswer = 1;
  readonly #options: TurnControlsOptions;
  /** Messages with a reply, so that a repeated call gets none. */
  readonly #replied = new LRUCache<string, true>({ max: REMEMBERED });
  readonly #repliers = new Map<string, Replier>();
  readonly #watch: Disposable;
  readonly #stop = new AbortController();

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
    this.#stop.abort();
    this.#watch[Symbol.dispose]();
  }

  #reply(id: string, address: string, text: string): void {
    const { ignores } = this.#options;
    if (!this.repliesByItself || ignores(address) || this.#replied.has(id)) return;
    this.#replied.set(id, true);
    const replier = text === USSD_CODE ? askName : this.#repliers.get(address) ?? echo;
    this.#repliers.delete(address);
    const reply = replier(text);
    if (reply.then !== undefined) this.#repliers.set(address, reply.then);
    void this.#send(address, reply);
  }

  /** Watchers see what comes of it. */
  async #send(to: string, reply: Reply): Promise<void> {
    const { signal } = this.#stop;
    const messages = messagesOf(reply, this.messagesPerAnswer);
    await sleep(this.delayMs, signal);
    for (const [index, turn] of messages.entries()) {
      if (signal.aborted) return;
      const isLast = index === messages.length - 1;
      const waiting_for_user_input = isLast && reply.then !== undefined;
      // Turn sends the next one when the one before it is answered.
      await this.#options.send({ to, turn, waiting_for_user_input });
    }
  }
}

/** What Turn says: an opening and a remark, before what it says last. */
interface Reply {
  readonly opening?: string;
  readonly remark?: string;
  /** Begins with what was not said before. */
  readonly last: (before: string) => SentMessage;
  /** What follows on the user's answer. */
  readonly then?: Replier;
}

type Replier = (text: string) => Reply;

const echo: Replier = (text) => ({ last: () => textMessage(`You wrote: ${text}`) });

const askName: Replier = () => ({
  opening: "Welcome!",
  remark: "This takes a minute.",
  last: (before) => textMessage(`${before}What is your name?`),
  then: askMood,
});

const WELL = "Well";
const NOT_SO_WELL = "Not so well";

const askMood: Replier = (name) => ({
  opening: `Hello ${name}.`,
  remark: "We ask this every day.",
  last: (before) => ({
    type: "interactive",
    interactive: {
      type: "button",
      body: { text: `${before}How are you today?` },
      action: {
        buttons: [WELL, NOT_SO_WELL].map((title, index) => {
          return { type: "reply", reply: { id: `mood-${index + 1}`, title } };
        }),
      },
    },
  }),
  // Whether Turn is told of the button or of its title, these are the words.
  then: (mood) => ({
    opening: `${mood === NOT_SO_WELL ? "Get well soon" : "Glad to hear it"}, ${name}.`,
    remark: "Until tomorrow.",
    last: (before) => textMessage(`${before}Goodbye!`),
  }),
});

/** The reply as so many messages. */
function messagesOf({ opening, remark, last }: Reply, count: number): readonly SentMessage[] {
  if (opening === undefined || count === 1) {
    return [last(opening === undefined ? "" : `${opening} `)];
  }
  const before = [opening, ...(count > 2 && remark !== undefined ? [remark] : [])];
  return [...before.map(textMessage), last("")];
}

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
