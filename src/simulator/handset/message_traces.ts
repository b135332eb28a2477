/**
 * The way of each message, step by step, from what Turn and the transport see on both sides of the
 * bridge. The bridge itself is not asked.
 *
 * @module
 */

import { sign, SIGNATURE_HEADER } from "../../turn/mod.ts";
import type { Event, Message } from "../../vumi/mod.ts";
import type { FakeTurn, RequestAnswer, TurnAnswer, TurnCall, TurnRequest } from "../fake_turn.ts";
import { type CallContent, readCall } from "../call_content.ts";
import type { Transport } from "../transport.ts";
import type { Step, Trace } from "./events.ts";
import { excerpt, formatBody, headersOf } from "./excerpts.ts";
import type { Journal } from "./journal.ts";

interface MessageTracesOptions {
  readonly transport: Transport;
  /** Undefined if Turn runs elsewhere. */
  readonly turn?: { readonly fake: FakeTurn; readonly hmacSecret: string };
  readonly journal: Journal;
  /** Users whose messages are not shown. */
  readonly ignores?: (address: string) => boolean;
}

type Change = Partial<Omit<Trace, "id" | "flow" | "at">>;

const REMEMBERED = 2_000;

export class MessageTraces implements Disposable {
  readonly #options: MessageTracesOptions;
  readonly #traces = new Map<string, Trace>();
  /** Messages taken off the queue before the request that they come from was answered. */
  readonly #early = new Map<string, Message>();
  readonly #calledAt = new WeakMap<TurnCall, number>();
  readonly #watches = new DisposableStack();
  #asking = 0;

  constructor(options: MessageTracesOptions) {
    this.#options = options;
    const { transport, turn } = options;
    this.#watches.use(transport.watch({
      published: (message) => this.#queued(message),
      reported: (event) => this.#reported(event),
      taken: (message) => this.#taken(message),
    }));
    if (turn === undefined) return;
    this.#watches.use(turn.fake.watch({
      called: (call) => this.#called(call),
      answered: (call, answer) => void this.#answered(call, answer),
      asks: (request) => this.#asks(request),
      wasAnswered: (request, answer) => this.#wasAnswered(request, answer),
    }));
  }

  /** When the bridge tries again, by its log: it may have done so already. */
  retryIn(id: string, waitMs: number): void {
    const note = waitMs === 0 ? "next try at once" : `next try in ${formatMs(waitMs)}`;
    if (this.#traces.get(id)?.state === "retrying") this.#go(id, { note });
  }

  /** The bridge logged that Turn need not be called. */
  skipped(id: string): void {
    if (this.#traces.has(id)) this.#end(id, { state: "skipped", note: "Turn need not know" });
  }

  parked(id: string, queue: string, reason: string): void {
    const step = { title: `Parked on ${queue}: ${reason}`, tone: "bad" } as const;
    this.#end(id, { state: "parked", note: "waits for an operator" }, step);
  }

  replayed(id: string, queue: string): void {
    const step = { title: `Back on ${queue}`, tone: "plain" } as const;
    this.#go(id, { state: "waiting", note: "replayed by hand", tookMs: null }, step);
  }

  [Symbol.dispose](): void {
    this.#watches.dispose();
  }

  #queued(message: Message): void {
    if (this.#isIgnored(message.from_addr)) return;
    const { message_id: id, from_addr: address, transport_type, session_event } = message;
    const text = message.content ?? (session_event === "close" ? "hung up" : message.to_addr);
    this.#begin({ ...BLANK, id, flow: "inbound", address, text: excerpt(text), messageId: id });
    const { inbound } = this.#options.transport.queues;
    this.#go(id, {}, {
      title: `${transport_type.toUpperCase()} on ${inbound}`,
      tone: "plain",
      body: formatBody(message),
    });
    this.#endAtQueue(id);
  }

  #reported(event: Event): void {
    const { event_id: id, event_type, delivery_status, user_message_id: messageId } = event;
    const text = event_type === "delivery_report" ? `${delivery_status}` : event_type;
    const address = this.#traceOf(messageId)?.address ?? this.#early.get(messageId)?.to_addr ??
      "";
    this.#begin({ ...BLANK, id, flow: "status", address, text, messageId });
    const { event: queue } = this.#options.transport.queues;
    this.#go(id, {}, { title: `On ${queue}`, tone: "plain", body: formatBody(event) });
    this.#endAtQueue(id);
  }

  /** If Turn runs elsewhere, nothing is seen of a message after the queue. */
  #endAtQueue(id: string): void {
    if (this.#options.turn === undefined) this.#go(id, { state: "done", note: "on the queue" });
  }

  #called(call: TurnCall): void {
    this.#calledAt.set(call, performance.now());
    const trace = this.#traceOfCall(readCall(call));
    if (trace === undefined) return;
    this.#go(trace.id, {
      state: "waiting",
      attempts: trace.attempts + 1,
      note: "calling Turn",
    }, {
      title: `POST ${call.path}`,
      tone: "plain",
      headers: headersOf(call.headers),
      body: formatBody(call.body),
    });
  }

  async #answered(call: TurnCall, answer: TurnAnswer): Promise<void> {
    const content = readCall(call);
    const trace = this.#traceOfCall(content);
    if (trace === undefined) return;
    const took = formatMs(performance.now() - (this.#calledAt.get(call) ?? 0));
    if (!(answer instanceof Response)) {
      return this.#go(trace.id, { state: "retrying", note: "no answer" }, {
        title: answer === "hang" ? "Turn does not answer" : "The connection was dropped",
        tone: "bad",
      });
    }
    const { ok, status } = answer;
    const step: Omit<Step, "at"> = {
      title: `Turn answered ${status} in ${took}`,
      tone: ok ? "good" : "bad",
      headers: headersOf(answer.headers),
    };
    if (ok) {
      const note = content?.kind === "status" ? content.status : `${status}`;
      return this.#end(trace.id, { state: "done", note }, step);
    }
    const body = formatBody(await answer.clone().text());
    const state = status === 429 || status >= 500 ? "retrying" : "refused";
    // The next attempt may have begun meanwhile, and even have succeeded.
    const now = this.#traces.get(trace.id);
    const isLast = now?.state === "waiting" && now.attempts === trace.attempts;
    const change = isLast ? { state, note: `Turn answered ${status}` } as const : {};
    this.#go(trace.id, change, { ...step, body });
  }

  #asks({ key, headers, body }: TurnRequest): void {
    this.#asking++;
    const { to, turn, waiting_for_user_input } = body as Asked; // As Scenario and the page make them.
    const waitsForInput = waiting_for_user_input ?? false;
    const text = excerpt(turn.text.body);
    this.#begin({ ...BLANK, id: key, flow: "outbound", address: to, text, waitsForInput });
    const secret = this.#options.turn?.hmacSecret ?? "";
    const right = sign(secret, new TextEncoder().encode(JSON.stringify(body)));
    const good = headers[SIGNATURE_HEADER] === right;
    this.#go(key, { attempts: 1 }, {
      title: `Turn: POST /messages, signature ${good ? "right" : "wrong"}`,
      tone: good ? "plain" : "bad",
      headers: Object.entries(headers),
      body: formatBody(body),
    });
  }

  #wasAnswered({ key }: TurnRequest, { status, headers, body }: RequestAnswer): void {
    this.#asking--;
    const [messageId = ""] = idsIn(body);
    const early = this.#early.get(messageId);
    this.#early.delete(messageId);
    const ok = status === 200;
    const title = status === undefined ? "The bridge did not answer" : `Answered ${status}`;
    const step = {
      title,
      tone: ok ? "good" : "bad",
      headers: headersOf(headers),
      body: formatBody(body),
    } as const;
    if (ok) {
      this.#go(key, { messageId, note: "on the queue" }, step);
      if (early !== undefined) this.#arrived(key, early);
    } else {
      this.#end(key, { state: "refused", note: `${status ?? "no answer"}` }, step);
    }
    if (this.#asking > 0) return;
    // These were requested by another client, such as curl.
    for (const message of this.#early.values()) this.#beginWithout(message);
    this.#early.clear();
  }

  #taken(message: Message): void {
    if (this.#isIgnored(message.to_addr)) return;
    const known = this.#traceOf(message.message_id);
    if (known !== undefined) this.#arrived(known.id, message);
    else if (this.#asking > 0) this.#early.set(message.message_id, message);
    else this.#beginWithout(message);
  }

  #beginWithout(message: Message): void {
    const { message_id: id, to_addr: address, content } = message;
    const waitsForInput = message.session_event === "resume";
    const text = excerpt(content ?? "");
    const trace = { ...BLANK, id, flow: "outbound", address, text, messageId: id } as const;
    this.#begin({ ...trace, waitsForInput });
    this.#arrived(id, message);
  }

  #arrived(id: string, message: Message): void {
    const { outbound } = this.#options.transport.queues;
    const step = { title: `Taken off ${outbound}`, tone: "good", body: formatBody(message) };
    const messageId = message.message_id;
    this.#end(id, { state: "done", note: "sent", messageId }, { ...step, tone: "good" });
  }

  #isIgnored(address: string): boolean {
    return this.#options.ignores?.(address) ?? false;
  }

  #traceOf(messageId: string): Trace | undefined {
    for (const trace of [...this.#traces.values()].reverse()) {
      if (trace.flow === "outbound" && trace.messageId === messageId) return trace;
    }
  }

  /** A status does not name its event; events are handled in order. */
  #traceOfCall(content: CallContent | undefined): Trace | undefined {
    if (content?.kind === "message") return this.#traces.get(content.id);
    for (const trace of this.#traces.values()) {
      const isOpen = trace.state === "waiting" || trace.state === "retrying";
      if (trace.flow === "status" && trace.messageId === content?.id && isOpen) return trace;
    }
  }

  #begin(trace: Omit<Trace, "at">): void {
    this.#traces.set(trace.id, { ...trace, at: Date.now() });
    const [oldest] = this.#traces.keys();
    if (this.#traces.size > REMEMBERED && oldest !== undefined) this.#traces.delete(oldest);
  }

  #end(id: string, change: Change, step?: Omit<Step, "at">): void {
    const at = this.#traces.get(id)?.at;
    this.#go(id, at === undefined ? change : { ...change, tookMs: Date.now() - at }, step);
  }

  #go(id: string, change: Change, step?: Omit<Step, "at">): void {
    const before = this.#traces.get(id);
    if (before === undefined) return; // It began too long ago.
    const trace = { ...before, ...change };
    this.#traces.set(id, trace);
    this.#options.journal.add({
      kind: "trace",
      trace,
      ...(step === undefined ? {} : { step: { ...step, at: Date.now() } }),
    });
  }
}

const BLANK = {
  messageId: "",
  state: "waiting",
  note: "",
  attempts: 0,
  tookMs: null,
  waitsForInput: false,
} as const;

/** The body of a request by {@linkcode FakeTurn.ask}. */
interface Asked {
  readonly to: string;
  readonly turn: { readonly text: { readonly body: string } };
  readonly waiting_for_user_input?: boolean;
}

function idsIn(body: unknown): readonly string[] {
  const { messages } = Object(body);
  return Array.isArray(messages) ? messages.map((message) => `${Object(message).id}`) : [];
}

function formatMs(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1).replace(".0", "")} s`;
}
