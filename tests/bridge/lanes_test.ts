import assert from "node:assert/strict";
import fc from "fast-check";
import { Lanes } from "../../src/bridge/lanes.ts";

Deno.test("Lanes.run() does one key's work in order, whatever each piece takes", async () => {
  await fc.assert(fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    const lanes = new Lanes();
    const log: string[] = [];
    for (let n = 0; n < 4; n++) {
      for (const key of ["a", "b"]) {
        void lanes.run(key, async () => {
          log.push(`${key}${n} begins`);
          await scheduler.schedule(Promise.resolve());
          log.push(`${key}${n} ends`);
        });
      }
    }
    await scheduler.waitFor(lanes.run("a", () => Promise.resolve()));
    await scheduler.waitFor(lanes.run("b", () => Promise.resolve()));
    for (const key of ["a", "b"]) {
      const expected = [0, 1, 2, 3].flatMap((n) => [`${key}${n} begins`, `${key}${n} ends`]);
      assert.deepEqual(log.filter((line) => line.startsWith(key)), expected);
    }
  }));
});

Deno.test("Lanes.run() does not let one key wait for another", async () => {
  const lanes = new Lanes();
  const { promise: never, resolve: release } = Promise.withResolvers<void>();
  const stuck = lanes.run("a", () => never);
  assert.equal(await lanes.run("b", () => Promise.resolve("through")), "through");
  release();
  await stuck;
});

Deno.test("Lanes.run() tells how work ended, and goes on after a failure", async () => {
  const lanes = new Lanes();
  const failed = lanes.run("a", () => Promise.reject(new RangeError("no")));
  const after = lanes.run("a", () => Promise.resolve("yes"));
  await assert.rejects(failed, RangeError);
  assert.equal(await after, "yes");
});
