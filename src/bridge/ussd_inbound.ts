// What becomes of a user's message on USSD before Turn is told of it: it opens a request; a dial may be
// told of by other words, show first what came too late before, or go on where the last session ended;
// and the answer to a screen that asked to wait is no answer to Turn.

import { CacheError, type KeptRecord } from "../cache/mod.ts";
import { pick } from "../content/mod.ts";
import type { Message } from "../vumi/mod.ts";
import type { BridgeOptions } from "./options.ts";
import { forget } from "./prompts.ts";
import type { OwnScreen } from "./screen_sender.ts";
import { isPlain } from "./screens.ts";
import {
  type Asked,
  isEarlier,
  keepSession,
  opened,
  type Session,
  type SessionStep,
  whyOver,
  withStep,
} from "./sessions.ts";
import type { Item, Turn } from "./turn.ts";
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
  extends Pick<BridgeOptions, "cache" | "metrics" | "ussd" | "emptyMessageBody"> {
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
    return this.#options.turns.inTurn(message.from_addr, async (turn) => {
      const before = turn.session;
      try {
        const isOver = AbortSignal.any([end, this.#options.stopping]);
        const received = await this.#receive(turn, message, takenAt, isOver);
        if (received.kind === "tell" && turn.session !== before) await this.#keep(turn);
        return received;
      } catch (error) {
        // What is not kept is decided anew.
        if (error instanceof CacheError) turn.session = before;
        throw error;
      }
    });
  }

  /**
   * Notes that the message is answered by a page.
   * @throws {CacheError} If the cache fails.
   */
  paged(message: Message): Promise<void> {
    const { now } = this.#options;
    return this.#options.turns.inTurn(message.from_addr, async (turn) => {
      const { session } = turn;
      if (session?.inbound.message_id !== message.message_id) return;
      const { told: _told, ...rest } = session;
      const step = { at: now(), what: "page", ids: [message.message_id] } as const;
      turn.session = withStep({ ...rest, state: "answered" }, step);
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
      return { kind: "tell", text: undefined, isAnswer: true, records: [] };
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
    const session = this.#opened("hung_up", message, takenAt, { dialled, asked, steps });
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
    const pending = await this.#pending(turn);
    const asked = isResumable(before) ? before?.asked : undefined;
    const { steps } = before ?? {};
    turn.session = this.#opened("dialled", message, takenAt, { dialled: message.content, steps });
    turn.items.unshift(...pending);
    if (pending.some(({ request }) => request.waitingForUserInput)) {
      return await this.#ours(turn, "pending");
    }
    if (asked === undefined || now() - asked.at > ussd.resumeWindowMs) {
      const told = this.#startText(turn.session);
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
    const { ussd, now } = this.#options;
    const before = turn.session;
    const { dialled = null, asked, holds = 0, state, steps } = before ?? {};
    // Whether it was answered says nothing of how long ago that was.
    const isOver = before === undefined ||
      whyOver({ ...before, state: "open" }, ussd, now()) !== undefined;
    const isHeld = !isOver && state === "holding";
    turn.session = this.#opened("answered", message, takenAt, {
      ...{ dialled, asked, steps },
      holds: isHeld ? holds : 0,
    });
    if (isHeld) return await this.#ours(turn, "waited");
    if (isOver || state !== "resuming" || asked === undefined) return this.#tell(turn.session);
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
    const { ussd: { continueText, restartText } } = this.#options;
    const text = `1. ${continueText}\n2. ${restartText}`;
    const step = "asked_to_resume";
    return await this.#show(turn, { text, state: "resuming", step, asked }, end);
  }

  /** Answers a request of which Turn is not told. */
  async #show(turn: Turn, screen: OwnScreen, end: AbortSignal): Promise<Received> {
    if (turn.session !== undefined) turn.session = { ...turn.session, told: null };
    await this.#options.turns.show(turn, { ...screen, mustBeKept: true }, end);
    return { kind: "ours", why: "resumed" };
  }

  /** The user has been asked whether to go on, and says so, or not. */
  async #goOn(turn: Turn, asked: Asked, message: Message, end: AbortSignal): Promise<Received> {
    const { ussd, metrics } = this.#options;
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
      const { text, prompt } = asked;
      const step = "shown_again";
      return await this.#show(turn, { text, prompt, state: "answered", step, asked }, end);
    }
    metrics.resumed("restarted");
    const { takenAt = 0, dialled = null, steps = [] } = turn.session ?? {};
    const session = opened(message, takenAt, { dialled, steps });
    turn.session = { ...session, told: this.#startText(session) ?? this.#whatDialSays(session) };
    return { ...this.#tell(turn.session), records: [forget("prompt", turn.user)] };
  }

  /** What Turn is told of a dial, if not what the transport says. */
  #startText({ dialled, inbound }: Session): string | undefined {
    const { startText, startTexts } = this.#options.ussd;
    return startTexts.get(dialled ?? "") ?? startTexts.get(inbound.to_addr) ?? startText;
  }

  #whatDialSays({ dialled, inbound }: Session): string {
    return dialled || (this.#options.emptyMessageBody ?? inbound.to_addr);
  }

  #opened(
    what: SessionStep["what"],
    message: Message,
    takenAt: number,
    { steps = [], ...before }: Omit<NonNullable<Parameters<typeof opened>[2]>, "steps"> & {
      readonly steps?: Session["steps"] | undefined;
    },
  ): Session {
    const session = opened(message, takenAt, { ...before, steps });
    return withStep(session, { at: this.#options.now(), what, ids: [message.message_id] });
  }

  async #pending({ user, items }: Turn): Promise<readonly Item[]> {
    const kept = await this.#options.turns.late.pending(user);
    // Some may be in hand, from a dial that was not answered.
    const pending = kept.filter(({ id }) => items.every((item) => item.id !== id));
    const arrivedAt = this.#options.now();
    const never = new AbortController().signal;
    return pending.map((held) => (
      { ...held, arrivedAt, lost: never, isPending: true, end: () => {} }
    ));
  }

  #countUnanswered(session: Session | undefined): void {
    if (session?.state === "open" || session?.state === "holding") {
      this.#options.metrics.unanswered();
    }
  }
}

/** Whether the last screen asked something that the user has not answered. */
function isResumable(session: Session | undefined): boolean {
  return session?.asked !== undefined &&
    (session.state === "answered" || session.state === "resuming" || session.state === "over");
}
