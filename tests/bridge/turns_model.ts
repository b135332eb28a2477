/**
 * USSD sessions with everything that may go wrong: users who dial, answer and hang up as they like, a
 * Turn that posts as it likes, a broker and a cache that fail, and programs that are killed.
 *
 * @module
 */

import { encodeHeld } from "../../src/bridge/held_messages.ts";
import { readPending } from "../../src/bridge/notices.ts";
import type { UssdOptions } from "../../src/bridge/mod.ts";
import { userKey } from "../../src/cache/mod.ts";
import { MemoryStore } from "../../src/cache/memory.ts";
import {
  createMessage,
  formatTimestamp,
  type Message,
  type PublishError,
} from "../../src/vumi/mod.ts";
import { TestClock } from "./clock.ts";
import { CONFIRM_MS, Program } from "./turns_program.ts";
import { buttons, MERGING, postId, request } from "./turns_support.ts";

/** Something that happens. */
export type Happening =
  | { readonly kind: "dial" | "answer" | "hang up"; readonly user: number }
  | {
    readonly kind: "post";
    readonly user: number;
    readonly what: "words" | "asks" | "menu" | "blank";
  }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "broker"; readonly fails: PublishError["fault"] | undefined }
  | { readonly kind: "cache"; readonly fails: boolean }
  | { readonly kind: "kill"; readonly losesCache: boolean }
  /** The AMQP channel is lost; the program is stopped; another one speaks for the channel. */
  | { readonly kind: "lose" | "stop" | "move" };

function addressOf(user: number): string {
  return `+2782000000${user}`;
}

/** The world. */
export class TurnsModel {
  readonly clock = new TestClock();
  store = new MemoryStore({ now: this.clock.elapsed });
  brokerFails: PublishError["fault"] | undefined;
  cacheFails = false;
  /** What is not acked: of Turn's messages, by their numbers, and of the users', by their ids. */
  readonly held = new Map<number, Uint8Array>();
  readonly inbound = new Map<string, { readonly user: number; readonly message: Message }>();
  /** What has reached the broker, also if it was not confirmed. */
  readonly published: Message[] = [];
  /** The numbers of Turn's messages that were told of as failed. */
  readonly failed: number[] = [];
  readonly bugs: unknown[] = [];
  readonly #ussd: UssdOptions;
  readonly #last = new Map<number, Message>();
  #program: Program;
  #posts = 0;
  #hasLostCache = false;
  #inputs = 0;

  constructor(ussd: Partial<UssdOptions>) {
    this.#ussd = { ...MERGING, ...ussd };
    this.#program = new Program(this, this.#ussd);
  }

  /** How many messages Turn has posted. */
  get posts(): number {
    return this.#posts;
  }

  /** Has it happen, and what follows at once. */
  async happen(happening: Happening): Promise<void> {
    switch (happening.kind) {
      case "dial":
      case "answer":
      case "hang up":
        this.#write(happening.kind, happening.user);
        break;
      case "post":
        this.#post(happening.user, happening.what);
        break;
      case "pass":
        await this.clock.advance(happening.ms);
        break;
      case "broker":
        this.brokerFails = happening.fails;
        break;
      case "cache":
        this.cacheFails = happening.fails;
        break;
      case "kill":
        if (happening.losesCache) this.#loseCache();
        this.#startAnew();
        break;
      case "stop":
        this.#program.stopping.abort();
        await this.clock.advance(CONFIRM_MS * 30);
        for (const n of this.#program.inHand) this.bugs.push(`${n} is kept while stopping`);
        this.#startAnew();
        break;
      case "move":
        this.#program.isLeading = false;
        this.#program.lost.abort();
        // Who takes over waits for what the one before may just be sending (broker/rabbitmq/lead.ts).
        await this.clock.advance(CONFIRM_MS * 5);
        this.#program = new Program(this, this.#ussd);
        this.#redeliver();
        break;
      case "lose":
        this.#program.lost.abort();
        this.#program.lost = new AbortController();
        await this.clock.advance(0);
        this.#program.turns.byUser.forget();
        this.#redeliver();
    }
    await this.clock.advance(0);
  }

  /** All works again, and all that is to come comes. */
  async end(): Promise<void> {
    this.brokerFails = undefined;
    this.cacheFails = false;
    await this.clock.advance(30 * 60_000);
    this.#program.stopping.abort();
    this.#program.isAlive = false;
  }

  /** What became of one of Turn's messages; the same screen, or SMS, is one. */
  async outcomes(n: number): Promise<string[]> {
    const shown = this.published.filter(({ content }) => content?.includes(`<${n}>`))
      .map((message) => `${message.transport_type} ${message.message_id} ${message.in_reply_to}`);
    const failed = this.failed.filter((id) => id === n).map(() => "failed");
    const kept = await Promise.all([0, 1].map((user) => {
      return this.store.get(["pending", userKey(addressOf(user))]);
    }));
    const pending = kept.map((value) => readPending(value as string | undefined))
      .flatMap((read) => read?.messages ?? [])
      .filter(({ id }) => id === postId(n)).map(() => "pending");
    // What a cache has lost that is not on disk, the user knows of at least.
    const noticed = this.#hasLostCache && (shown.length + pending.length) === 0 &&
      this.published.some(({ in_reply_to, transport_type }) =>
        transport_type === "sms" && in_reply_to === null
      );
    if (noticed) pending.push("noticed");
    return [...new Set([...shown, ...failed, ...pending])];
  }

  #write(kind: "dial" | "answer" | "hang up", user: number): void {
    const message = createMessage({
      message_id: `in${++this.#inputs}`,
      to_addr: "*120#",
      from_addr: addressOf(user),
      transport_name: "t",
      transport_type: "ussd",
      session_event: kind === "dial" ? "new" : kind === "answer" ? "resume" : "close",
      content: kind === "hang up" ? null : `${1 + this.#inputs % 3}`,
      timestamp: formatTimestamp(new Date(this.clock.now)),
    });
    this.#last.set(user, message);
    this.inbound.set(message.message_id, { user, message });
    this.#program.receive(user, message, false);
  }

  #post(user: number, what: "words" | "asks" | "menu" | "blank"): void {
    const n = ++this.#posts;
    const to = addressOf(user);
    const posted = what === "menu"
      ? buttons(`<${n}>`, "Yes", "No")
      : request(`<${n}>`, what === "asks");
    const last = this.#last.get(user);
    const inbound = last ??
      createMessage({
        to_addr: "*120#",
        from_addr: to,
        transport_name: "c",
        transport_type: "ussd",
      });
    const body = encodeHeld({
      id: postId(n),
      request: { ...posted, to },
      inbound,
      ...last === undefined && { over: "unknown" },
    });
    this.held.set(n, body);
    this.#program.hold(n, body, false);
  }

  #loseCache(): void {
    this.store = new MemoryStore({ now: this.clock.elapsed });
    this.#hasLostCache = true;
  }

  #startAnew(): void {
    this.#program.isAlive = false;
    this.#program.stopping.abort();
    this.#program = new Program(this, this.#ussd);
    this.#redeliver();
  }

  #redeliver(): void {
    for (const { user, message } of this.inbound.values()) {
      this.#program.receive(user, message, true);
    }
    for (const [n, body] of this.held) this.#program.hold(n, body, true);
  }
}
