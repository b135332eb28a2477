// Load: made-up users who write at a chosen rate, and how many of their messages Turn gets, and how
// soon. They have no phones, and Turn does not reply to them.

import type { SimulatedTurn } from "../simulated_turn.ts";
import { NUMBER } from "../tour_messages.ts";
import type { Transport } from "../transport.ts";
import type { Journal } from "./journal.ts";

interface LoadOptions {
  readonly transport: Transport;
  readonly turn: SimulatedTurn;
  readonly journal: Journal;
}

const PREFIX = "+2665550";
const USERS = 200;
const TICK_MS = 50;
const SAMPLE_MS = 500;
/** With more messages that Turn does not have yet, users stop writing. */
const MOST_BETWEEN = 20_000;

export function isLoad(address: string): boolean {
  return address.startsWith(PREFIX);
}

export class Load implements Disposable {
  readonly #options: LoadOptions;
  readonly #watch: Disposable;
  /** When messages were sent that Turn does not have yet. */
  readonly #sentAt = new Map<string, number>();
  #rate = 0;
  #timers: ReturnType<typeof setInterval>[] = [];
  #tickedAt = 0;
  /** Messages that are due, with fractions. */
  #due = 0;
  #user = 0;
  #sent = 0;
  #sentInAll = 0;
  #delaysMs: number[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#watch = options.turn.watch({
      answered: ({ content }, answer) => {
        const sentAt = this.#sentAt.get(content?.id ?? "");
        if (sentAt === undefined || !(answer instanceof Response && answer.ok)) return;
        this.#sentAt.delete(content?.id ?? "");
        this.#delaysMs.push(performance.now() - sentAt);
      },
    });
  }

  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    this.#rate = rate;
    if (rate === 0 || this.#timers.length > 0) return;
    this.#tickedAt = performance.now();
    this.#timers = [
      setInterval(() => this.#write(), TICK_MS),
      setInterval(() => this.#sample(), SAMPLE_MS),
    ];
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#watch[Symbol.dispose]();
  }

  #write(): void {
    const now = performance.now();
    this.#due += this.#rate * (now - this.#tickedAt) / 1_000;
    this.#tickedAt = now;
    if (this.#sentAt.size > MOST_BETWEEN) this.#due = 0;
    for (; this.#due >= 1; this.#due--) this.#writeOne();
  }

  #writeOne(): void {
    const { transport } = this.#options;
    this.#user = (this.#user + 1) % USERS;
    const message = transport.compose({
      from_addr: `${PREFIX}${String(this.#user).padStart(4, "0")}`,
      to_addr: NUMBER,
      transport_type: "sms",
      content: `Message ${this.#sentInAll}`,
    });
    this.#sentAt.set(message.message_id, performance.now());
    this.#sent++;
    this.#sentInAll++;
    // Only a closed broker does not take it, and then all is over.
    void transport.publish(message).catch(() => this.#stop());
  }

  #sample(): void {
    const delaysMs = this.#delaysMs.sort((a, b) => a - b);
    const perSecond = 1_000 / SAMPLE_MS;
    this.#options.journal.tell({
      kind: "sample",
      sent: this.#sent * perSecond,
      delivered: delaysMs.length * perSecond,
      medianMs: quantile(delaysMs, 0.5),
      p95Ms: quantile(delaysMs, 0.95),
      between: this.#sentAt.size,
      sentInAll: this.#sentInAll,
    });
    const isOver = this.#rate === 0 && this.#sent === 0 && this.#sentAt.size === 0;
    // The last sample is all 0, or the charts would end in the air.
    if (isOver && delaysMs.length === 0) this.#stop();
    this.#sent = 0;
    this.#delaysMs = [];
  }

  #stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }
}

function quantile(sorted: readonly number[], share: number): number | null {
  const value = sorted[Math.ceil(sorted.length * share) - 1];
  return value === undefined ? null : Math.round(value * 10) / 10;
}
