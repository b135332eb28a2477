// A turn of a USSD conversation: the user's message is a request that takes one answer, and what Turn
// sends for it, be it one message or several, becomes one screen. What Turn sends is held in a queue
// until RabbitMQ has that screen: should we end before, the next one to speak for the channel goes on.

import { FirstOf, onAbort, sleep } from "../async/mod.ts";
import { CacheError } from "../cache/mod.ts";
import { type BrokerMessage, type Disposition, PublishError } from "../vumi/mod.ts";
import { decodeHeld } from "./held_messages.ts";
import { BACK, cameBefore, DONE } from "./held_returns.ts";
import { type AskedFor, LateMessages, type LateMessagesOptions } from "./late_messages.ts";
import { log } from "./log.ts";
import { ownId } from "./part_ids.ts";
import { isLeft, readPages } from "./prompts.ts";
import {
  holdScreen,
  type OwnScreen,
  ScreenSender,
  type ScreenSenderOptions,
  type Sent,
} from "./screen_sender.ts";
import { askedBy, merge, shownAtOnce } from "./screens.ts";
import { isOnScreen, keepSession, opened, type Session, whyOver, withStep } from "./sessions.ts";
import { dueAt, type Item, type Turn } from "./turn.ts";
import { tolerateCacheError } from "./tolerate.ts";
import { UserTurns } from "./user_turns.ts";

export interface TurnsOptions extends ScreenSenderOptions, LateMessagesOptions {
  /** Fires when nothing new is to be begun. */
  readonly stopping: AbortSignal;
}

/** How long it is waited when the cache, or the broker, fails. */
const PAUSE_MS = 1_000;

export class Turns {
  readonly #options: TurnsOptions;
  readonly #sender: ScreenSender;
  /** What it is too late for. */
  readonly late: LateMessages;
  /** Those of all users. */
  readonly byUser: UserTurns;

  constructor(options: TurnsOptions) {
    this.#options = options;
    this.#sender = new ScreenSender(options);
    this.late = new LateMessages(options);
    const schedule = (turn: Turn): void => this.#schedule(turn);
    this.byUser = new UserTurns({ ...options, schedule });
    onAbort(options.stopping, () => this.#stop());
  }

  /** Decides about one of Turn's messages that was held: when it is shown, or goes another way. */
  readonly handle = async (message: BrokerMessage): Promise<Disposition> => {
    const held = decodeHeld(message.body);
    if (held === undefined) {
      log.error("Parked a message of the queue of those that are held: it is none of ours");
      return { kind: "park", reason: "not a message that this program has held" };
    }
    const { promise, resolve: end } = Promise.withResolvers<Disposition>();
    const item: Item = { ...held, arrivedAt: this.#options.now(), lost: message.lost, end };
    let isAgain = cameBefore(message);
    const arrive = (turn: Turn): Promise<void> =>
      this.#arrive(turn, item, isAgain).finally(() => isAgain = true);
    await this.#tryUntilDone(item, () => this.byUser.inTurn(held.inbound.from_addr, arrive));
    return await promise;
  };

  /**
   * Puts what came too late for earlier sessions before all else, to be shown by the session's first screen,
   * unless that would be too late too.
   * @throws {CacheError} If it can't be looked up.
   */
  async putPending(turn: Turn): Promise<void> {
    const { ussd, now } = this.#options;
    const { session, user } = turn;
    if (session === undefined || whyOver(session, ussd, now()) !== undefined) return;
    turn.putFirst(await this.late.pending(user), now());
  }

  /**
   * Answers the request with a screen of ours, below what has come that asks nothing.
   * @param end Fires when it is not to be tried any more.
   * @throws {CacheError} If it must be kept and can't be; it is not sent then.
   * @throws {PublishError} If it may not have been sent; the same is then sent by `resend`.
   */
  async show(turn: Turn, screen: OwnScreen, end: AbortSignal): Promise<void> {
    if (turn.session === undefined) return;
    const items = shownAtOnce(turn.plain, this.#options.content, screen.text);
    const above = merge(items, this.#options.content);
    const { state, step, prompt, waits = true, holds = 0, asked, mustBeKept } = screen;
    const sent = await this.#sender.send(turn.session, {
      id: items[0]?.id ?? ownId(turn.session.inbound.message_id),
      text: [above?.text ?? [], screen.text].flat().join("\n"),
      ...{ waits, step, prompt, ...mustBeKept && { mustBeKept }, ids: items.map(({ id }) => id) },
      change: { state, holds, asked },
    }, end);
    await this.#sent(turn, sent, items);
  }

  /**
   * Sends again what may not have been sent in answer to the request.
   * @throws {PublishError} As for `show`.
   */
  async resend(turn: Turn, end: AbortSignal): Promise<void> {
    if (turn.session === undefined) return;
    const sent = await this.#sender.sendAgain(turn.session, end);
    await this.#sent(turn, sent, turn.items.filter(({ id }) => sent.session.shown.includes(id)));
  }

  async #sent(turn: Turn, { kind, session }: Sent, items: readonly Item[]): Promise<void> {
    turn.session = session;
    if (kind === "given_up") throw new PublishError("unavailable", "not sent while stopping");
    if (kind === "confirmed") await this.#end(turn, items);
  }

  /** Works on an item until that ends well, or the item has gone back to its queue. */
  async #tryUntilDone(item: Item, work: () => Promise<void>): Promise<void> {
    const { stopping, after } = this.#options;
    using end = new FirstOf(item.lost, stopping);
    while (!end.signal.aborted) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof CacheError || error instanceof PublishError)) throw error;
        const values = { messageId: item.id, reason: error.message };
        log.error("What is held for a user waits: {messageId}, {reason}", values);
        await sleep(PAUSE_MS, end.signal, after);
      }
    }
    item.end(BACK);
  }

  async #arrive(turn: Turn, item: Item, isAgain: boolean): Promise<void> {
    const { ussd, now, cache, stopping } = this.#options;
    using first = new FirstOf(item.lost, stopping);
    const { signal: end } = first;
    // We may have ended before the user was asked to wait.
    if (turn.session?.state === "holding") await this.resend(turn, end);
    const { session } = turn;
    if (session?.shown.includes(item.id)) {
      const sent = await this.#sender.sendAgain(session, end);
      turn.session = sent.session;
      if (sent.kind === "given_up") return item.end(BACK);
      if (sent.kind === "confirmed") {
        await this.late.shown(turn.user, session.shown);
        return item.end(DONE);
      }
      return await this.#endLate(turn, item, "RabbitMQ took it too late");
    }
    // The bridge that took the dial may be gone, with what it was to show first.
    if (turn.isDialled && turn.items.length === 0) await this.putPending(turn);
    const same = turn.items.findIndex(({ id }) => id === item.id);
    if (same >= 0) {
      // Sent again by Turn, which had no answer; or by RabbitMQ, and then the first one can't be acked.
      const [other = item] = turn.items.splice(same, 1, item);
      return other.end(DONE);
    }
    // By the screen before, or as a late one, after which we have ended.
    if (isAgain && await cache.getNote("confirmed", item.id) !== undefined) return item.end(DONE);
    if (session === undefined && item.over !== undefined) {
      return await this.#endLate(turn, item, item.over);
    }
    turn.session = session ?? opened(item.inbound, now());
    const why = whyOver(turn.session, ussd, now());
    if (why !== undefined) return await this.#endLate(turn, item, why);
    turn.session = withStep(turn.session, { at: now(), what: "held", ids: [item.id] });
    turn.items.push(item);
  }

  async #endLate(turn: Turn, item: Item, why: string): Promise<void> {
    const { cache, ussd, now } = this.#options;
    // It may have waited for the user's dial, and have been shown, since this was begun.
    if (await cache.getNote("confirmed", item.id) !== undefined) return item.end(DONE);
    await this.late.end(item, why, await this.#askedFor(turn));
    if (turn.session !== undefined) {
      turn.session = withStep(turn.session, { at: now(), what: "late", ids: [item.id] });
      const kept = cache.putRecords([keepSession(turn.session, ussd)]);
      await tolerateCacheError(kept, (reason) => log.debug("Not kept: {reason}", { reason }));
    }
    item.end(DONE);
  }

  async #askedFor({ user, session }: Turn): Promise<AskedFor> {
    const { cache, ussd, now } = this.#options;
    if (!isOnScreen(session, ussd, now())) return undefined;
    if (session?.asked !== undefined) return session.asked.prompt ? "choice" : "words";
    return isLeft(readPages(await cache.getRecord("pages", user))) ? "words" : undefined;
  }

  /** Sets the time at which something is to be done, if anything is. */
  #schedule(turn: Turn): void {
    const { ussd, now, after } = this.#options;
    turn.wakeAt(dueAt(turn, ussd, now()), (at) => {
      return after(Math.max(0, at - now()), () => this.#do(turn.user, this.#due));
    });
  }

  #do(user: string, work: (turn: Turn) => Promise<void>): void {
    void this.byUser.inTurn(user, (turn) => this.#guard(turn, work)).catch((error: CacheError) => {
      log.error("A user's session can't be looked up: {reason}", { reason: error.message });
    });
  }

  /** What has a bug is parked. */
  async #guard(turn: Turn, work: (turn: Turn) => Promise<void>): Promise<void> {
    const items = [...turn.items];
    try {
      await work(turn);
    } catch (error) {
      if (error instanceof PublishError) return; // We are stopping.
      const bug = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      log.error("A bug, please report it; parked what was held for a user: {bug}", { bug });
      for (const item of items) item.end({ kind: "park", reason: `bug: ${bug}` });
      this.byUser.drop(turn); // Else it would be due again at once.
    }
  }

  /** Does what is due. */
  readonly #due = async (turn: Turn): Promise<void> => {
    const { ussd, now, stopping, connector } = this.#options;
    // Another bridge speaks for the channel, and knows better.
    if (!connector.leads) return this.byUser.forget();
    const at = dueAt(turn, ussd, now());
    const { session } = turn;
    // A timer may be late, and something have changed meanwhile.
    if (session === undefined || at === undefined || at > now() || stopping.aborted) return;
    const why = whyOver(session, ussd, now());
    if (why !== undefined || session.state !== "open") {
      return this.#endAllLate(turn, turn.items.splice(0), why ?? "the user has not answered");
    }
    if (turn.items.length > 0) return await this.#flush(turn);
    await this.#hold(turn, session);
  };

  /** Shows all that has come. */
  readonly #flush = async (turn: Turn): Promise<void> => {
    const { content, ussd, now, stopping } = this.#options;
    const { session } = turn;
    const items = turn.takeShown(content, ussd);
    const screen = merge(items, content);
    const [first] = items;
    if (session === undefined || first === undefined) return;
    if (screen === undefined) return this.#endAllLate(turn, items, "it has no words");
    using end = new FirstOf(stopping, ...items.map(({ lost }) => lost));
    const sent = await this.#sender.send(session, {
      ...screen,
      id: first.id,
      step: "shown",
      change: { holds: 0, asked: askedBy(screen, now(), content) },
    }, end.signal);
    turn.session = sent.session;
    if (sent.kind === "over") return this.#endAllLate(turn, items, "RabbitMQ took it too late");
    if (sent.kind === "confirmed") return await this.#end(turn, items);
    for (const item of items) item.end(BACK);
  };

  /** A screen has shown them. */
  async #end(turn: Turn, items: readonly Item[]): Promise<void> {
    const { metrics, now } = this.#options;
    for (const item of items) {
      const index = turn.items.indexOf(item);
      if (index >= 0) turn.items.splice(index, 1);
      metrics.shown(item.request.message.type, "ussd");
      item.end(DONE);
    }
    await this.late.shown(turn.user, turn.session?.shown ?? []);
    const tookMs = now() - (turn.session?.takenAt ?? now());
    if (items.length > 0) metrics.screenShown(items.length, tookMs / 1000);
  }

  /** Asks the user to wait, or, after so many times, to dial again. */
  async #hold(turn: Turn, session: Session): Promise<void> {
    const { ussd, metrics, stopping } = this.#options;
    const screen = holdScreen(session, ussd);
    if (screen === undefined) return;
    await this.show(turn, screen, stopping);
    metrics.holdShown(screen.waits ? "hold" : "sorry");
  }

  /** Beside what else is done for the user: it may have to wait. */
  #endAllLate(turn: Turn, items: readonly Item[], why: string): void {
    for (const item of items) {
      if (item.isPending) continue; // It stays where it is.
      const end = (turn: Turn): Promise<void> => this.#endLate(turn, item, why);
      this.#tryUntilDone(item, () => this.byUser.inTurn(turn.user, end))
        .catch((error) => item.end({ kind: "park", reason: `bug: ${error}` }));
    }
  }

  /** Shows at once what waits for an answer; the rest is left to whoever speaks for the channel next. */
  #stop(): void {
    for (const turn of this.byUser.all()) {
      const isWhole = turn.session?.state === "open" &&
        turn.items.some(({ request }) => request.waitingForUserInput);
      if (isWhole) this.#do(turn.user, this.#flush);
      else turn.leave(BACK);
    }
  }
}
