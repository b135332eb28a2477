import assert from "node:assert/strict";
import { METRICS } from "../../src/telemetry/catalogue.ts";
import { startLogging } from "../../src/telemetry/mod.ts";
import { TestBridge } from "../support/bridge.ts";
import { missingCommand } from "../support/debian.ts";
import { PACKAGE } from "../support/prometheus.ts";
import { promtool } from "../support/promtool.ts";
import { until } from "../support/until.ts";

const missing = await missingCommand("promtool", PACKAGE);
const TURN = { type: "text", text: { body: "Hello world!" } };
const USER = "+26612345678";

async function metricsOf(bridge: TestBridge): Promise<string> {
  return (await bridge.request("/metrics")).body;
}

/** Something of everything: both ways, told of, refused, unreadable, limited. */
async function someOfAll(bridge: TestBridge): Promise<void> {
  const headers = { "X-Ratelimit-Limit": "600", "X-Ratelimit-Remaining": "500" };
  bridge.turn.answer = ({ body }) =>
    JSON.stringify(body).includes("refuse me")
      ? new Response(null, { status: 400 })
      : Response.json({}, { headers });
  await bridge.transport.sendInbound({ message_id: "m1" });
  await bridge.transport.sendInbound({ message_id: "m2", from_addr: "+1", content: "refuse me" });
  await bridge.transport.publish("inbound", "not a message");
  await bridge.turn.received(2);
  const { body } = await bridge.send({ to: USER, turn: TURN, reply_to: "m1" });
  const [{ id }] = body.messages;
  await bridge.send({ to: USER, turn: TURN, reply_to: "never seen" });
  await bridge.transport.sendEvent({
    event_type: "ack",
    event_id: "e1",
    user_message_id: id,
    sent_message_id: "s1",
  });
  await bridge.transport.sendEvent({
    event_type: "delivery_report",
    event_id: "e2",
    user_message_id: "unknown",
    delivery_status: "delivered",
  });
  await bridge.counted('{flow="inbound",result="parked"} 1');
  await bridge.counted('{flow="inbound",result="unreadable"} 1');
  await bridge.counted('{flow="status",result="delivered"} 1');
  await bridge.counted('{flow="status",result="skipped"} 1');
}

Deno.test({
  name: missing === undefined
    ? "promtool has nothing to say of the metrics of a bridge at work"
    : `promtool has nothing to say of the metrics (not run: ${missing})`,
  ignore: missing !== undefined,
  async fn() {
    await using bridge = await TestBridge.start();
    await someOfAll(bridge);
    const input = await metricsOf(bridge);
    assert.equal(await promtool(["check", "metrics"], { input }), undefined);
  },
});

Deno.test("/metrics tells what came through, how long it took, and how all is", async () => {
  await using bridge = await TestBridge.start();
  await someOfAll(bridge);
  await until("the queues", async () => (await metricsOf(bridge)).includes("queue_messages{"));
  const text = await bridge.metrics();
  const lines = [
    'messages_total{flow="outbound",result="accepted"} 1',
    'messages_total{flow="outbound",result="unknown_reply_to"} 1',
    'turn_answers_total{resource="messages",status="200"} 1',
    'turn_answers_total{resource="messages",status="400"} 1',
    'turn_call_seconds_count{resource="statuses",class="2xx"} 1',
    'delivery_seconds_count{flow="inbound"} 1',
    'delivery_seconds_count{flow="status"} 1',
    'delivery_seconds_bucket{le="43200",flow="inbound"} 0', // The message is of 2015.
    "confirm_seconds_count 1",
    "requests_in_flight 0",
    'turn_calls_in_flight{resource="messages"} 0',
    'turn_breaker_state{state="closed"} 1',
    'broker_connected{direction="publish"} 1',
    'broker_connected{direction="consume"} 1',
    'rate_limit_calls{bucket="default"} 600',
    'rate_limit_remaining_calls{bucket="default"} 500',
    'transport_messages_total{transport="smpp_transport",result="sent"} 1',
    'transport_messages_total{transport="smpp_transport",result="acked"} 1',
    'transport_messages_total{transport="smpp_transport",result="silent"} 0',
    'cache_reads_total{kind="inbound",result="hit"} 1',
    'cache_reads_total{kind="inbound",result="miss"} 1',
  ];
  for (const line of lines) assert.ok(text.includes(`\nturn_channels_${line}\n`), line);
  for (const { name } of Object.values(METRICS)) assert.ok(text.includes(`# TYPE ${name} `), name);
  for (const secret of [USER, "m1", "e1", "s1"]) {
    assert.ok(!text.includes(`"${secret}"`), `${secret} is in a label`);
  }
});

/** Lines that were logged, parsed. */
class Lines {
  readonly #decoder = new TextDecoder();
  #text = "";

  readonly output = {
    write: (bytes: Uint8Array): Promise<number> => {
      this.#text += this.#decoder.decode(bytes);
      return Promise.resolve(bytes.length);
    },
    isTerminal: (): boolean => false,
  };

  of(message: string): Record<string, unknown>[] {
    const lines = this.#text.split("\n").filter((line) => line !== "").map((line) =>
      JSON.parse(line)
    );
    return lines.filter((line) => line.template === message && line.level === "INFO");
  }
}

Deno.test("each message has one INFO line at its end, with its ids, result and duration", async () => {
  const lines = new Lines();
  {
    await using _logging = startLogging({ level: "INFO", output: lines.output });
    await using bridge = await TestBridge.start();
    await someOfAll(bridge);
  }
  const ends = lines.of("Done: {flow} {messageId} {result}");
  const told = ends.map(({ flow, result, messageId, eventId, user, transport, attempts }) => {
    return { flow, result, messageId, eventId, user, transport, attempts };
  });
  const find = (flow: string, result: string): Record<string, unknown> => {
    const found = told.filter((end) => end.flow === flow && end.result === result);
    assert.equal(found.length, 1, `${flow} ${result}: ${JSON.stringify(told)}`);
    return found[0] ?? {};
  };
  const user = "+2661...678";
  const transport = "smpp_transport";
  const message = { user, transport, attempts: 1 };
  const inbound = find("inbound", "delivered");
  assert.deepEqual(inbound, {
    ...{ flow: "inbound", result: "delivered", messageId: "m1", eventId: undefined },
    ...message,
  });
  assert.equal(find("inbound", "parked").messageId, "m2");
  assert.equal(find("inbound", "unreadable").messageId, null);
  const { messageId, ...outbound } = find("outbound", "accepted");
  assert.match(String(messageId), /^[0-9a-f]{32}$/);
  assert.deepEqual(outbound, {
    ...{ flow: "outbound", result: "accepted", eventId: undefined },
    ...message,
  });
  assert.equal(find("outbound", "unknown_reply_to").user, user);
  assert.deepEqual(find("status", "delivered"), {
    ...{ flow: "status", result: "delivered", messageId, eventId: "e1" },
    ...message,
  });
  assert.equal(find("status", "skipped").messageId, "unknown");
  assert.ok(ends.every((end) => !("content" in end)), "what people wrote");
  assert.equal(ends.length, 7);
  const [status = {}] = ends.filter(({ eventId }) => eventId === "e1");
  assert.equal(status.sentMessageId, "s1");
  assert.equal(status.inReplyTo, "m1");
  for (const { durationMs, flow, result } of ends) {
    const isKnown = result !== "unreadable";
    assert.equal(typeof durationMs, isKnown ? "number" : "undefined", `${flow} ${result}`);
  }
});

Deno.test("log_addresses and log_content add whom and what each message's line is about", async () => {
  const lines = new Lines();
  {
    const privacy = { addresses: true, content: true };
    await using _logging = startLogging({ level: "INFO", output: lines.output, privacy });
    await using bridge = await TestBridge.start();
    await someOfAll(bridge);
  }
  const ends = lines.of("Done: {flow} {messageId} {result}");
  const said = (flow: string, result: string): unknown[] => {
    const end = ends.find((candidate) => candidate.flow === flow && candidate.result === result);
    return [end?.user, end?.content];
  };
  assert.deepEqual(said("inbound", "parked"), ["+1", "refuse me"]);
  assert.deepEqual(said("outbound", "accepted"), [USER, "Hello world!"]);
  assert.deepEqual(said("outbound", "unknown_reply_to"), [USER, "Hello world!"]);
  assert.deepEqual(said("status", "delivered"), [USER, undefined]);
});
