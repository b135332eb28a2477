import assert from "node:assert/strict";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START = Date.parse("2026-11-24T08:00:00.000Z");

async function counted(
  registry: MetricsRegistry,
  transport: string,
  result: string,
): Promise<number> {
  const line = new RegExp(
    `^turn_channels_transport_messages_total{transport="${transport}",result="${result}",connector="c"} (\\d+)$`,
    "m",
  );
  return Number(line.exec(await registry.text())?.[1] ?? NaN);
}

Deno.test("Transports counts what was sent and heard, from 0 on", async () => {
  const registry = new MetricsRegistry();
  const metrics = registry.channel("c");
  metrics.transports.sent("smpp", Date.now());
  metrics.transports.heard("smpp", "acked");
  metrics.transports.heard("smpp", "delivered");
  metrics.transports.heard("smpp", undefined);
  for (const result of ["sent", "acked", "delivered"]) {
    assert.equal(await counted(registry, "smpp", result), 1, result);
  }
  for (const result of ["nacked", "failed", "unknown", "silent"]) {
    assert.equal(await counted(registry, "smpp", result), 0, result);
  }
});

Deno.test("Transports counts as silent what nothing was heard of within an hour, once", async () => {
  const registry = new MetricsRegistry();
  const metrics = registry.channel("c");
  const { transports } = metrics;
  const now = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  // The whole of its minute is an hour ago; and of the other it will be in a while.
  const long = now - HOUR_MS - 2 * MINUTE_MS;
  const lately = now - HOUR_MS + MINUTE_MS;
  for (let n = 0; n < 5; n++) transports.sent("smpp", long + n);
  for (let n = 0; n < 5; n++) transports.sent("smpp", lately + n);
  transports.heardFirst("smpp", long);
  transports.heardFirst("smpp", lately);
  assert.equal(await counted(registry, "smpp", "silent"), 4);
  assert.equal(await counted(registry, "smpp", "silent"), 4);
  transports.sweep(now + 2 * MINUTE_MS);
  assert.equal(await counted(registry, "smpp", "silent"), 8);
});

Deno.test("Transports takes an event that is quicker than the broker's confirm", async () => {
  const registry = new MetricsRegistry();
  const metrics = registry.channel("c");
  metrics.transports.heardFirst("smpp", START);
  metrics.transports.sent("smpp", START);
  assert.equal(await counted(registry, "smpp", "silent"), 0);
});

Deno.test("Transports gives few transports a name of their own", async () => {
  const registry = new MetricsRegistry();
  const metrics = registry.channel("c");
  for (let n = 0; n < 50; n++) metrics.transports.sent(`transport ${n}`, START);
  assert.equal(await counted(registry, "transport 19", "sent"), 1);
  assert.equal(await counted(registry, "transport 20", "sent"), NaN);
  assert.equal(await counted(registry, "other", "sent"), 30);
  metrics.transports.sent("transport 19", START);
  assert.equal(await counted(registry, "transport 19", "sent"), 2);
});
