// Spans of the work on messages, if this program is traced: by Deno, which makes those of HTTP by
// itself and sends all of them away. Without that nothing of OpenTelemetry is loaded.

import type { OpenTelemetry } from "./opentelemetry.ts";

/** A message, as a span tells which one. */
export interface TracedMessage {
  /** The exchange that it is or was published to. */
  readonly exchange: string;
  /** Its queue. */
  readonly queue: string;
  /** Its own id. */
  readonly id: string;
  /** The id of the message that it is about, if it is about one. */
  readonly about?: string;
}

/** The broker, as a span tells which one. */
export interface TracedBroker {
  /** What it is: `rabbitmq`. */
  readonly system: string;
  /** Empty if it has none. */
  readonly host: string;
  /** Its port. */
  readonly port: number;
}

/** Where OpenTelemetry's API looks for who traces; Deno puts itself there at its start, if told to. */
const REGISTRY = Symbol.for("opentelemetry.js.api.1");

/** Starts tracing; undefined if the program is not traced. */
export async function startTracing(broker: TracedBroker): Promise<OpenTelemetry | undefined> {
  const registered: unknown = Reflect.get(globalThis, REGISTRY);
  const isTraced = typeof registered === "object" && registered !== null && "trace" in registered;
  if (!isTraced) return undefined;
  const opentelemetry = await import("./opentelemetry.ts");
  return new opentelemetry.OpenTelemetry(broker);
}
