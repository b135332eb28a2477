// A user's USSD session as the network has it: one answer to each thing that the user does, the
// first one, and an end when its time is up.

import type { Message } from "../../vumi/mod.ts";
import type { Session } from "./events.ts";
import { screenSize } from "./text_size.ts";

/** The open session, or the last one. */
export class UssdSession implements Disposable {
  readonly #timeoutMs: number;
  readonly #onTimeout: () => void;
  #session: Omit<Session, "leftMs"> | undefined;
  #deadline = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timedOut = false;
  #unanswered: string | undefined;

  constructor(timeoutMs: number, onTimeout: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
  }

  get now(): Session | null {
    if (this.#session === undefined) return null;
    return { ...this.#session, leftMs: Math.max(0, this.#deadline - Date.now()) };
  }

  /** `ended` also if there was no session yet. */
  get state(): Session["state"] {
    return this.#session?.state ?? "ended";
  }

  /** The user dials, answers or hangs up; returns what ended the session, if it ended. */
  userDoes({ message_id, session_event, to_addr: code }: Message): "user" | "time" | undefined {
    if (session_event === "new") {
      this.#begin(message_id, code);
    } else if (session_event === "close") {
      const endedBy = this.#timedOut ? "time" : "user";
      this.#end(endedBy);
      return endedBy;
    } else if (this.#session !== undefined) {
      this.#session = { ...this.#session, state: "waiting" };
      this.#unanswered = message_id;
    }
    return undefined;
  }

  /** The service answers; false if no session waits for that. */
  serviceSays(inReplyTo: string | null, text: string, asks: boolean): boolean {
    if (this.#session === undefined || inReplyTo === null) return false;
    if (this.state === "ended" || inReplyTo !== this.#unanswered) return false;
    this.#unanswered = undefined;
    const screens = this.#session.screens + 1;
    this.#session = { ...this.#session, state: "asking", ...shown(text), screens };
    if (!asks) this.#end("service");
    return true;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #begin(id: string, code: string): void {
    clearTimeout(this.#timer);
    this.#timedOut = false;
    this.#unanswered = id;
    this.#deadline = Date.now() + this.#timeoutMs;
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#onTimeout();
    }, this.#timeoutMs);
    this.#session = { id, code, state: "waiting", endedBy: null, ...shown(""), screens: 0 };
  }

  #end(endedBy: NonNullable<Session["endedBy"]>): void {
    clearTimeout(this.#timer);
    this.#unanswered = undefined;
    if (this.#session !== undefined) this.#session = { ...this.#session, state: "ended", endedBy };
  }
}

function shown(text: string): Pick<Session, "text" | "size"> {
  return { text, size: screenSize(text) };
}
