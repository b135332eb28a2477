// How far messages have come, the last ones: each change goes to the journal, and so to the page.

import type { MessageTrace, TraceStep } from "./events.ts";
import { excerpt } from "./excerpts.ts";
import type { Journal } from "./journal.ts";

type Beginning = Pick<MessageTrace, "id" | "flow" | "address" | "text"> & Partial<MessageTrace>;

const REMEMBERED = 2_000;

export class TraceBook {
  readonly #journal: Journal;
  readonly #traces = new Map<string, MessageTrace>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get(id: string): MessageTrace | undefined {
    return this.#traces.get(id);
  }

  /** In the order in which they began. */
  all(): readonly MessageTrace[] {
    return [...this.#traces.values()];
  }

  /** The one to a user that has this id on its way there. */
  outboundOf(messageId: string): MessageTrace | undefined {
    return this.all().findLast((trace) => {
      return trace.flow === "outbound" && trace.messageId === messageId;
    });
  }

  /** What waits for a screen of a user's, or for the next dial, and was there at that time. */
  waitingFor(address: string, at: number): readonly MessageTrace[] {
    return this.all().filter((trace) => {
      const waits = trace.state === "held" || trace.state === "late";
      return waits && trace.flow === "outbound" && trace.address === address && trace.at <= at;
    });
  }

  begin({ text, ...trace }: Beginning): void {
    this.#traces.set(trace.id, {
      messageId: "",
      text: excerpt(text),
      state: "waiting",
      note: "",
      attempts: 0,
      at: Date.now(),
      tookMs: null,
      waitsForInput: false,
      screenId: "",
      isOwn: false,
      told: null,
      ...trace,
    });
    const [oldest] = this.#traces.keys();
    if (this.#traces.size > REMEMBERED && oldest !== undefined) this.#traces.delete(oldest);
  }

  end(id: string, change: Partial<MessageTrace>, step?: TraceStep): void {
    const at = this.#traces.get(id)?.at;
    if (at !== undefined) this.go(id, { ...change, tookMs: Date.now() - at }, step);
  }

  /** Does nothing if it began too long ago. */
  go(id: string, change: Partial<MessageTrace>, step?: TraceStep): void {
    const before = this.#traces.get(id);
    if (before === undefined) return;
    const trace = { ...before, ...change };
    this.#traces.set(id, trace);
    this.#journal.add({ kind: "trace", trace, ...(step && { step }) });
  }
}

/** Something that happens now. */
export function step(
  tone: TraceStep["tone"],
  title: string,
  details: Partial<TraceStep> = {},
): TraceStep {
  return { at: Date.now(), tone, title, ...details };
}
