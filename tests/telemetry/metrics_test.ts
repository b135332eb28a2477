import assert from "node:assert/strict";
import { Metrics } from "../../src/telemetry/mod.ts";

Deno.test("Metrics.count() adds up by flow and result", async () => {
  const metrics = new Metrics();
  metrics.count("inbound", "delivered");
  metrics.count("inbound", "delivered");
  metrics.count("status", "skipped");
  const text = await metrics.text();
  assert.match(text, /^turn_channels_messages_total{flow="inbound",result="delivered"} 2$/m);
  assert.match(text, /^turn_channels_messages_total{flow="status",result="skipped"} 1$/m);
});
