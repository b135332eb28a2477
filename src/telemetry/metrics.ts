/**
 * What is counted. One registry per program, handed to the parts; no addresses or ids as labels.
 *
 * @module
 */

import { Counter, Registry } from "prom-client";

/** The three ways through the bridge. */
export type Flow = "outbound" | "inbound" | "status";

/** Counters, and their text for Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #messages = new Counter({
    name: "turn_channels_messages_total",
    help: "Messages and statuses by what became of them.",
    labelNames: ["flow", "result"],
    registers: [this.#registry],
  });

  /** Counts one message of `flow` that ended as `result`. */
  count(flow: Flow, result: string): void {
    this.#messages.inc({ flow, result });
  }

  /** The Prometheus text format, version 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
