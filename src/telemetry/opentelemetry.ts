// Spans by OpenTelemetry, which no other file knows. Names and attributes:
// https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/.

import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace as traces,
} from "@opentelemetry/api";
import { readTrace, type Trace } from "./trace.ts";
import type { TracedBroker, TracedMessage } from "./tracing.ts";

/** Wraps work in spans of whoever has registered at OpenTelemetry's API. */
export class OpenTelemetry {
  readonly #tracer = traces.getTracer("turn-channels");
  readonly #broker: Attributes;

  /** Names `broker` in every span. */
  constructor({ system, host, port }: TracedBroker) {
    this.#broker = {
      "messaging.system": system,
      ...host === "" ? {} : { "server.address": host, "server.port": port },
    };
  }

  /** What is being done, with the state of what came from outside: to be published in it, later perhaps. */
  within(trace: Trace | undefined): Trace | undefined {
    const own = inject(context.active());
    return own === undefined ? trace : { ...trace, ...own };
  }

  /**
   * Publishes in a span of its own: in whatever is being done, if that is a part of `trace`.
   * @param trace What it belongs to; its state is passed on.
   * @param publish Publishes with these headers, which name the span as the message's parent.
   */
  async publish(
    message: TracedMessage,
    trace: Trace | undefined,
    publish: (headers: Readonly<Record<string, string>>) => Promise<void>,
  ): Promise<void> {
    const active = context.active();
    // What has waited is sent while something else is being done.
    const isOther = trace !== undefined &&
      !trace.traceparent.includes(traces.getSpanContext(active)?.traceId ?? "none");
    const parent = isOther ? propagation.extract(ROOT_CONTEXT, { ...trace }) : active;
    const span = this.#start(message, "publish", parent);
    const within = traces.setSpan(parent, span);
    const own = inject(within);
    // Deno's spans do not keep the state.
    await this.#end(span, () => context.with(within, () => publish({ ...trace, ...own })));
  }

  /**
   * Handles a message in a span of its own, the child of nothing but what came with the message.
   * What `handle` answers is told by its kind; `park` is a failure.
   */
  process<T extends { readonly kind: string }>(
    message: TracedMessage,
    trace: Trace | undefined,
    handle: () => Promise<T>,
  ): Promise<T> {
    // Not in what is active here, which may be another message's.
    const parent = propagation.extract(ROOT_CONTEXT, { ...trace });
    const span = this.#start(message, "process", parent);
    return this.#end(span, async () => {
      const disposition = await context.with(traces.setSpan(parent, span), handle);
      span.setAttribute("turn_channels.disposition", disposition.kind);
      if (disposition.kind === "park") fail(span, "parked");
      return disposition;
    });
  }

  async #end<T>(span: Span, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      fail(span, error instanceof Error ? error.name : typeof error);
      throw error;
    } finally {
      span.end();
    }
  }

  #start(
    { exchange, queue, id, about }: TracedMessage,
    operation: "publish" | "process",
    parent: Context,
  ): Span {
    // Where the routing key is the queue's name, the destination has one of them only.
    const destination = `${exchange}:${queue}`;
    const isPublish = operation === "publish";
    const attributes = {
      ...this.#broker,
      "messaging.operation.name": operation,
      "messaging.operation.type": isPublish ? "send" : "process",
      "messaging.destination.name": destination,
      "messaging.rabbitmq.destination.routing_key": queue,
      "messaging.message.id": id,
      ...about === undefined ? {} : { "messaging.message.conversation_id": about },
    };
    const kind = isPublish ? SpanKind.PRODUCER : SpanKind.CONSUMER;
    return this.#tracer.startSpan(`${operation} ${destination}`, { kind, attributes }, parent);
  }
}

function inject(within: Context): Trace | undefined {
  const injected: Record<string, string> = {};
  propagation.inject(within, injected);
  return readTrace((header) => injected[header]);
}

/** Of an error no more than its kind is told: its message may say what is nobody's business. */
function fail(span: Span, type: string): void {
  span.setAttribute("error.type", type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
