// What becomes of a user's message on USSD before Turn is told of it: it opens a request; a dial may be
// told of by other words, show first what came too late before, or go on where the last session ended;
// and the answer to a screen that asked to wait is no answer to Turn.

import { FirstOf } from "../async/mod.ts";
import { CacheError } from "../cache/mod.ts";
import type { Message } from "../vumi/mod.ts";
import { asksForPage, keptMeaning } from "./answers.ts";
import type { BridgeOptions } from "./options.ts";
import { keepOurs, type Received, tellOf } from "./received.ts";
import { Resuming } from "./resuming.ts";
import { isResumable, openedBy, questionOf, readOn, startTextOf } from "./session_starts.ts";
import { isEarlier, isTooLong, keepSession, opened, type Session } from "./sessions.ts";
import type { Turn } from "./turn.ts";
import type { Turns } from "./turns.ts";

/** More dials without an answer are each told of. */
const MOST_DIALS = 20;

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
   * Takes a user's message, which opens a request, unless the user has hung up. What it comes to is what
   * `keep` makes of it, before anything else is done for the user.
   * @param takenAt When it was taken off its queue, in milliseconds since 1970.
   * @param end Fires when nothing more is to be begun for it.
   * @throws {CacheError} If the cache fails; it may be taken again then.
   * @throws {PublishError} If RabbitMQ does not take what the user is to be shown.
   */
  receive<R>(
    message: Message,
    takenAt: number,
    end: AbortSignal,
    keep: (received: Received) => Promise<R>,
  ): Promise<R> {
    return this.#options.turns.byUser.inTurn(message.from_addr, async (turn) => {
      return await keep(await this.#decide(turn, message, takenAt, end));
    });
  }

  /**
   * The same at once, while Turn may still have the message before. Undefined if that is too early: then
   * the message is to be received in its order.
   * @param isNext Whether all earlier messages of the user's are received, and this one was not before.
   */
  receiveEarly<R>(
    message: Message,
    takenAt: number,
    end: AbortSignal,
    isNext: () => boolean,
    keep: (received: Received) => Promise<R>,
  ): Promise<R | undefined> {
    return this.#options.turns.byUser.inTurn(message.from_addr, async (turn) => {
      if (!isNext() && !this.#isOwn(turn, message)) return undefined;
      return await keep(await this.#decide(turn, message, takenAt, end));
    });
  }

  /**
   * Whether Turn has asked, for an earlier one of which it was told, what it would ask for this dial.
   * @throws {CacheError} If the cache fails.
   */
  isAnswered({ from_addr, message_id }: Message): Promise<boolean> {
    return this.#options.turns.byUser.inTurn(from_addr, async ({ session, items }) => {
      const isAsked = session?.asked !== undefined ||
        items.some(({ request }) => request.waitingForUserInput);
      const [first = "", ...others] = session?.redials ?? [];
      return isAsked && others.includes(message_id) &&
        await this.#options.cache.getNote("delivered_inbound", first) !== undefined;
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
        : await this.#wordsOf(message);
      return { kind: "tell", text, isAnswer: text === undefined, isEarlier: true, records: [] };
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

  /** What Turn is told of an answer, if it was decided before that that is not what it says. */
  async #wordsOf({ message_id }: Message): Promise<string | undefined> {
    const meaning = await keptMeaning(this.#options.cache, message_id);
    return meaning !== undefined && "told" in meaning ? meaning.told : undefined;
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
    const { dialled = null, steps, redials } = before ?? {};
    const asked = isResumable(before) ? before?.asked : undefined;
    const now = this.#options.now();
    const session = openedBy("hung_up", message, takenAt, now, { dialled, asked, steps, redials });
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
    const { dialled, inbound, state, steps } = before ?? {};
    const isSame = dialled === message.content && inbound?.to_addr === message.to_addr;
    const isUnanswered = state === "open" || state === "holding";
    const isAgain = before !== undefined && isSame && isUnanswered && !this.#isOver(before);
    const first = inbound?.session_event === "new" ? [inbound.message_id] : [];
    const redials = isAgain ? before.redials ?? first : [];
    const hasCome = isAgain && state === "holding" && turn.items.length > 0;
    turn.session = openedBy("dialled", message, takenAt, now(), {
      dialled: message.content,
      ...redials.length > 0 && { redials: [...redials, message.message_id].slice(0, MOST_DIALS) },
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
    const { dialled = null, asked, holds = 0, state, steps, redials } = before ?? {};
    // A transport that says so knows that the session goes on.
    const isOver = message.session_event !== "resume" && before && this.#isOver(before);
    const isHeld = !isOver && state === "holding";
    turn.session = openedBy("answered", message, takenAt, this.#options.now(), {
      ...{ dialled, asked, steps, redials },
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
