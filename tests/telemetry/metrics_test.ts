import assert from "node:assert/strict";
import process from "node:process";
import { METRICS } from "../../src/telemetry/catalogue.ts";
import {
  type ChannelSources,
  MetricsRegistry,
  type ProgramSources,
  readSamples,
} from "../../src/telemetry/mod.ts";

const OF_CHANNEL: ChannelSources = {
  turn: () => ({
    breaker: "half-open",
    lastSuccess: 1_500,
    refusesToken: false,
    resources: {
      messages: { inFlight: 1, waiting: 2, heldMs: 3_500 },
      statuses: { inFlight: 4, waiting: 5, heldMs: 0 },
    },
    limits: [
      { bucket: "", limit: 60, left: 7, resetAt: 1_500 },
      { bucket: "text", limit: 10, left: 0, resetAt: 0 },
    ],
  }),
  speaks: () => true,
  smsRates: () => new Map([["smpp", 4.5]]),
  queues: () => new Map([["event", { waiting: 1, parked: undefined, stalledMs: 500 }]]),
  queueFaults: () => new Map([["event", true], ["inbound_parked", false]]),
  cacheEntries: () => ({ inbound: 3 }),
};

const OF_PROGRAM: ProgramSources = {
  broker: () => ({ publishing: false, consuming: true, blocked: true }),
  delayed: () => new Map([["60s", 2]]),
  loopLagMs: () => 250,
  log: () => ({ lost: 3, stalledMs: 4_000 }),
};

Deno.test("Metrics.count() adds up by flow and result", async () => {
  const registry = new MetricsRegistry();
  const metrics = registry.channel("c");
  metrics.count("inbound", "delivered");
  metrics.count("inbound", "delivered");
  metrics.count("status", "skipped");
  metrics.count("status", "retried");
  const text = await registry.text();
  assert.match(
    text,
    /^turn_channels_messages_total{flow="inbound",result="delivered",connector="c"} 2$/m,
  );
  assert.match(
    text,
    /^turn_channels_messages_total{flow="status",result="skipped",connector="c"} 1$/m,
  );
  assert.match(
    text,
    /^turn_channels_messages_total{flow="status",result="parked",connector="c"} 0$/m,
  );
  assert.match(
    text,
    /^turn_channels_setbacks_total{flow="status",result="retried",connector="c"} 1$/m,
  );
});

Deno.test("Metrics.count() refuses what is no result of the flow", () => {
  assert.throws(() => new MetricsRegistry().channel("c").count("outbound", "delivered"), TypeError);
});

Deno.test("Metrics.settled() is what was acked, or published", () => {
  const metrics = new MetricsRegistry().channel("c");
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
  const registry = new MetricsRegistry();
  const metrics = registry.channel("c");
  metrics.called("messages", 503, 0.2);
  metrics.called("messages", undefined, 30);
  metrics.delivered("inbound", 7);
  metrics.delivered("inbound", -3); // A clock that is ahead of ours.
  metrics.requestBegun();
  metrics.requestBegun();
  metrics.requestEnded(0.004);
  const text = await registry.text();
  const labels = 'resource="messages",class="5xx",connector="c"';
  assert.match(text, new RegExp(`^turn_channels_turn_call_seconds_sum{${labels}} 0.2$`, "m"));
  assert.match(text, /^turn_channels_turn_call_seconds_sum{.*class="none",connector="c"} 30$/m);
  assert.match(
    text,
    /^turn_channels_turn_answers_total{resource="messages",status="503",connector="c"} 1$/m,
  );
  assert.match(
    text,
    /^turn_channels_turn_answers_total{resource="messages",status="none",connector="c"} 1$/m,
  );
  assert.match(
    text,
    /^turn_channels_turn_answers_total{resource="statuses",status="401",connector="c"} 0$/m,
  );
  assert.match(text, /^turn_channels_delivery_seconds_sum{flow="inbound",connector="c"} 7$/m);
  assert.match(text, /^turn_channels_delivery_seconds_count{flow="inbound",connector="c"} 2$/m);
  assert.match(text, /^turn_channels_confirm_seconds_bucket{le="0.005",connector="c"} 1$/m);
  assert.match(text, /^turn_channels_requests_in_flight{connector="c"} 1$/m);
});

Deno.test("Metrics counts how USSD sessions go, all from 0 on", async () => {
  const registry = new MetricsRegistry();
  const metrics = registry.channel("c");
  const told = async () =>
    (await registry.text()).split("\n").filter((line) => /^turn_channels_ussd_/.test(line))
      .filter((line) => !line.includes("_bucket"))
      .map((line) => line.replace(/^turn_channels_ussd_/, "").replace(/,?connector="c"/, ""));
  const before = await told();
  assert.equal(before.length, 17);
  assert.ok(before.every((line) => line.endsWith(" 0")), before.join("\n"));
  for (const merged of [1, 2, 2, 3, 4, 9]) metrics.screenShown(merged, 0.25);
  metrics.screenShown(1, -1); // A clock that is ahead of ours.
  metrics.holdShown("hold");
  metrics.holdShown("sorry");
  metrics.holdShown("sorry");
  for (const what of ["notice", "sms", "sms", "failed", "refused", "shown"] as const) {
    metrics.late(what);
  }
  for (const how of ["asked", "asked", "continued", "restarted"] as const) metrics.resumed(how);
  metrics.unanswered();
  assert.deepEqual((await told()).sort(), [
    'holds_total{text="hold"} 1',
    'holds_total{text="sorry"} 2',
    'late_total{result="failed"} 1',
    'late_total{result="notice"} 1',
    'late_total{result="refused"} 1',
    'late_total{result="shown"} 1',
    'late_total{result="sms"} 2',
    'resumes_total{how="asked"} 2',
    'resumes_total{how="continued"} 1',
    'resumes_total{how="restarted"} 1',
    "screen_seconds_count{} 7",
    "screen_seconds_sum{} 1.5",
    'screens_total{messages="1"} 2',
    'screens_total{messages="2"} 2',
    'screens_total{messages="3"} 1',
    'screens_total{messages="more"} 2',
    "unanswered_total{} 1",
  ]);
});

Deno.test("MetricsRegistry tells what its sources know when it is asked", async () => {
  const registry = new MetricsRegistry();
  registry.sources = OF_PROGRAM;
  registry.channel("c").sources = OF_CHANNEL;
  await registry.text();
  const text = await registry.text(); // The second time the same: nothing is counted twice.
  const lines = [
    'turn_channels_turn_calls_in_flight{resource="statuses",connector="c"} 4',
    'turn_channels_turn_calls_waiting{resource="messages",connector="c"} 2',
    'turn_channels_rate_limit_wait_seconds_total{resource="messages",connector="c"} 3.5',
    'turn_channels_rate_limit_calls{bucket="default",connector="c"} 60',
    'turn_channels_rate_limit_remaining_calls{bucket="text",connector="c"} 0',
    'turn_channels_rate_limit_reset_timestamp_seconds{bucket="default",connector="c"} 1.5',
    'turn_channels_rate_limit_reset_timestamp_seconds{bucket="text",connector="c"} 0',
    'turn_channels_turn_breaker_state{state="half-open",connector="c"} 1',
    'turn_channels_turn_breaker_state{state="closed",connector="c"} 0',
    'turn_channels_turn_last_success_timestamp_seconds{connector="c"} 1.5',
    'turn_channels_broker_connected{direction="publish"} 0',
    'turn_channels_broker_connected{direction="consume"} 1',
    "turn_channels_broker_blocked 1",
    'turn_channels_delayed_messages{delay="60s"} 2',
    'turn_channels_speaks{connector="c"} 1',
    'turn_channels_queue_faults{queue="event",connector="c"} 1',
    'turn_channels_queue_faults{queue="inbound_parked",connector="c"} 0',
    'turn_channels_queue_stalled_seconds{queue="event",connector="c"} 0.5',
    'turn_channels_cache_entries{kind="inbound",connector="c"} 3',
    "turn_channels_event_loop_lag_seconds 0.25",
    "turn_channels_log_lost_lines_total 3",
    "turn_channels_log_stalled_seconds 4",
  ];
  for (const line of lines) assert.ok(text.includes(`\n${line}\n`), line);
  assert.ok(!text.includes('place="parked"'));
});

Deno.test("MetricsRegistry tells channels apart, and the program once", async () => {
  const registry = new MetricsRegistry();
  registry.sources = OF_PROGRAM;
  const names = ["a", 'b"\\,result="x'];
  for (const [index, name] of names.entries()) {
    registry.channel(name).sources = { ...OF_CHANNEL, cacheEntries: () => ({ inbound: index }) };
    for (let n = 0; n <= index; n++) registry.channel(name).count("inbound", "delivered");
  }
  const text = await registry.text();
  const delivered = readSamples(text, "turn_channels_messages_total")
    .filter(({ labels }) => labels.flow === "inbound" && labels.result === "delivered");
  assert.deepEqual(delivered.map(({ labels, value }) => [labels.connector, value]), [
    [names[0], 1],
    [names[1], 2],
  ]);
  const entries = readSamples(text, METRICS.cacheEntries.name);
  assert.deepEqual(entries.map(({ labels, value }) => [labels.connector, value]), [
    [names[0], 0],
    [names[1], 1],
  ]);
  for (const { name, labels, type } of Object.values(METRICS)) {
    const samples = readSamples(text, type === "histogram" ? `${name}_count` : name);
    const isOfChannel = (labels as readonly string[]).includes("connector");
    for (const sample of samples) assert.equal("connector" in sample.labels, isOfChannel, name);
    if (!isOfChannel && labels.length === 0) assert.equal(samples.length, 1, name);
  }
  const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  assert.equal(new Set(families).size, families.length);
});

Deno.test("MetricsRegistry tells of the process", async () => {
  const registry = new MetricsRegistry("1a2b3c");
  await registry.text();
  const text = await registry.text();
  const value = (name: string): number => Number(new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1]);
  const { rss } = Deno.memoryUsage();
  assert.ok(Math.abs(value("process_resident_memory_bytes") / rss - 1) < 0.5);
  const { user, system } = process.cpuUsage();
  assert.ok(Math.abs(value("process_cpu_seconds_total") / (user + system) * 1e6 - 1) < 0.5);
  assert.ok(value("process_heap_bytes") > 1_000_000);
  assert.ok(Math.abs(value("process_start_time_seconds") - performance.timeOrigin / 1000) < 1);
  if (Deno.build.os === "linux") assert.ok(value("process_open_fds") > 2);
  const build = /^turn_channels_build_info{version="[\d.]+",commit="1a2b3c",deno="[\d.]+"} 1$/m;
  assert.match(text, build);
});

Deno.test("each metric of the catalogue is there, under the conventions of names", async () => {
  const text = await new MetricsRegistry().text();
  for (const { name, type, labels } of Object.values(METRICS)) {
    assert.ok(text.includes(`# TYPE ${name} ${type}\n`), name);
    assert.equal(type === "counter", name.endsWith("_total"), name);
    for (const label of labels) assert.doesNotMatch(label, /addr|user|_id$|^id$/, name);
  }
});
