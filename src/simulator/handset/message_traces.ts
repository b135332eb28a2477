// The way of each message, step by step, from what Turn and the transport see on both sides of the
// bridge. The bridge itself is not asked.

import { LRUCache } from "lru-cache";
import type { Event, Message } from "../../vumi/mod.ts";
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
import { excerpt, formatBody, headersOf } from "./excerpts.ts";
import type { Journal } from "./journal.ts";

interface MessageTracesOptions {
  readonly transport: Transport;
  readonly turn?: SimulatedTurn;
  readonly journal: Journal;
  readonly ignores?: (address: string) => boolean;
}

type Beginning = Pick<MessageTrace, "id" | "flow" | "address" | "text"> & Partial<MessageTrace>;

const REMEMBERED = 2_000;

const NOT_SHOWN = { state: "not_shown", note: "nothing that a phone can show" } as const;
const PAGED = { state: "paged", note: "reads on" } as const;

export class MessageTraces implements Disposable {
  readonly #options: MessageTracesOptions;
  readonly #traces = new Map<string, MessageTrace>();
  readonly #users = new LRUCache<string, string>({ max: REMEMBERED });
  /** Turn's requests that are not answered yet. */
  readonly #requests = new Set<Promise<RequestAnswer>>();
  readonly #menus = new AskedMenus();
  /** Messages of which the bridge logged that a phone can't show them. */
  readonly #notShown = new LRUCache<string, true>({ max: REMEMBERED });
  readonly #watches = new DisposableStack();
  /** If Turn runs elsewhere, nothing is seen of a message after the queue. */
  readonly #onQueue: Partial<MessageTrace>;

  constructor(options: MessageTracesOptions) {
    this.#options = options;
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

  /** When the bridge tries again, by its log: it may have done so already. */
  retryIn(id: string, waitMs: number): void {
    const note = waitMs === 0 ? "next try at once" : `next try in ${formatMs(waitMs)}`;
    if (this.#traces.get(id)?.state === "retrying") this.#go(id, { note });
  }

  /** The bridge logged that Turn need not be called. */
  skipped(id: string): void {
    this.#end(id, { state: "skipped", note: "Turn need not know" });
  }

  /** The bridge logged that it is nothing for a phone: as a rule before it answered Turn. */
  notShown(messageId: string): void {
    this.#notShown.set(messageId, true);
    const id = this.#outboundOf(messageId)?.id;
    if (id !== undefined) this.#end(id, NOT_SHOWN);
  }

  parked(id: string, queue: string, reason: string): void {
    const change = { state: "parked", note: "waits for an operator" } as const;
    this.#end(id, change, step("bad", `Parked on ${queue}: ${reason}`));
  }

  replayed(id: string, queue: string): void {
    const change = { state: "waiting", note: "replayed by hand", tookMs: null } as const;
    this.#go(id, change, step("plain", `Back on ${queue}`));
  }

  [Symbol.dispose](): void {
    this.#watches.dispose();
  }

  #queued(message: Message): void {
    const { message_id: id, from_addr: address, transport_type, session_event } = message;
    if (this.#options.ignores?.(address)) return;
    const text = message.content ?? (session_event === "close" ? "hung up" : message.to_addr);
    const title = `${transport_type.toUpperCase()} on ${this.#options.transport.queues.inbound}`;
    this.#begin({ ...this.#onQueue, id, flow: "inbound", address, text, messageId: id });
    this.#go(id, {}, step("plain", title, { body: formatBody(message) }));
  }

  #reported(event: Event): void {
    const { event_id: id, event_type, delivery_status, user_message_id: messageId } = event;
    const text = event_type === "delivery_report" ? `${delivery_status}` : event_type;
    const address = this.#users.get(messageId) ?? "";
    const title = `On ${this.#options.transport.queues.event}`;
    this.#begin({ ...this.#onQueue, id, flow: "status", address, text, messageId });
    this.#go(id, {}, step("plain", title, { body: formatBody(event) }));
  }

  #called(call: TurnCall): void {
    const trace = this.#traceOf(call);
    if (trace === undefined) return;
    const attempts = trace.attempts + 1;
    const details = { headers: headersOf(call.headers), body: formatBody(call.body) };
    const choice = this.#toldBy(call.content)?.choice;
    const title = `POST ${call.path}${choice ? `: ${choice}` : ""}`;
    const calling = step("plain", title, details);
    this.#go(trace.id, { state: "waiting", attempts, note: "calling Turn" }, calling);
  }

  async #answered(call: TurnCall, answer: TurnAnswer): Promise<void> {
    const trace = this.#traceOf(call);
    if (trace === undefined) return;
    const { id, attempts } = trace;
    if (answer === "hang") {
      const change = { state: "retrying", note: "no answer" } as const;
      return this.#go(id, change, step("bad", "Turn does not answer"));
    }
    const { ok, status } = answer;
    const title = `Turn answered ${status} in ${formatMs(Date.now() - call.at)}`;
    const headers = headersOf(answer.headers);
    if (ok) {
      const { content } = call;
      const note = content?.kind === "status" ? content.status : `${status}`;
      const change = { state: "done", note, told: this.#toldBy(content) } as const;
      return this.#end(id, change, step("good", title, { headers }));
    }
    const body = formatBody(await answer.clone().text());
    const state = status === 429 || status >= 500 ? "retrying" : "refused";
    // The next attempt may have begun meanwhile, and even have succeeded.
    const now = this.#traces.get(id);
    const isLast = now?.state === "waiting" && now.attempts === attempts;
    const change = isLast ? { state, note: `Turn answered ${status}` } as const : {};
    this.#go(id, change, step("bad", title, { headers, body }));
  }

  async #asks(request: TurnRequest, answered: Promise<RequestAnswer>): Promise<void> {
    const { to: address, turn, waiting_for_user_input: waitsForInput = false } = request.body;
    const id = crypto.randomUUID();
    const text = wordsOf(turn, request.body.content);
    const [tone, signature] = request.isSigned
      ? ["plain", "right"] as const
      : ["bad", "wrong"] as const;
    this.#begin({ id, flow: "outbound", address, text, waitsForInput, attempts: 1 });
    const details = { headers: Object.entries(request.headers), body: formatBody(request.body) };
    this.#go(id, {}, step(tone, `Turn: POST /messages, signature ${signature}`, details));
    this.#requests.add(answered);
    const { status, headers, body } = await answered;
    this.#requests.delete(answered);
    const said = { headers: headersOf(headers), body: formatBody(body) };
    if (status === 200) {
      const [message] = Array.from(Object(body).messages ?? []);
      const messageId = String(Object(message).id ?? "");
      this.#menus.add(messageId, optionsOf(turn));
      this.#go(id, { messageId, note: "on the queue" }, step("good", "Answered 200", said));
      if (this.#notShown.has(messageId)) this.#end(id, NOT_SHOWN);
    } else {
      const title = status === undefined ? "The bridge did not answer" : `Answered ${status}`;
      const change = { state: "refused", note: `${status ?? "no answer"}` } as const;
      this.#end(id, change, step("bad", title, said));
    }
  }

  async #taken(message: Message): Promise<void> {
    const { message_id: messageId, to_addr: address, content, session_event } = message;
    const details = { body: formatBody(message) };
    if (this.#options.ignores?.(address)) return;
    this.#users.set(messageId, address);
    // Which request it comes from is known when that is answered.
    if (this.#requests.size > 0) await Promise.all(this.#requests);
    const known = this.#outboundOf(messageId);
    const id = known?.id ?? messageId;
    const asked = known === undefined ? this.#untold(message.in_reply_to) : undefined;
    if (asked !== undefined) {
      return this.#end(asked.id, PAGED, step("good", "The bridge brought the next page", details));
    }
    if (known === undefined) {
      // Another client asked for it, such as curl.
      const waitsForInput = session_event === "resume";
      this.#begin({ id, flow: "outbound", address, text: content ?? "", messageId, waitsForInput });
    }
    const title = `Taken off ${this.#options.transport.queues.outbound}`;
    this.#end(id, { state: "done", note: "sent" }, step("good", title, details));
  }

  #outboundOf(messageId: string): MessageTrace | undefined {
    return [...this.#traces.values()].findLast((trace) => {
      return trace.flow === "outbound" && trace.messageId === messageId;
    });
  }

  /** A user's message of which Turn knows nothing: what answers it is the bridge's own. */
  #untold(id: string | null): MessageTrace | undefined {
    const trace = this.#options.turn && this.#traces.get(id ?? "");
    return trace?.flow === "inbound" && trace.attempts === 0 ? trace : undefined;
  }

  #toldBy(content: TurnCall["content"]): Told | null {
    if (content?.kind !== "message") return null;
    const { text, choice } = content;
    return { text: excerpt(text), choice: choice ? this.#menus.describe(choice) : null };
  }

  /** A status does not name its event; events are handled in order. */
  #traceOf({ content }: TurnCall): MessageTrace | undefined {
    if (content?.kind === "message") return this.#traces.get(content.id);
    return this.#traces.values().find(({ flow, messageId, state }) => {
      const isOpen = state === "waiting" || state === "retrying";
      return flow === "status" && messageId === content?.id && isOpen;
    });
  }

  #begin({ text, ...trace }: Beginning): void {
    this.#traces.set(trace.id, {
      messageId: "",
      text: excerpt(text),
      state: "waiting",
      note: "",
      attempts: 0,
      at: Date.now(),
      tookMs: null,
      waitsForInput: false,
      told: null,
      ...trace,
    });
    const [oldest] = this.#traces.keys();
    if (this.#traces.size > REMEMBERED && oldest !== undefined) this.#traces.delete(oldest);
  }

  #end(id: string, change: Partial<MessageTrace>, step?: TraceStep): void {
    const at = this.#traces.get(id)?.at;
    if (at !== undefined) this.#go(id, { ...change, tookMs: Date.now() - at }, step);
  }

  /** Does nothing if it began too long ago. */
  #go(id: string, change: Partial<MessageTrace>, step?: TraceStep): void {
    const before = this.#traces.get(id);
    if (before === undefined) return;
    const trace = { ...before, ...change };
    this.#traces.set(id, trace);
    this.#options.journal.add({ kind: "trace", trace, ...(step && { step }) });
  }
}

function step(tone: TraceStep["tone"], title: string, details: Partial<TraceStep> = {}): TraceStep {
  return { at: Date.now(), tone, title, ...details };
}

function formatMs(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1).replace(".0", "")} s`;
}
