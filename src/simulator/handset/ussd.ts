// A user's USSD session as the network has it: one answer to each thing that the user does, the first
// one; and an end when none comes in time, or the session's time is up.

import type { Message } from "../../vumi/mod.ts";
import type { Session } from "./events.ts";
import { screenSize } from "./text_size.ts";

interface UssdSessionOptions {
  /** How long a session may last. */
  readonly timeoutMs: number;
  /** How long the network waits for a screen now, and what fits on one. */
  readonly waitMs: () => number;
  readonly pageChars: () => number;
  /** In how many milliseconds it loses what goes on now; undefined if it does not. */
  readonly lossMs: () => number | undefined;
  /** Called when the network is to end it; by `userDoes` that is told. */
  readonly onEnd: () => void;
}

/** What becomes of what the service says: why it is not shown, if it is not. */
type Shown = "shown" | "second" | "nobody";

/** What ended a session, but for the service. */
type EndedBy = Exclude<NonNullable<Session["endedBy"]>, "service">;

/** The open session, or the last one. */
export class UssdSession implements Disposable {
  readonly #options: UssdSessionOptions;
  #session: Omit<Session, "leftMs" | "waitMs"> | undefined;
  #deadline = 0;
  #waitsUntil = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waitTimer: ReturnType<typeof setTimeout> | undefined;
  #lossTimer: ReturnType<typeof setTimeout> | undefined;
  /** What the user did last. */
  #request = { id: "", at: Infinity, isDial: false };
  #endedBy: EndedBy = "user";
  #unanswered: string | undefined;
  #answered: string | undefined;

  constructor(options: UssdSessionOptions) {
    this.#options = options;
  }

  get now(): Session | null {
    if (this.#session === undefined) return null;
    return {
      ...this.#session,
      leftMs: Math.max(0, this.#deadline - Date.now()),
      waitMs: this.state === "waiting" ? Math.max(0, this.#waitsUntil - Date.now()) : null,
    };
  }

  /** `ended` also if there was no session yet. */
  get state(): Session["state"] {
    return this.#session?.state ?? "ended";
  }

  /** How long before a moment the user did what was done last, and whether that was to dial. */
  sinceLast(moment = Date.now()): { readonly ms: number; readonly isDial: boolean } {
    const { at, isDial } = this.#request;
    return { ms: moment - at, isDial };
  }

  /** The same of what is answered; undefined if that was something else. */
  sinceRequest(inReplyTo: string | null): ReturnType<UssdSession["sinceLast"]> | undefined {
    return this.#request.id === inReplyTo ? this.sinceLast() : undefined;
  }

  /** The user dials, answers or hangs up; returns what ended the session, if it ended. */
  userDoes({ message_id, session_event, to_addr: code }: Message): EndedBy | undefined {
    if (session_event === "new") {
      this.#begin(message_id, code);
    } else if (session_event === "close") {
      const endedBy = this.#endedBy;
      this.#end(endedBy);
      return endedBy;
    } else if (this.#session !== undefined) {
      this.#session = { ...this.#session, state: "waiting" };
      this.#wait(message_id);
    }
    return undefined;
  }

  /** The service answers, with the message `id`. */
  serviceSays(id: string, inReplyTo: string | null, text: string, asks: boolean): Shown {
    if (this.#session === undefined || inReplyTo === null) return "nobody";
    if (inReplyTo === this.#answered) return "second";
    if (this.state === "ended" || inReplyTo !== this.#unanswered) return "nobody";
    this.#stopWaiting();
    this.#answered = inReplyTo;
    const screens = this.#session.screens + 1;
    this.#session = {
      ...this.#session,
      state: "asking",
      ...this.#shown(text),
      screens,
      screenId: id,
    };
    if (!asks) this.#end("service");
    return "shown";
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#waitTimer);
    clearTimeout(this.#lossTimer);
  }

  #begin(id: string, code: string): void {
    const { timeoutMs } = this.#options;
    this.#endedBy = "user";
    this.#deadline = Date.now() + timeoutMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#cut("time"), timeoutMs);
    this.#session = {
      ...{ id, code, state: "waiting", endedBy: null, screens: 0, screenId: "" },
      ...this.#shown(""),
    };
    this.#wait(id, true);
  }

  /** The request takes one answer, while the network waits for it. */
  #wait(request: string, isDial = false): void {
    const waitMs = this.#options.waitMs();
    const lossMs = this.#options.lossMs();
    this.#stopWaiting();
    clearTimeout(this.#lossTimer);
    if (lossMs !== undefined) this.#lossTimer = setTimeout(() => this.#cut("loss"), lossMs);
    this.#request = { id: request, at: Date.now(), isDial };
    this.#unanswered = request;
    this.#waitsUntil = Date.now() + waitMs;
    this.#waitTimer = setTimeout(() => this.#cut("silence"), waitMs);
  }

  #stopWaiting(): void {
    clearTimeout(this.#waitTimer);
    this.#unanswered = undefined;
  }

  #cut(by: EndedBy): void {
    this.#endedBy = by;
    this.#options.onEnd();
  }

  #end(endedBy: NonNullable<Session["endedBy"]>): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#lossTimer);
    this.#stopWaiting();
    if (this.#session !== undefined) this.#session = { ...this.#session, state: "ended", endedBy };
  }

  #shown(text: string): Pick<Session, "text" | "size"> {
    return { text, size: screenSize(text, this.#options.pageChars()) };
  }
}
