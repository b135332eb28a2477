import assert from "node:assert/strict";
import { SYSTEM_CLOCK, WakeUp } from "../../src/bridge/wake_up.ts";
import { until } from "../support/until.ts";

/** An wakeUp, and how long after its making it went off. */
function ringing() {
  const begin = performance.now();
  const rung: number[] = [];
  const wakeUp = new WakeUp(() => void rung.push(performance.now() - begin), SYSTEM_CLOCK);
  return { rung, wakeUp };
}

Deno.test("WakeUp goes off once, after the shortest time it was set to", async () => {
  const { rung, wakeUp } = ringing();
  for (const ms of [60_000, 30, 50_000, 40_000]) wakeUp.set(ms);
  await until("it goes off", () => rung.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(rung.length, 1);
  assert.ok((rung[0] ?? 0) >= 29 && (rung[0] ?? 0) < 30_000, `${rung}`);
});

Deno.test("WakeUp can be set again, also by what it does", async () => {
  let left = 3;
  const again = (): void => void (--left > 0 && wakeUp.set(1));
  const wakeUp = new WakeUp(again, SYSTEM_CLOCK);
  wakeUp.set(1);
  await until("it has gone off three times", () => left === 0);
});

Deno.test("WakeUp that is cleared does not go off, until it is set again", async () => {
  const { rung, wakeUp } = ringing();
  wakeUp.set(1);
  wakeUp.clear();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(rung, []);
  wakeUp.set(1);
  await until("it goes off", () => rung.length === 1);
});
