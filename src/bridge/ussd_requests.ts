// A user's USSD message is a request that takes one answer: the transport shows the first reply to it
// and drops every other without a word, as it does once the session is over. So the first one of Turn's
// messages takes the request, also where several bridges are asked at once, and the others are told.

import { createHash } from "node:crypto";
import { type MessageCache, MOST_AHEAD_MS, type Note, type Remembered } from "../cache/mod.ts";
import { unixMilliseconds } from "../vumi/mod.ts";
import { log } from "./log.ts";
import { tolerateCacheError } from "./tolerate.ts";
import { UserOrder } from "./user_order.ts";

export interface UssdRequestsOptions {
  readonly cache: MessageCache;
  /** How long a user's message can be answered, in milliseconds. */
  readonly ussdSessionMs: number;
}

/** What comes of taking a request. */
export type Taken =
  /** It waits for this answer; to be disposed of, which gives it back unless it was answered. */
  | { readonly kind: "open"; readonly request: OpenRequest }
  /** The same answer was sent already, with this id. */
  | { readonly kind: "repeated"; readonly id: string }
  /** Nobody waits for an answer any more. */
  | { readonly kind: "over"; readonly reason: string }
  /** Another bridge is sending another answer; what comes of that is not known yet. */
  | { readonly kind: "busy" };

export interface OpenRequest extends AsyncDisposable {
  /** The note that a message with this id has answered it; to be kept when that is confirmed. */
  answeredBy(id: string): Note;
}

/** The note `answered`: by the hash of what was asked for; with the message's id once that is confirmed. */
interface Answer {
  readonly hash: string;
  readonly id?: string;
}

/** A timestamp that is so old is of a clock that was lost, and tells nothing. */
const LOST_CLOCK_MS = 365 * 86_400_000;

/** How long a request is taken for an answer whose end we don't hear of: as long as a POST may last. */
const SENDING_MS = 10_000;

export class UssdRequests {
  readonly #options: UssdRequestsOptions;
  readonly #order = new UserOrder<undefined>();

  constructor(options: UssdRequestsOptions) {
    this.#options = options;
  }

  /**
   * Takes the request that a user's message is, for an answer of which this is the body as Turn sent it.
   * Waits for those that want to answer the same one.
   * @throws {CacheError} If the cache fails.
   */
  async take(inbound: Remembered, body: Uint8Array): Promise<Taken> {
    const reason = this.#whyOver(inbound);
    if (reason !== undefined) return { kind: "over", reason };
    const id = inbound.message_id;
    const hash = createHash("sha256").update(body).digest("base64");
    await this.#order.enter(id, undefined);
    let taken: Taken | undefined;
    try {
      return taken = this.#takenBy(id, hash, await this.#claim(id, hash));
    } finally {
      if (taken?.kind !== "open") this.#order.leave(id);
    }
  }

  #whyOver({ session_event, timestamp }: Remembered): string | undefined {
    if (session_event === "close") return "the user has hung up";
    const mostMs = this.#options.ussdSessionMs;
    const ageMs = Date.now() - unixMilliseconds(timestamp);
    if (!isOver(ageMs, mostMs)) return undefined;
    const [age, most] = [ageMs, mostMs].map((ms) => Math.round(ms / 1000));
    return `the user's last message is ${age} s old, and ussd.session_timeout is ${most} s`;
  }

  /** Whose it is now: ours, if it was nobody's. */
  async #claim(id: string, hash: string): Promise<Answer | undefined> {
    const value = formatAnswer({ hash });
    const kept = await this.#options.cache.claimNote({
      kind: "answered",
      id,
      value,
      ttlMs: SENDING_MS,
    });
    return kept === undefined ? undefined : JSON.parse(kept);
  }

  #takenBy(id: string, hash: string, answer: Answer | undefined): Taken {
    // Should the cache have forgotten it just now, the next try finds out.
    if (answer === undefined) return { kind: "busy" };
    if (answer.hash === hash) {
      return answer.id === undefined
        ? { kind: "open", request: this.#open(id, hash) }
        : { kind: "repeated", id: answer.id };
    }
    if (answer.id === undefined) return { kind: "busy" };
    return { kind: "over", reason: "the user's last message was answered already" };
  }

  #open(id: string, hash: string): OpenRequest {
    const { cache, ussdSessionMs } = this.#options;
    let isAnswered = false;
    return {
      answeredBy: (messageId) => {
        isAnswered = true;
        return answeredNote(id, { hash, id: messageId }, ussdSessionMs);
      },
      [Symbol.asyncDispose]: async () => {
        if (!isAnswered) {
          await tolerateCacheError(cache.deleteNote("answered", id), (reason) => {
            const text = "Could not give back the USSD request {replyTo}, " +
              "it takes no other answer for a moment: {reason}";
            log.warning(text, { replyTo: id, reason });
          });
        }
        this.#order.leave(id);
      },
    };
  }
}

/** Whether a session is over whose user's last message is so many milliseconds old. */
export function isOver(ageMs: number, ussdSessionMs: number): boolean {
  return ageMs > ussdSessionMs && ageMs <= LOST_CLOCK_MS;
}

/** The note that the user's message with this id has been answered. */
export function answeredNote(
  id: string,
  answer: Required<Answer>,
  ussdSessionMs: number,
): Note {
  const value = formatAnswer(answer);
  return { kind: "answered", id, value, ttlMs: ussdSessionMs + MOST_AHEAD_MS };
}

function formatAnswer(answer: Answer): string {
  return JSON.stringify(answer);
}
