// What becomes of a user's message on USSD before Turn is told of it: it opens a request; a dial may be
// told of by other words, show first what came too late before, or go on where the last session ended;
// and the answer to a screen that asked to wait is no answer to Turn.

import { FirstOf } from "../async/mod.ts";
import { CacheError, type KeptRecord } from "../cache/mod.ts";
import { pick } from "../content/mod.ts";
import type { Message } from "../vumi/mod.ts";
import { asksForPage } from "./answers.ts";
import type { BridgeOptions } from "./options.ts";
import { isResumable, openedBy, readOn, startTextOf, whatDialSays } from "./session_starts.ts";
import { forget, readPrompt } from "./prompts.ts";
import type { OwnScreen } from "./screen_sender.ts";
import { isPlain } from "./screens.ts";
import { type Asked, isEarlier, keepSession, opened, type Session, whyOver } from "./sessions.ts";
import type { Turn } from "./turn.ts";
import type { Turns } from "./turns.ts";

/** What is to be done about a user's message. */
export type Received =
  /** Turn is to be told: what it says, or these words. */
  | {
    readonly kind: "tell";
    readonly text: string | undefined;
    /** Whether it may be an answer to what was asked last. */
    readonly isAnswer: boolean;
    /** To be kept before. */
    readonly records: readonly KeptRecord[];
  }
  /** Turn is not told, for a reason in a plain word. */
  | { readonly kind: "ours"; readonly why: "waited" | "resumed" | "pending" };

export interface UssdInboundOptions
  extends Pick<BridgeOptions, "cache" | "metrics" | "ussd" | "content" | "emptyMessageBody"> {
  readonly turns: Turns;
  readonly now: () => number;
  /** Fires when nothing new is to be begun. */
  readonly stopping: AbortSignal;
}

export class UssdInbound {
  readonly #options: UssdInboundOptions;

  constructor(options: UssdInboundOptions) {
    this.#options = options;
  }

  /**
   * Takes a user's message, which opens a request, unless the user has hung up.
   * @param takenAt When it was taken off its queue, in milliseconds since 1970.
   * @param end Fires when nothing more is to be begun for it.
   * @throws {CacheError} If the cache fails.
   * @throws {PublishError} If RabbitMQ does not take what the user is to be shown.
   */
  receive(message: Message, takenAt: number, end: AbortSignal): Promise<Received> {
    return this.#options.turns.byUser.inTurn(message.from_addr, (turn) => {
      return this.#decide(turn, message, takenAt, end);
    });
  }

  /**
   * The same of an answer to a screen that asked to wait, to be called at once: Turn is not told, and may
   * still have the message before. Undefined for all else.
   */
  receiveOwn(message: Message, takenAt: number, end: AbortSignal): Promise<Received | undefined> {
    return this.#options.turns.byUser.inTurn(message.from_addr, async (turn) => {
      if (this.#isOwn(turn, message)) return await this.#decide(turn, message, takenAt, end);
    });
  }

  /** Whether Turn is not to be told of a message, and that is known whatever Turn was told before. */
  #isOwn({ session, items }: Turn, message: Message): boolean {
    if (session === undefined) return false;
    if (session.inbound.message_id === message.message_id) return session.told === null;
    return session.state === "holding" && message.session_event !== "close" &&
      (message.session_event !== "new" || items.length > 0) &&
      !isEarlier(message, session) && !this.#isOver(session);
  }

  /** Whether a session has gone on for too long, answered or not. */
  #isOver(session: Session): boolean {
    const { ussd, now } = this.#options;
    return whyOver({ ...session, state: "open" }, ussd, now()) !== undefined;
  }

  async #decide(
    turn: Turn,
    message: Message,
    takenAt: number,
    end: AbortSignal,
  ): Promise<Received> {
    const before = { session: turn.session, items: [...turn.items] };
    try {
      using isOver = new FirstOf(end, this.#options.stopping);
      const received = await this.#receive(turn, message, takenAt, isOver.signal);
      if (received.kind === "tell" && turn.session !== before.session) await this.#keep(turn);
      return received;
    } catch (error) {
      // What is not kept is decided anew.
      if (error instanceof CacheError) {
        turn.session = before.session;
        const rest = before.items.filter(({ id }) => turn.items.some((item) => item.id === id));
        turn.items.splice(0, Infinity, ...rest);
      }
      throw error;
    }
  }

  /**
   * Notes that the message is answered by a page.
   * @throws {CacheError} If the cache fails.
   */
  paged(message: Message): Promise<void> {
    const { now } = this.#options;
    return this.#options.turns.byUser.inTurn(message.from_addr, async (turn) => {
      const { session } = turn;
      if (session?.inbound.message_id !== message.message_id) return;
      turn.session = readOn(session, now());
      await this.#keep(turn);
    });
  }

  /** Before the next one's work on the turn, which may read what is kept. */
  async #keep({ session }: Turn): Promise<void> {
    const { cache, ussd } = this.#options;
    if (session !== undefined) await cache.putRecords([keepSession(session, ussd)]);
  }

  async #receive(
    turn: Turn,
    message: Message,
    takenAt: number,
    end: AbortSignal,
  ): Promise<Received> {
    const before = turn.session;
    if (before?.inbound.message_id === message.message_id) {
      return await this.#again(turn, before, end);
    }
    // It was on its way for longer than a later one.
    if (before !== undefined && isEarlier(message, before)) {
      const text = message.session_event === "new"
        ? startTextOf(opened(message, takenAt, { dialled: message.content }), this.#options.ussd)
        : undefined;
      return { kind: "tell", text, isAnswer: true, records: [] };
    }
    switch (message.session_event) {
      case "close":
        return this.#hangUp(turn, message, takenAt);
      case "new":
        return await this.#dial(turn, message, takenAt, end);
      default:
        return await this.#answer(turn, message, takenAt, end);
    }
  }

  /** What was decided before, about a message that comes again. */
  async #again(turn: Turn, session: Session, end: AbortSignal): Promise<Received> {
    if (session.told !== null) return this.#tell(session);
    await this.#options.turns.resend(turn, end);
    return { kind: "ours", why: "waited" };
  }

  #tell(session: Session): Extract<Received, { kind: "tell" }> {
    const { told, inbound } = session;
    // Other words for what the user has typed are those for the choice to start again.
    const isAnswer = told === undefined || inbound.session_event === "new";
    return { kind: "tell", text: told ?? undefined, isAnswer, records: [] };
  }

  #hangUp(turn: Turn, message: Message, takenAt: number): Received {
    const before = turn.session;
    this.#countUnanswered(before);
    const { dialled = null, steps } = before ?? {};
    const asked = isResumable(before) ? before?.asked : undefined;
    const now = this.#options.now();
    const session = openedBy("hung_up", message, takenAt, now, { dialled, asked, steps });
    turn.session = { ...session, state: "over" };
    return this.#tell(turn.session);
  }

  async #dial(
    turn: Turn,
    message: Message,
    takenAt: number,
    end: AbortSignal,
  ): Promise<Received> {
    const { ussd, metrics, now } = this.#options;
    const before = turn.session;
    this.#countUnanswered(before);
    const asked = isResumable(before) ? before?.asked : undefined;
    const { steps } = before ?? {};
    const hasCome = before?.state === "holding" && turn.items.length > 0 && !this.#isOver(before);
    turn.session = openedBy("dialled", message, takenAt, now(), {
      dialled: message.content,
      steps,
    });
    await this.#options.turns.putPending(turn);
    // Who was asked to wait has dialled instead: what has come meanwhile is what Turn would show.
    if (hasCome) return await this.#ours(turn, "waited");
    if (turn.isPendingAsking) return await this.#ours(turn, "pending");
    const isAsked = asked !== undefined && !this.#isOver(turn.session) &&
      now() - asked.at <= ussd.resumeWindowMs;
    // What waits longest and does not fit above the question comes before it, with what Turn says.
    if (!isAsked || !turn.hasRoomAbove(questionOf(ussd), this.#options.content)) {
      const told = startTextOf(turn.session, ussd);
      if (told !== undefined) turn.session = { ...turn.session, told };
      return this.#tell(turn.session);
    }
    metrics.resumed("asked");
    return await this.#askToResume(turn, asked, end);
  }

  async #answer(
    turn: Turn,
    message: Message,
    takenAt: number,
    end: AbortSignal,
  ): Promise<Received> {
    const before = turn.session;
    const { dialled = null, asked, holds = 0, state, steps } = before ?? {};
    // A transport that says so knows that the session goes on.
    const isOver = message.session_event !== "resume" && before && this.#isOver(before);
    const isHeld = !isOver && state === "holding";
    turn.session = openedBy("answered", message, takenAt, this.#options.now(), {
      ...{ dialled, asked, steps },
      holds: isHeld ? holds : 0,
    });
    if (isHeld) return await this.#ours(turn, "waited");
    if (isOver || state !== "resuming" || asked === undefined) return this.#tell(turn.session);
    // What stands above the question may have more pages.
    if (await asksForPage(message, this.#options)) {
      turn.session = { ...turn.session, state };
      return this.#tell(turn.session);
    }
    return await this.#goOn(turn, asked, message, end);
  }

  /** Keeps a request of which Turn is not told. */
  async #ours(turn: Turn, why: "waited" | "pending" | "resumed"): Promise<Received> {
    if (turn.session === undefined) throw new Error("no session");
    turn.session = { ...turn.session, told: null };
    await this.#keep(turn);
    return { kind: "ours", why };
  }

  async #askToResume(turn: Turn, asked: Asked, end: AbortSignal): Promise<Received> {
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

  /** The user has been asked whether to go on, and says so, or not. */
  async #goOn(turn: Turn, asked: Asked, message: Message, end: AbortSignal): Promise<Received> {
    const { ussd, metrics, now } = this.#options;
    const options = [ussd.continueText, ussd.restartText].map((title) => (
      { kind: "button", id: title, title } as const
    ));
    const picked = pick(message.content ?? "", options);
    if (picked === undefined) return await this.#askToResume(turn, asked, end);
    if (picked.number === 1) {
      metrics.resumed("continued");
      // What has come meanwhile and asks something is shown instead.
      if (turn.items.some(({ request }) => !isPlain(request))) {
        return await this.#ours(turn, "resumed");
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
    turn.session = {
      ...session,
      told: startTextOf(session, ussd) ?? whatDialSays(session, this.#options),
    };
    const asks = readPrompt(await this.#options.cache.getRecord("prompt", turn.user));
    const records = asks?.medium === "sms" ? [] : [forget("prompt", turn.user)];
    return { ...this.#tell(turn.session), records };
  }

  #countUnanswered(session: Session | undefined): void {
    if (session?.state === "open" || session?.state === "holding") {
      this.#options.metrics.unanswered();
    }
  }
}

function questionOf({ continueText, restartText }: BridgeOptions["ussd"]): string {
  return `1. ${continueText}\n2. ${restartText}`;
}
