// What becomes of a user's message on USSD before Turn is told of it: it opens a request; a dial may be
// told of by other words, show first what came too late before, or go on where the last session ended;
// and the answer to a screen that asked to wait is no answer to Turn.

import { FirstOf } from "../async/mod.ts";
import { CacheError } from "../cache/mod.ts";
import type { Message } from "../vumi/mod.ts";
import { asksForPage, isEnd } from "./answers.ts";
import type { BridgeOptions } from "./options.ts";
import { keepOurs, type Received, tellOf } from "./received.ts";
import { Resuming } from "./resuming.ts";
import { isResumable, openedBy, questionOf, readOn, startTextOf } from "./session_starts.ts";
import { isEarlier, isTooLong, keepSession, opened, type Session } from "./sessions.ts";
import type { Turn } from "./turn.ts";
import type { Turns } from "./turns.ts";

export interface UssdInboundOptions
  extends Pick<BridgeOptions, "cache" | "metrics" | "ussd" | "content" | "emptyMessageBody"> {
  readonly turns: Turns;
  readonly now: () => number;
  /** Fires when nothing new is to be begun. */
  readonly stopping: AbortSignal;
}

export class UssdInbound {
  readonly #options: UssdInboundOptions;
  readonly #resuming: Resuming;

  constructor(options: UssdInboundOptions) {
    this.#options = options;
    this.#resuming = new Resuming(options);
  }

  /**
   * Takes a user's message, which opens a request, unless the user has hung up.
   * @param takenAt When it was taken off its queue, in milliseconds since 1970.
   * @param end Fires when nothing more is to be begun for it.
   * @param hasWaited Whether `receiveEarly` has said that Turn is to be told, and Turn was not since.
   * @throws {CacheError} If the cache fails.
   * @throws {PublishError} If RabbitMQ does not take what the user is to be shown.
   */
  receive(
    message: Message,
    takenAt: number,
    end: AbortSignal,
    hasWaited = false,
  ): Promise<Received> {
    return this.#options.turns.byUser.inTurn(message.from_addr, async (turn) => {
      const { inbound, state, asked } = turn.session ?? {};
      // What Turn has sent for the message before is what it would send for this dial.
      const isAsked = state === "answered" && asked !== undefined &&
        inbound?.message_id === message.message_id;
      if (hasWaited && isAsked) return await keepOurs(turn, "waited", this.#options);
      return await this.#decide(turn, message, takenAt, end);
    });
  }

  /**
   * The same at once, while Turn may still have the message before: of an answer to a screen that asked to
   * wait, of which Turn is not told; of a dial, of which it is told in its turn; of a hang-up. Undefined
   * for all else.
   * @param isNext Whether all earlier messages of the user's are received.
   */
  receiveEarly(
    message: Message,
    takenAt: number,
    end: AbortSignal,
    isNext: boolean,
  ): Promise<Received | undefined> {
    return this.#options.turns.byUser.inTurn(message.from_addr, async (turn) => {
      const isEarly = isNext && isEnd(message) || this.#isOwn(turn, message);
      if (isEarly) return await this.#decide(turn, message, takenAt, end);
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

  #isOver(session: Session): boolean {
    return isTooLong(session, this.#options.ussd, this.#options.now());
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
      return { kind: "tell", text, isAnswer: true, isEarlier: true, records: [] };
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
    if (session.told !== null) return tellOf(session);
    await this.#options.turns.resend(turn, end);
    return { kind: "ours", why: "waited" };
  }

  #hangUp(turn: Turn, message: Message, takenAt: number): Received {
    const before = turn.session;
    this.#countUnanswered(before);
    const { dialled = null, steps } = before ?? {};
    const asked = isResumable(before) ? before?.asked : undefined;
    const now = this.#options.now();
    const session = openedBy("hung_up", message, takenAt, now, { dialled, asked, steps });
    turn.session = { ...session, state: "over" };
    return tellOf(turn.session);
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
    if (hasCome) return await keepOurs(turn, "waited", this.#options);
    if (turn.isPendingAsking) return await keepOurs(turn, "pending", this.#options);
    const isAsked = asked !== undefined && !this.#isOver(turn.session) &&
      now() - asked.at <= ussd.resumeWindowMs;
    // What waits longest and does not fit above the question comes before it, with what Turn says.
    if (!isAsked || !turn.hasRoomAbove(questionOf(ussd), this.#options.content)) {
      const told = startTextOf(turn.session, ussd);
      if (told !== undefined) turn.session = { ...turn.session, told };
      return tellOf(turn.session);
    }
    metrics.resumed("asked");
    return await this.#resuming.ask(turn, asked, end);
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
    if (isHeld) return await keepOurs(turn, "waited", this.#options);
    // What stands above the question may have more pages.
    const asksMore = await asksForPage(message, this.#options);
    if (!isOver && state === "resuming" && asked !== undefined) {
      if (!asksMore) return await this.#resuming.answer(turn, asked, message, end);
      turn.session = { ...turn.session, state };
    }
    // The page is its answer, and no other one may come before.
    if (asksMore) turn.session = readOn(turn.session, this.#options.now());
    return tellOf(turn.session);
  }

  #countUnanswered(session: Session | undefined): void {
    if (session?.state === "open" || session?.state === "holding") {
      this.#options.metrics.unanswered();
    }
  }
}
