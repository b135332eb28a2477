/**
 * A user's USSD session as the network has it: one answer to each thing that the user does, the
 * first one, and an end when its time is up.
 *
 * @module
 */

import type { Message } from "../../vumi/mod.ts";
import type { Session } from "./events.ts";

/** What a {@linkcode UssdSession} is made of. */
export interface UssdSessionOptions {
  /** How long a session lives, in milliseconds. */
  readonly timeoutMs: number;
  /** Its time is up; the session ends when the transport tells so. */
  readonly onTimeout: () => void;
}

/** The session that is open, or was the last. */
export class UssdSession implements Disposable {
  readonly #options: UssdSessionOptions;
  #session: Omit<Session, "leftMs"> | undefined;
  #deadline = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timedOut = false;
  /** What the user did last, as long as it is not answered. */
  #unanswered: string | undefined;

  /** Makes it; there was no session yet. */
  constructor(options: UssdSessionOptions) {
    this.#options = options;
  }

  /** How it is now; null if there was none. */
  get now(): Session | null {
    if (this.#session === undefined) return null;
    return { ...this.#session, leftMs: Math.max(0, this.#deadline - Date.now()) };
  }

  /** Whether there is one that has not ended. */
  get isOpen(): boolean {
    return this.#session !== undefined && this.#session.state !== "ended";
  }

  /** Whether the user is asked something. */
  get isAsking(): boolean {
    return this.#session?.state === "asking";
  }

  /** The user dials, answers or hangs up. Answers what ended the session, if this does. */
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

  /** The service answers. Answers false if nobody waits for that. */
  serviceSays(inReplyTo: string | null, text: string, asks: boolean): boolean {
    if (this.#session === undefined || inReplyTo === null) return false;
    if (!this.isOpen || inReplyTo !== this.#unanswered) return false;
    this.#unanswered = undefined;
    const screens = this.#session.screens + 1;
    this.#session = { ...this.#session, state: "asking", text, screens };
    if (!asks) this.#end("service");
    return true;
  }

  /** Its time never is up. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #begin(id: string, code: string): void {
    const { timeoutMs, onTimeout } = this.#options;
    clearTimeout(this.#timer);
    this.#timedOut = false;
    this.#unanswered = id;
    this.#deadline = Date.now() + timeoutMs;
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      onTimeout();
    }, timeoutMs);
    this.#session = { id, code, state: "waiting", endedBy: null, text: "", screens: 0 };
  }

  #end(endedBy: "service" | "user" | "time"): void {
    clearTimeout(this.#timer);
    this.#unanswered = undefined;
    if (this.#session !== undefined) this.#session = { ...this.#session, state: "ended", endedBy };
  }
}
