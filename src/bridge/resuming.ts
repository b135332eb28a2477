// Who dials again soon after a screen that asked something is asked whether to go on there, or to start
// again; Turn is told of the latter only.

import { pick } from "../content/mod.ts";
import type { Message } from "../vumi/mod.ts";
import { forget, readPrompt } from "./prompts.ts";
import { keepOurs, type Received, tellOf } from "./received.ts";
import type { OwnScreen } from "./screen_sender.ts";
import { isPlain } from "./screens.ts";
import { questionOf, startTextOf, whatDialSays } from "./session_starts.ts";
import { type Asked, opened } from "./sessions.ts";
import type { Turn } from "./turn.ts";
import type { UssdInboundOptions } from "./ussd_inbound.ts";

export class Resuming {
  readonly #options: UssdInboundOptions;

  constructor(options: UssdInboundOptions) {
    this.#options = options;
  }

  /**
   * Asks it.
   * @throws {CacheError} If the cache fails.
   * @throws {PublishError} If RabbitMQ does not take it.
   */
  async ask(turn: Turn, asked: Asked, end: AbortSignal): Promise<Received> {
    const text = questionOf(this.#options.ussd);
    const step = "asked_to_resume";
    return await this.#show(turn, { text, prompt: null, state: "resuming", step, asked }, end);
  }

  /** Answers a request of which Turn is not told. */
  async #show(turn: Turn, screen: OwnScreen, end: AbortSignal): Promise<Received> {
    if (turn.session !== undefined) turn.session = { ...turn.session, told: null };
    await this.#options.turns.show(turn, { ...screen, mustBeKept: true }, end);
    return { kind: "ours", why: "resumed" };
  }

  /**
   * The user says what to do, or something else.
   * @throws As `ask` does.
   */
  async answer(turn: Turn, asked: Asked, message: Message, end: AbortSignal): Promise<Received> {
    const { ussd, metrics, now } = this.#options;
    const options = [ussd.continueText, ussd.restartText].map((title) => (
      { kind: "button", id: title, title } as const
    ));
    const picked = pick(message.content ?? "", options);
    if (picked === undefined) return await this.ask(turn, asked, end);
    if (picked.number === 1) {
      metrics.resumed("continued");
      // What has come meanwhile and asks something is shown instead.
      if (turn.items.some(({ request }) => !isPlain(request))) {
        return await keepOurs(turn, "resumed", this.#options);
      }
      const again = { ...asked, at: now() };
      const step = "shown_again";
      return await this.#show(turn, { ...asked, state: "answered", step, asked: again }, end);
    }
    metrics.resumed("restarted");
    // What came meanwhile goes with what Turn says now, and must not end the session before.
    turn.countFrom(now());
    const { takenAt = 0, dialled = null, steps = [] } = turn.session ?? {};
    const session = opened(message, takenAt, { dialled, steps });
    const told = startTextOf(session, ussd) ?? whatDialSays(session, this.#options);
    turn.session = { ...session, told };
    const asks = readPrompt(await this.#options.cache.getRecord("prompt", turn.user));
    const tell = tellOf(turn.session);
    if (asks?.medium === "sms") return tell;
    return { ...tell, records: [...tell.records, forget("prompt", turn.user)] };
  }
}
