// What waits in a user's turn, in memory: of the bridge that speaks for the channel.

import type { Disposition } from "../vumi/mod.ts";
import type { HeldMessage } from "./held_messages.ts";
import type { ContentOptions, UssdOptions } from "./options.ts";
import { isPlain, shownAtOnce } from "./screens.ts";
import { type Session, whyOver } from "./sessions.ts";

/** One of Turn's messages in hand. */
export interface Item extends HeldMessage {
  /** In milliseconds since 1970. */
  readonly arrivedAt: number;
  /** Fires when it can't be acked any more; then it comes again. */
  readonly lost: AbortSignal;
  /** Whether it came too late for an earlier session, and is kept until it is shown. */
  readonly isPending?: boolean;
  end(disposition: Disposition): void;
}

export class Turn {
  readonly user: string;
  /** As it is kept, and as it will be when the work under way is done. */
  session: Session | undefined;
  /** In the order of their coming. */
  readonly items: Item[] = [];
  #cancel: (() => void) | undefined;

  constructor(user: string, session: Session | undefined) {
    this.user = user;
    this.session = session;
  }

  /** Whether something waits here that is nowhere else. */
  get isAwaited(): boolean {
    return this.items.some(({ isPending }) => !isPending) || this.#cancel !== undefined;
  }

  /** Whether somebody has dialled and was shown nothing yet. */
  get isDialled(): boolean {
    return this.session?.state === "open" && this.session.inbound.session_event === "new";
  }

  /** What a question of ours may stand below. */
  get plain(): readonly Item[] {
    return this.items.filter(({ request }) => isPlain(request));
  }

  /** Has `set` called with a time, in place of an earlier one; undefined for none. */
  wakeAt(at: number | undefined, set: (at: number) => () => void): void {
    this.#cancel?.();
    this.#cancel = at === undefined ? undefined : set(at);
  }

  /** Whether some of what came too late for earlier sessions asks something. */
  get isPendingAsking(): boolean {
    return this.items.some(({ isPending, request }) => isPending && request.waitingForUserInput);
  }

  /** Puts what is kept for the user's next dial before all else, unless it is in hand. */
  putFirst(kept: readonly HeldMessage[], arrivedAt: number): void {
    const lost = new AbortController().signal;
    const items = kept.filter(({ id }) => this.items.every((item) => item.id !== id))
      .map((held) => ({ ...held, arrivedAt, lost, isPending: true, end: () => {} }));
    this.items.unshift(...items);
  }

  /** Whether the one that is pending longest, if any, fits above a question of ours. */
  hasRoomAbove(question: string, content: ContentOptions): boolean {
    const oldest = this.plain.find(({ isPending }) => isPending);
    return oldest === undefined || shownAtOnce(this.plain, content, question).includes(oldest);
  }

  /** Takes what is shown at once; what is pending is kept elsewhere too. */
  takeShown(content: ContentOptions, { mergeWindowMs }: UssdOptions): readonly Item[] {
    // Without a window each is a screen of its own, and the first one takes the request.
    const posted = this.items.findIndex(({ isPending }) => !isPending);
    const isSingle = mergeWindowMs === 0 && posted >= 0;
    const come = this.items.splice(0, isSingle ? posted + 1 : Infinity);
    const shown = shownAtOnce(come, content);
    // It will be too late for the request.
    this.items.unshift(...come.filter((item) => !item.isPending && !shown.includes(item)));
    return shown;
  }

  /** Has what waits wait as if it had come now. */
  countFrom(arrivedAt: number): void {
    this.items.splice(0, Infinity, ...this.items.map((item) => ({ ...item, arrivedAt })));
  }

  /** Ends what can't be acked any more: it comes again, here or at another bridge. */
  leaveLost(disposition: Disposition): void {
    for (const item of this.items.filter(({ lost }) => lost.aborted)) {
      this.items.splice(this.items.indexOf(item), 1);
      item.end(disposition);
    }
  }

  /** Ends all that waits. */
  leave(disposition: Disposition): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const item of this.items.splice(0)) item.end(disposition);
  }
}

/** When something is to be done about a turn, in milliseconds since 1970; undefined if never. */
export function dueAt(
  { session, items }: Turn,
  options: UssdOptions,
  now: number,
): number | undefined {
  if (session === undefined) return undefined;
  const { mergeWindowMs, settleMs, sessionMs, holdText } = options;
  const { takenAt, state, inbound } = session;
  const last = items.at(-1);
  const posted = items.findLast(({ isPending }) => !isPending);
  // It is shown when the user answers, if that is in time.
  if (state === "holding" || state === "resuming") return last && takenAt + sessionMs + 1;
  if (state !== "open") return posted && 0;
  const deadline = takenAt + options.answerDeadlineMs(inbound.provider);
  const asking = items.find(({ request }) => request.waitingForUserInput);
  if (last === undefined) {
    const isHeld = holdText !== undefined && whyOver(session, options, now) === undefined;
    return isHeld ? deadline : undefined;
  }
  if (asking?.isPending) return asking.arrivedAt;
  // Turn is told of the dial, and answers.
  if (posted === undefined) return deadline;
  const settlesMs = Math.min(settleMs, mergeWindowMs);
  const first = items.find(({ isPending }) => !isPending) ?? posted;
  // What comes after the deadline may be several messages too.
  const latest = first.arrivedAt <= deadline ? deadline : (asking ?? first).arrivedAt + settlesMs;
  const settledAt = asking === undefined
    ? posted.arrivedAt + mergeWindowMs
    : asking.arrivedAt + settlesMs;
  return Math.min(settledAt, latest);
}
