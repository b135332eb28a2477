/**
 * Spans of the work on messages, if this program is traced: by Deno, which makes those of HTTP by
 * itself and sends all of them away. Without that nothing of OpenTelemetry is loaded.
 *
 * @module
 */

import type { Trace } from "./trace.ts";

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
  /** Its host; empty if it has none. */
  readonly host: string;
  /** Its port. */
  readonly port: number;
}

/** Wraps work in spans. */
export interface Tracing {
  /**
   * Publishes in a span of its own, in whatever is being done.
   *
   * @param trace What came from outside; its state is passed on.
   * @param publish Publishes with these headers, which name the span as the message's parent.
   */
  publish(
    message: TracedMessage,
    trace: Trace | undefined,
    publish: (headers: Readonly<Record<string, string>>) => Promise<void>,
  ): Promise<void>;
  /**
   * Handles a message in a span of its own, the child of nothing but what came with the message.
   * What `handle` answers is told by its kind; `park` is a failure.
   */
  process<T extends { readonly kind: string }>(
    message: TracedMessage,
    trace: Trace | undefined,
    handle: () => Promise<T>,
  ): Promise<T>;
}

/** Where OpenTelemetry's API looks for who traces; Deno puts itself there at its start, if told to. */
const REGISTRY = Symbol.for("opentelemetry.js.api.1");

/** Starts tracing; undefined if the program is not traced. */
export async function startTracing(broker: TracedBroker): Promise<Tracing | undefined> {
  const registered: unknown = Reflect.get(globalThis, REGISTRY);
  const isTraced = typeof registered === "object" && registered !== null && "trace" in registered;
  if (!isTraced) return undefined;
  const { OpenTelemetry } = await import("./opentelemetry.ts");
  return new OpenTelemetry(broker);
}
