// The way of each message, step by step, from what Turn and the transport see on both sides of the
// bridge. The bridge itself is not asked.

import { LRUCache } from "lru-cache";
import { type Event, type Message, unixMilliseconds } from "../../vumi/mod.ts";
import { optionsOf, wordsOf } from "../sent_message.ts";
import type {
  RequestAnswer,
  SimulatedTurn,
  TurnAnswer,
  TurnCall,
  TurnRequest,
} from "../simulated_turn.ts";
import type { Transport } from "../transport.ts";
import { AskedMenus } from "./asked_menus.ts";
import type { MessageTrace, Told, TraceStep } from "./events.ts";
import { excerpt, formatBody, formatMs, headersOf } from "./excerpts.ts";
import type { Journal } from "./journal.ts";
import { NOTICE, OWN_SCREEN } from "./own_ids.ts";
import { step, TraceBook } from "./trace_book.ts";

interface MessageTracesOptions {
  readonly transport: Transport;
  readonly turn?: SimulatedTurn;
  readonly journal: Journal;
  readonly ignores?: (address: string) => boolean;
  /** A screen has shown so many of Turn's messages. */
  readonly onMerged?: (address: string, count: number) => void;
  /** One of Turn's messages was too late for its screen. */
  readonly onLate?: (trace: MessageTrace) => void;
}

const REMEMBERED = 2_000;

/** Why the bridge gave up a call that Turn did not answer. */
const TIME_OUT = /did not answer within/;
const NOT_SHOWN = { state: "not_shown", note: "nothing that a phone can show" } as const;
const PAGED = { state: "paged", note: "reads on" } as const;
const HELD = { state: "held", note: "waits for the screen" } as const;

export class MessageTraces implements Disposable {
  readonly #options: MessageTracesOptions;
  readonly #book: TraceBook;
  readonly #users = new LRUCache<string, string>({ max: REMEMBERED });
  /** Turn's requests that are not answered yet. */
  readonly #requests = new Set<Promise<RequestAnswer>>();
  readonly #menus = new AskedMenus();
  /** On what kind of network users wrote last. */
  readonly #media = new LRUCache<string, string>({ max: REMEMBERED });
  /** Messages of which the bridge logged that a phone can't show them. */
  readonly #notShown = new LRUCache<string, true>({ max: REMEMBERED });
  readonly #watches = new DisposableStack();
  /** If Turn runs elsewhere, nothing is seen of a message after the queue. */
  readonly #onQueue: Partial<MessageTrace>;

  constructor(options: MessageTracesOptions) {
    this.#options = options;
    this.#book = new TraceBook(options.journal);
    const { transport, turn } = options;
    this.#onQueue = turn === undefined ? { state: "done", note: "on the queue" } : {};
    this.#watches.use(transport.watch({
      published: (message) => this.#queued(message),
      reported: (event) => this.#reported(event),
      taken: (message) => void this.#taken(message),
    }));
    if (turn === undefined) return;
    this.#watches.use(turn.watch({
      called: (call) => this.#called(call),
      answered: (call, answer) => void this.#answered(call, answer),
      asks: (request, answered) => void this.#asks(request, answered),
    }));
  }

  /** When the bridge tries again, and why, by its log: it may have done so already. */
  retryIn(id: string, waitMs: number, reason: string): void {
    const note = waitMs === 0 ? "next try at once" : `next try in ${formatMs(waitMs)}`;
    if (this.#book.get(id)?.state !== "retrying") return;
    const timedOut = TIME_OUT.test(reason) ? step("bad", `Timed out: ${reason}`) : undefined;
    this.#book.go(id, { note }, timedOut);
  }

  /** The bridge logged that Turn need not be called. */
  skipped(id: string): void {
    this.#book.end(id, { state: "skipped", note: "Turn need not know" });
  }

  /** The bridge logged that it is nothing for a phone: as a rule before it answered Turn. */
  notShown(messageId: string): void {
    this.#notShown.set(messageId, true);
    const id = this.#book.outboundOf(messageId)?.id;
    if (id !== undefined) this.#book.end(id, NOT_SHOWN);
  }

  parked(id: string, queue: string, reason: string): void {
    const change = { state: "parked", note: "waits for an operator" } as const;
    this.#book.end(id, change, step("bad", `Parked on ${queue}: ${reason}`));
  }

  replayed(id: string, queue: string): void {
    const change = { state: "waiting", note: "replayed by hand", tookMs: null } as const;
    this.#book.go(id, change, step("plain", `Back on ${queue}`));
  }

  [Symbol.dispose](): void {
    this.#watches.dispose();
  }

  #queued(message: Message): void {
    const { message_id: id, from_addr: address, transport_type, session_event } = message;
    if (this.#options.ignores?.(address)) return;
    this.#media.set(address, transport_type);
    const text = message.content ?? (session_event === "close" ? "hung up" : message.to_addr);
    const title = `${transport_type.toUpperCase()} on ${this.#options.transport.queues.inbound}`;
    this.#book.begin({ ...this.#onQueue, id, flow: "inbound", address, text, messageId: id });
    this.#book.go(id, {}, step("plain", title, { body: formatBody(message) }));
  }

  #reported(event: Event): void {
    const { event_id: id, event_type, delivery_status, user_message_id: messageId } = event;
    const text = event_type === "delivery_report" ? `${delivery_status}` : event_type;
    const address = this.#users.get(messageId) ?? "";
    const title = `On ${this.#options.transport.queues.event}`;
    this.#book.begin({ ...this.#onQueue, id, flow: "status", address, text, messageId });
    this.#book.go(id, {}, step("plain", title, { body: formatBody(event) }));
  }

  #called(call: TurnCall): void {
    const { content } = call;
    if (content?.kind === "status") this.#toldOf(content.id, content.status);
    const trace = this.#traceOf(call) ?? this.#furtherStatus(content);
    if (trace === undefined) return;
    const attempts = trace.attempts + 1;
    const details = { headers: headersOf(call.headers), body: formatBody(call.body) };
    const choice = this.#toldBy(call.content)?.choice;
    const title = `POST ${call.path}${choice ? `: ${choice}` : ""}`;
    const calling = step("plain", title, details);
    this.#book.go(trace.id, { state: "waiting", attempts, note: "calling Turn" }, calling);
  }

  async #answered(call: TurnCall, answer: TurnAnswer): Promise<void> {
    const trace = this.#traceOf(call);
    if (trace === undefined) return;
    const { id, attempts } = trace;
    if (answer === "hang") {
      const change = { state: "retrying", note: "no answer" } as const;
      return this.#book.go(id, change, step("bad", "Turn does not answer"));
    }
    const { ok, status } = answer;
    const title = `Turn answered ${status} in ${formatMs(Date.now() - call.at)}`;
    const headers = headersOf(answer.headers);
    if (ok) {
      const { content } = call;
      const note = content?.kind === "status" ? content.status : `${status}`;
      const change = { state: "done", note, told: this.#toldBy(content) } as const;
      return this.#book.end(id, change, step("good", title, { headers }));
    }
    const body = formatBody(await answer.clone().text());
    const state = status === 429 || status >= 500 ? "retrying" : "refused";
    // The next attempt may have begun meanwhile, and even have succeeded.
    const now = this.#book.get(id);
    const isLast = now?.state === "waiting" && now.attempts === attempts;
    const change = isLast ? { state, note: `Turn answered ${status}` } as const : {};
    this.#book.go(id, change, step("bad", title, { headers, body }));
  }

  async #asks(request: TurnRequest, answered: Promise<RequestAnswer>): Promise<void> {
    const { to: address, turn, waiting_for_user_input: waitsForInput = false } = request.body;
    const id = crypto.randomUUID();
    const text = wordsOf(turn, request.body.content);
    const [tone, signature] = request.isSigned
      ? ["plain", "right"] as const
      : ["bad", "wrong"] as const;
    this.#book.begin({ id, flow: "outbound", address, text, waitsForInput, attempts: 1 });
    const details = { headers: Object.entries(request.headers), body: formatBody(request.body) };
    this.#book.go(id, {}, step(tone, `Turn: POST /messages, signature ${signature}`, details));
    this.#requests.add(answered);
    const { status, headers, body } = await answered;
    this.#requests.delete(answered);
    const said = { headers: headersOf(headers), body: formatBody(body) };
    if (status === 200) {
      const messageId = String(Object(Object(body).messages?.[0]).id ?? "");
      this.#menus.add(messageId, optionsOf(turn));
      const isHeld = this.#media.get(address) === "ussd";
      const change = isHeld ? HELD : { note: "on the queue" };
      this.#book.go(id, { messageId, ...change }, step("good", "Answered 200", said));
      if (this.#notShown.has(messageId)) this.#book.end(id, NOT_SHOWN);
    } else {
      const title = status === undefined ? "The bridge did not answer" : `Answered ${status}`;
      const change = { state: "refused", note: `${status ?? "no answer"}` } as const;
      this.#book.end(id, change, step("bad", title, said));
    }
  }

  async #taken(message: Message): Promise<void> {
    const { message_id: messageId, to_addr: address, content, session_event } = message;
    const details = { body: formatBody(message) };
    if (this.#options.ignores?.(address)) return;
    this.#users.set(messageId, address);
    // Which request it comes from is known when that is answered.
    if (this.#requests.size > 0) await Promise.all(this.#requests);
    const known = this.#book.outboundOf(messageId);
    const id = known?.id ?? messageId;
    if (known && message.transport_type === "ussd") return this.#shown(known, message, details);
    if (OWN_SCREEN.test(messageId) || NOTICE.test(messageId)) return this.#own(message, details);
    const asked = known === undefined ? this.#untold(message.in_reply_to) : undefined;
    if (asked !== undefined) {
      return this.#book.end(
        asked.id,
        PAGED,
        step("good", "The bridge brought the next page", details),
      );
    }
    if (known === undefined) {
      // Another client asked for it, such as curl.
      const waitsForInput = session_event === "resume";
      this.#book.begin({
        id,
        flow: "outbound",
        address,
        text: content ?? "",
        messageId,
        waitsForInput,
      });
    }
    const title = `Taken off ${this.#options.transport.queues.outbound}`;
    this.#book.end(id, { state: "done", note: "sent" }, step("good", title, details));
  }

  /** A screen of the bridge's own, or an SMS that says that there is a message. */
  #own(message: Message, details: Partial<TraceStep>): void {
    const { message_id: id, to_addr: address, content, session_event } = message;
    const [, about] = NOTICE.exec(id) ?? [];
    const own = { messageId: id, waitsForInput: session_event === "resume", isOwn: true };
    this.#book.begin({ id, flow: "outbound", address, text: content ?? "", ...own });
    const note = about === undefined ? "the bridge's own screen" : "the bridge's own SMS";
    const title = `Taken off ${this.#options.transport.queues.outbound}: ${note}`;
    this.#book.end(id, { state: "done", note, screenId: id }, step("good", title, details));
    const late = about && this.#book.outboundOf(about);
    if (!late) return;
    this.#options.onLate?.(late);
    const change = { state: "late", note: "the next dial shows it, an SMS says so" } as const;
    this.#book.go(late.id, change, step("plain", "Too late for its screen: an SMS says so"));
  }

  /** A screen has shown one of Turn's messages, and with it all that had come for the user by then. */
  #shown(first: MessageTrace, message: Message, details: Partial<TraceStep>): void {
    const { to_addr: address, message_id: screenId } = message;
    const waited = this.#book.waitingFor(address, unixMilliseconds(message.timestamp));
    const shown = new Set([first.id, ...waited.map(({ id }) => id)]);
    const { size: length } = shown;
    const note = length === 1 ? "on a screen" : `${length} messages on one screen`;
    const title = `Taken off ${this.#options.transport.queues.outbound}: ${note}`;
    this.#options.onMerged?.(address, length);
    for (const id of shown) {
      this.#book.end(id, { state: "done", note, screenId }, step("good", title, details));
    }
  }

  /** Turn is told of one of its messages, perhaps before any screen has shown it. */
  #toldOf(messageId: string, status: string): void {
    const trace = this.#book.outboundOf(messageId);
    if (trace?.state !== "held") return;
    const note = status === "failed" ? "told of as failed" : "the next dial shows it";
    this.#options.onLate?.(trace);
    const title = `Too late for its screen: ${note}`;
    this.#book.go(trace.id, { state: "late", note }, step("bad", title));
  }

  /** An event about a screen is a status of each message that it has shown; of the others than the first. */
  #furtherStatus(content: TurnCall["content"]): MessageTrace | undefined {
    if (content?.kind !== "status") return undefined;
    const { id: messageId } = content;
    const { screenId = "", address = "" } = this.#book.outboundOf(messageId) ?? {};
    if (screenId === "" || screenId === messageId) return undefined;
    const id = crypto.randomUUID();
    this.#book.begin({ id, flow: "status", address, text: "the same for another", messageId });
    return this.#book.get(id);
  }

  /** A user's message of which Turn knows nothing: what answers it is the bridge's own. */
  #untold(id: string | null): MessageTrace | undefined {
    const trace = this.#options.turn && this.#book.get(id ?? "");
    return trace?.flow === "inbound" && trace.attempts === 0 ? trace : undefined;
  }

  #toldBy(content: TurnCall["content"]): Told | null {
    if (content?.kind !== "message") return null;
    const { text, choice } = content;
    return { text: excerpt(text), choice: choice ? this.#menus.describe(choice) : null };
  }

  /** A status does not name its event; events are handled in order. */
  #traceOf({ content }: TurnCall): MessageTrace | undefined {
    if (content?.kind === "message") return this.#book.get(content.id);
    return this.#book.all().find(({ flow, messageId, state }) => {
      const isOpen = state === "waiting" || state === "retrying";
      return flow === "status" && messageId === content?.id && isOpen;
    });
  }
}
