/**
 * Takes what a traced program sends away: OTLP over HTTP, as JSON.
 *
 * @module
 */

import { until } from "./until.ts";

/** A span's kind, as OTLP numbers it. */
export const KIND = { server: 2, client: 3, producer: 4, consumer: 5 } as const;

/** A span, as far as tests look at it. */
export interface SunkSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty if it has none. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 2 is an error. */
  readonly status: number;
}

/** A collector on this machine. */
export class OtlpSink implements AsyncDisposable {
  /** What came, in order. */
  readonly spans: SunkSpan[] = [];
  /** All that came, spans or not. */
  received = "";
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const text = await request.text();
        this.received += text;
        this.spans.push(...readSpans(JSON.parse(text)));
        return Response.json({});
      },
    );
  }

  /** Listens. */
  static start(): OtlpSink {
    return new OtlpSink();
  }

  /** The environment of a program that is to send everything here, and soon. */
  get env(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_SERVICE_NAME: "turn-channels",
    };
  }

  /** Resolves with the spans of a trace when there are `count`, in the order of parent and child. */
  async trace(traceId: string, count: number): Promise<readonly SunkSpan[]> {
    const those = () => this.spans.filter((span) => span.traceId === traceId);
    await until(`${count} spans of ${traceId}`, () => those().length >= count);
    return sorted(those());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function sorted(spans: readonly SunkSpan[]): readonly SunkSpan[] {
  const depth = ({ parentSpanId }: SunkSpan): number => {
    const parent = spans.find(({ spanId }) => spanId === parentSpanId);
    return parent === undefined ? 0 : depth(parent) + 1;
  };
  return spans.toSorted((one, other) => depth(one) - depth(other));
}

/** What is sent, as far as tests look at it; of metrics and logs nothing. */
interface Sent {
  readonly resourceSpans?: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

interface SentSpan extends Omit<SunkSpan, "attributes" | "status"> {
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
  readonly status: { readonly code: number };
}

function readSpans({ resourceSpans = [] }: Sent): SunkSpan[] {
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
  return spans.map((span) => ({
    ...span,
    attributes: Object.fromEntries(
      span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
    ),
    status: span.status.code,
  }));
}
