import assert from "node:assert/strict";
import { healthReport } from "../../src/service/health.ts";

Deno.test("healthReport() is ok when all components are", () => {
  const components = { amqp: { health: "ok", state: "open" }, cache: { health: "ok" } } as const;
  assert.deepEqual(healthReport(components), { health: "ok", components });
});

Deno.test("healthReport() is down when one component is", () => {
  const components = {
    amqp: { health: "down", state: "closed" },
    cache: { health: "ok" },
  } as const;
  assert.deepEqual(healthReport(components), { health: "down", components });
});

Deno.test("healthReport() is ok when a component is degraded, which says so itself", () => {
  const components = { amqp: { health: "ok" }, turn: { health: "degraded" } } as const;
  assert.deepEqual(healthReport(components), { health: "ok", components });
});
