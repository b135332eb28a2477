/**
 * The program, traced by Deno: from source, and as the second binary.
 *
 * @module
 */

import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { FakeTurn, send, type TurnCall } from "../support/fake_turn.ts";
import { SECRET, TOKEN } from "../support/bridge.ts";
import { compile } from "../support/compiled.ts";
import { KIND, OtlpSink, type SunkSpan } from "../support/otlp_sink.ts";
import { Program, type Running } from "../support/program.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { Transport } from "../support/transport.ts";
import { withChannel } from "../broker/rabbitmq/support.ts";
import { until } from "../support/until.ts";

const USER = "+26612345678";
const TEXT = "what a user wrote";
const PARENT = "b7ad6b7169203331";

/** A traced program between a transport and a Turn. */
class Traced implements AsyncDisposable {
  readonly sink: OtlpSink;
  readonly turn: FakeTurn;
  readonly transport: Transport;
  readonly running: Running;
  readonly connector: string;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    sink: OtlpSink,
    turn: FakeTurn,
    transport: Transport,
    running: Running,
    connector: string,
    parts: AsyncDisposableStack,
  ) {
    this.sink = sink;
    this.turn = turn;
    this.transport = transport;
    this.running = running;
    this.connector = connector;
    this.#parts = parts;
  }

  static async start(program: Program, more: readonly string[] = []): Promise<Traced> {
    await using parts = new AsyncDisposableStack();
    const sink = parts.use(OtlpSink.start());
    const turn = parts.use(FakeTurn.start({ authToken: TOKEN }));
    const connector = `test-${crypto.randomUUID()}`;
    const transport = parts.use(await Transport.connect(connector));
    const args = [
      `--connector-name=${connector}`,
      "--http-bind=127.0.0.1:0",
      `--turn-api-url=${turn.url}`,
      `--auth-token=${TOKEN}`,
      `--turn-hmac-secret=${SECRET}`,
      "--default-from-addr=8110",
      `--amqp-url=${amqpUrl()}`,
      "--retry-delay-base=0",
      ...more,
    ];
    const running = parts.use(await program.start(args, sink.env));
    await until("health", async () => {
      const response = await fetch(`${running.address}/health`);
      return (await response.json()).health === "ok";
    });
    return new Traced(sink, turn, transport, running, connector, parts.move());
  }

  async send(traceId: string): Promise<void> {
    const body = { to: USER, turn: { type: "text", text: { body: TEXT } } };
    const headers = { traceparent: traceparent(traceId), tracestate: "vendor=1" };
    const answer = await send(`${this.running.address}/messages`, body, {
      secret: SECRET,
      headers,
    });
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
  }

  async receive(traceId: string | undefined, fields: Record<string, unknown>): Promise<void> {
    const message = {
      ...{ to_addr: "8110", from_addr: USER, content: TEXT },
      ...{ transport_name: "t", transport_type: "sms" },
      ...fields,
    };
    const headers = { traceparent: traceparent(traceId ?? ""), tracestate: "vendor=1" };
    await this.transport.publish("inbound", message, traceId === undefined ? {} : headers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

function traceparent(traceId: string): string {
  return `00-${traceId}-${PARENT}-01`;
}

function newTraceId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

/** Which message Turn was told of. */
function idOf({ body }: TurnCall): string {
  return (body as { message: { id: string } }).message.id; // Turn's schema has checked it.
}

/** Whose children they are: each the one before's. */
function assertChain(spans: readonly SunkSpan[], kinds: readonly number[]): void {
  assert.deepEqual(spans.map(({ kind }) => kind), kinds);
  const parents = [PARENT, ...spans.map(({ spanId }) => spanId)].slice(0, -1);
  assert.deepEqual(spans.map(({ parentSpanId }) => parentSpanId), parents);
}

/** One message each way, and all that is known of them to whom it is sent. */
async function carriesTraces(program: Program): Promise<void> {
  await using traced = await Traced.start(program);
  const { sink, transport, turn, connector } = traced;
  const { hostname, port } = new URL(amqpUrl());
  const broker = {
    "messaging.system": "rabbitmq",
    "server.address": hostname,
    "server.port": port || "5672",
  };

  const outTrace = newTraceId();
  await traced.send(outTrace);
  const [{ message, raw } = assert.fail()] = await transport.received(1);
  const outbound = await sink.trace(outTrace, 2);
  assertChain(outbound, [KIND.server, KIND.producer]);
  const [, producer = assert.fail()] = outbound;
  assert.equal(producer.name, `publish vumi:${connector}.outbound`);
  assert.deepEqual(stringly(producer.attributes), {
    ...broker,
    "messaging.operation.name": "publish",
    "messaging.operation.type": "send",
    "messaging.destination.name": `vumi:${connector}.outbound`,
    "messaging.rabbitmq.destination.routing_key": `${connector}.outbound`,
    "messaging.message.id": message["message_id"],
  });
  // The transport is told of the publish, in place of Turn's request.
  assert.deepEqual(raw.properties.headers, {
    traceparent: `00-${outTrace}-${producer.spanId}-01`,
    tracestate: "vendor=1",
  });

  const inTrace = newTraceId();
  await traced.receive(inTrace, { message_id: "m1" });
  const [call = assert.fail()] = await turn.received(1);
  const inbound = await sink.trace(inTrace, 2);
  assertChain(inbound, [KIND.consumer, KIND.client]);
  const [consumer = assert.fail(), client = assert.fail()] = inbound;
  assert.equal(consumer.name, `process vumi:${connector}.inbound`);
  assert.deepEqual(stringly(consumer.attributes), {
    ...broker,
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": `vumi:${connector}.inbound`,
    "messaging.rabbitmq.destination.routing_key": `${connector}.inbound`,
    "messaging.message.id": "m1",
    "turn_channels.disposition": "done",
  });
  assert.equal(call.headers.get("traceparent"), `00-${inTrace}-${client.spanId}-01`);
  assert.equal(call.headers.get("tracestate"), "vendor=1");

  assert.equal(await traced.running.stop("SIGTERM"), 0);
  for (const [what, secret] of Object.entries({ TOKEN, SECRET, USER, TEXT })) {
    assert.ok(!sink.received.includes(secret), `${what} was sent away`);
  }
}

/** OTLP's JSON has long integers as texts, if it likes. */
function stringly(attributes: SunkSpan["attributes"]): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, String(value)]));
}

Deno.test("OTEL_DENO=true: one trace from Turn's request to the publish, one from the delivery to the call", async () => {
  await carriesTraces(Program.fromSource());
});

Deno.test("OTEL_DENO=true: many messages at once, tried again and waiting for one another, stay in their traces", async () => {
  await using traced = await Traced.start(Program.fromSource(), [
    "--max-retries=1",
    "--retry-schedule=0.2",
    "--worker-concurrency=4",
  ]);
  const { sink, transport, turn } = traced;
  // Some fail twice: they are tried again at once, then delayed, and others wait behind them.
  const failures = new Map(["m3", "m13", "m14", "m21"].map((id) => [id, 2]));
  turn.answer = (call) => {
    const left = failures.get(idOf(call)) ?? 0;
    failures.set(idOf(call), left - 1);
    return left > 0 ? new Response(null, { status: 500 }) : Response.json({});
  };
  const out = Array.from({ length: 30 }, newTraceId);
  const into = new Map(Array.from({ length: 30 }, (_, index) => [`m${index}`, newTraceId()]));
  await Promise.all([
    ...out.map((traceId) => traced.send(traceId)),
    ...[...into].map(([message_id, traceId], index) =>
      traced.receive(traceId, { message_id, from_addr: `+${index % 4}` })
    ),
  ]);
  const sent = await transport.received(out.length);
  const calls = await turn.received(into.size + 4 * 2);
  // Then it has sent all spans, too.
  assert.equal(await traced.running.stop("SIGTERM"), 0);
  for (const traceId of out) {
    assertChain(await sink.trace(traceId, 2), [KIND.server, KIND.producer]);
  }
  const parents = sent.map(({ raw }) => String(raw.properties.headers?.["traceparent"]));
  assert.deepEqual(parents.map((parent) => parent.split("-")[1]).sort(), out.toSorted());

  for (const call of calls) {
    const [, traceId] = call.headers.get("traceparent")?.split("-") ?? [];
    assert.equal(traceId, into.get(idOf(call)), idOf(call));
  }
  for (const [id, traceId] of into) {
    const tries = calls.filter((call) => idOf(call) === id).length;
    const spans = await sink.trace(traceId, tries);
    const consumers = spans.filter(({ kind }) => kind === KIND.consumer);
    assert.ok(consumers.every(({ parentSpanId }) => parentSpanId === PARENT), id);
    assert.ok(consumers.every(({ attributes }) => attributes["messaging.message.id"] === id), id);
    const clients = spans.filter(({ kind }) => kind === KIND.client);
    assert.equal(clients.length, tries);
    const ids = consumers.map(({ spanId }) => spanId);
    assert.ok(clients.every(({ parentSpanId }) => ids.includes(parentSpanId)), id);
  }
});

Deno.test("OTEL_DENO=true: what comes without a trace begins one, and what fails says so", async () => {
  await using traced = await Traced.start(Program.fromSource());
  const { sink, transport, turn, connector } = traced;
  turn.answer = () => Response.json({ errors: [] }, { status: 404 });
  await traced.receive(undefined, { message_id: "m1" });
  await traced.receive(undefined, { message_id: "m2" });
  await turn.received(2);
  const consumers = () => sink.spans.filter(({ kind }) => kind === KIND.consumer);
  await until("two spans", () => consumers().length >= 2);
  for (const { parentSpanId, status, attributes } of consumers()) {
    assert.deepEqual([parentSpanId, status], ["", 2]);
    assert.equal(attributes["turn_channels.disposition"], "park");
    assert.equal(attributes["error.type"], "parked");
  }
  assert.equal(new Set(consumers().map(({ traceId }) => traceId)).size, 2);
  await transport.takeNoMore();
  await transport.deleteQueue("outbound");
  // It takes nothing.
  const full = { "x-queue-type": "classic", "x-max-length": 0, "x-overflow": "reject-publish" };
  await withChannel((channel) =>
    channel.assertQueue(`${connector}.outbound`, { durable: true, arguments: full })
  );
  const body = { to: USER, turn: { type: "text", text: { body: TEXT } } };
  const answer = await send(`${traced.running.address}/messages`, body, { secret: SECRET });
  await answer.body?.cancel();
  assert.equal(answer.status, 503);
  const producers = () => sink.spans.filter(({ kind }) => kind === KIND.producer);
  await until("its span", () => producers().length > 0);
  const [{ status, attributes, name } = assert.fail()] = producers();
  assert.equal(name, `publish vumi:${connector}.outbound`);
  assert.deepEqual([status, attributes["error.type"]], [2, "PublishError"]);
});

const needsCompile = Deno.env.get("DENO_COMPILE") === undefined;

Deno.test({
  name: "the traced binary does the same" +
    (needsCompile ? ": not tried, as DENO_COMPILE names no Deno that can compile" : ""),
  ignore: needsCompile,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "turn-channels-traced-" });
    try {
      const binary = `${folder}/turn-channels-otel`;
      assert.equal(await compile(binary, { env: { OTEL_DENO: "true" } }), undefined);
      await carriesTraces(Program.binary(binary));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("deno task compile:otel is deno task compile, with tracing and a name of its own", () => {
  const { compile, "compile:otel": traced } = manifest.tasks;
  const named = compile.replace("--output turn-channels ", "--output turn-channels-otel ");
  assert.equal(traced, `OTEL_DENO=true ${named}`);
});
