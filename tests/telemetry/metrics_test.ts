import assert from "node:assert/strict";
import process from "node:process";
import { METRICS } from "../../src/telemetry/catalogue.ts";
import { Metrics, type Sources } from "../../src/telemetry/mod.ts";

const SOURCES: Sources = {
  turn: () => ({
    breaker: "half-open",
    lastSuccess: 1_500,
    resources: {
      messages: { inFlight: 1, waiting: 2, heldMs: 3_500 },
      statuses: { inFlight: 4, waiting: 5, heldMs: 0 },
    },
    limits: [
      { bucket: "", limit: 60, left: 7, resetAt: 1_500 },
      { bucket: "text", limit: 10, left: 0, resetAt: 0 },
    ],
  }),
  broker: () => ({ publishing: false, consuming: true, blocked: true }),
  speaks: () => true,
  queues: () => new Map([["event", { waiting: 1, parked: undefined, stalledMs: 500 }]]),
  queueFaults: () => new Map([["event", true], ["inbound_parked", false]]),
  delayed: () => new Map([["60s", 2]]),
  cacheEntries: () => ({ inbound: 3 }),
  loopLagMs: () => 250,
};

Deno.test("Metrics.count() adds up by flow and result", async () => {
  const metrics = new Metrics();
  metrics.count("inbound", "delivered");
  metrics.count("inbound", "delivered");
  metrics.count("status", "skipped");
  metrics.count("status", "retried");
  const text = await metrics.text();
  assert.match(text, /^turn_channels_messages_total{flow="inbound",result="delivered"} 2$/m);
  assert.match(text, /^turn_channels_messages_total{flow="status",result="skipped"} 1$/m);
  assert.match(text, /^turn_channels_messages_total{flow="status",result="parked"} 0$/m);
  assert.match(text, /^turn_channels_setbacks_total{flow="status",result="retried"} 1$/m);
});

Deno.test("Metrics.count() refuses what is no result of the flow", () => {
  assert.throws(() => new Metrics().count("outbound", "delivered"), TypeError);
});

Deno.test("Metrics.settled() is what was acked, or published", () => {
  const metrics = new Metrics();
  for (const result of ["delivered", "skipped", "duplicate", "parked", "unreadable"] as const) {
    metrics.count("inbound", result);
  }
  metrics.count("inbound", "delayed");
  for (const result of ["retried", "redelivered", "requeued", "cache_failed"] as const) {
    metrics.count("inbound", result);
  }
  for (const result of ["accepted", "repeated", "unknown_reply_to", "unavailable"] as const) {
    metrics.count("outbound", result);
  }
  assert.deepEqual([metrics.settled("inbound"), metrics.settled("outbound")], [6, 1]);
});

Deno.test("Metrics has histograms of calls, delays and confirms", async () => {
  const metrics = new Metrics();
  metrics.called("messages", 503, 0.2);
  metrics.called("messages", undefined, 30);
  metrics.delivered("inbound", 7);
  metrics.delivered("inbound", -3); // A clock that is ahead of ours.
  metrics.requestBegun();
  metrics.requestBegun();
  metrics.requestEnded(0.004);
  const text = await metrics.text();
  const labels = 'resource="messages",class="5xx"';
  assert.match(text, new RegExp(`^turn_channels_turn_call_seconds_sum{${labels}} 0.2$`, "m"));
  assert.match(text, /^turn_channels_turn_call_seconds_sum{.*class="none"} 30$/m);
  assert.match(text, /^turn_channels_turn_answers_total{resource="messages",status="503"} 1$/m);
  assert.match(text, /^turn_channels_turn_answers_total{resource="messages",status="none"} 1$/m);
  assert.match(text, /^turn_channels_turn_answers_total{resource="statuses",status="401"} 0$/m);
  assert.match(text, /^turn_channels_delivery_seconds_sum{flow="inbound"} 7$/m);
  assert.match(text, /^turn_channels_delivery_seconds_count{flow="inbound"} 2$/m);
  assert.match(text, /^turn_channels_confirm_seconds_bucket{le="0.005"} 1$/m);
  assert.match(text, /^turn_channels_requests_in_flight 1$/m);
});

Deno.test("Metrics tells what its sources know when it is asked", async () => {
  const metrics = new Metrics();
  metrics.watch(SOURCES);
  await metrics.text();
  const text = await metrics.text(); // The second time the same: nothing is counted twice.
  const lines = [
    'turn_channels_turn_calls_in_flight{resource="statuses"} 4',
    'turn_channels_turn_calls_waiting{resource="messages"} 2',
    'turn_channels_rate_limit_wait_seconds_total{resource="messages"} 3.5',
    'turn_channels_rate_limit_calls{bucket="default"} 60',
    'turn_channels_rate_limit_remaining_calls{bucket="text"} 0',
    'turn_channels_rate_limit_reset_timestamp_seconds{bucket="default"} 1.5',
    'turn_channels_rate_limit_reset_timestamp_seconds{bucket="text"} 0',
    'turn_channels_turn_breaker_state{state="half-open"} 1',
    'turn_channels_turn_breaker_state{state="closed"} 0',
    "turn_channels_turn_last_success_timestamp_seconds 1.5",
    'turn_channels_broker_connected{direction="publish"} 0',
    'turn_channels_broker_connected{direction="consume"} 1',
    "turn_channels_broker_blocked 1",
    'turn_channels_delayed_messages{delay="60s"} 2',
    "turn_channels_speaks 1",
    'turn_channels_queue_faults{queue="event"} 1',
    'turn_channels_queue_faults{queue="inbound_parked"} 0',
    'turn_channels_queue_stalled_seconds{queue="event"} 0.5',
    'turn_channels_cache_entries{kind="inbound"} 3',
    "turn_channels_event_loop_lag_seconds 0.25",
  ];
  for (const line of lines) assert.ok(text.includes(`\n${line}\n`), line);
  assert.ok(!text.includes('place="parked"'));
});

Deno.test("Metrics tells of the process", async () => {
  const metrics = new Metrics();
  await metrics.text();
  const text = await metrics.text();
  const value = (name: string): number => Number(new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1]);
  const { rss } = Deno.memoryUsage();
  assert.ok(Math.abs(value("process_resident_memory_bytes") / rss - 1) < 0.5);
  const { user, system } = process.cpuUsage();
  assert.ok(Math.abs(value("process_cpu_seconds_total") / (user + system) * 1e6 - 1) < 0.5);
  assert.ok(value("process_heap_bytes") > 1_000_000);
  assert.ok(Math.abs(value("process_start_time_seconds") - performance.timeOrigin / 1000) < 1);
  if (Deno.build.os === "linux") assert.ok(value("process_open_fds") > 2);
  assert.match(text, /^turn_channels_build_info{version="\d+\.\d+\.\d+",deno="\d+\.\d+\.\d+"} 1$/m);
});

Deno.test("each metric of the catalogue is there, under the conventions of names", async () => {
  const text = await new Metrics().text();
  for (const { name, type, labels } of Object.values(METRICS)) {
    assert.ok(text.includes(`# TYPE ${name} ${type}\n`), name);
    assert.equal(type === "counter", name.endsWith("_total"), name);
    for (const label of labels) assert.doesNotMatch(label, /addr|user|_id$|^id$/, name);
  }
});
