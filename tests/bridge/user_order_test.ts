import assert from "node:assert/strict";
import fc from "fast-check";
import { UserOrder } from "../../src/bridge/user_order.ts";
import type { Disposition } from "../../src/vumi/mod.ts";
import { settle } from "./support.ts";

const DONE: Disposition = { kind: "done" };

/** Work that lasts until it is told how it ends, and tells when it has begun. */
function work(): {
  readonly work: () => Promise<Disposition>;
  readonly begun: () => boolean;
  readonly end: (disposition: Disposition) => void;
} {
  const { promise, resolve } = Promise.withResolvers<Disposition>();
  let hasBegun = false;
  return {
    work: () => {
      hasBegun = true;
      return promise;
    },
    begun: () => hasBegun,
    end: resolve,
  };
}

Deno.test("UserOrder.run() does one key's work in order, whatever each piece takes", async () => {
  await fc.assert(fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    const order = new UserOrder<number>();
    const log: string[] = [];
    for (let n = 0; n < 4; n++) {
      for (const key of ["a", "b"]) {
        void order.run(key, n, async () => {
          log.push(`${key}${n} begins`);
          await scheduler.schedule(Promise.resolve());
          log.push(`${key}${n} ends`);
          return DONE;
        });
      }
    }
    await scheduler.waitFor(order.run("a", 4, () => Promise.resolve(DONE)));
    await scheduler.waitFor(order.run("b", 4, () => Promise.resolve(DONE)));
    for (const key of ["a", "b"]) {
      const expected = [0, 1, 2, 3].flatMap((n) => [`${key}${n} begins`, `${key}${n} ends`]);
      assert.deepEqual(log.filter((line) => line.startsWith(key)), expected);
    }
  }));
});

Deno.test("UserOrder.run() does not let one key wait for another", async () => {
  const order = new UserOrder<string>();
  const first = work();
  const stuck = order.run("a", "", first.work);
  assert.deepEqual(await order.run("b", "", () => Promise.resolve(DONE)), DONE);
  first.end(DONE);
  await stuck;
});

Deno.test("UserOrder.run() tells how work ended, and goes on after a failure", async () => {
  const order = new UserOrder<string>();
  const failed = order.run("a", "", () => Promise.reject(new RangeError("no")));
  const after = order.run("a", "", () => Promise.resolve(DONE));
  await assert.rejects(failed, RangeError);
  assert.deepEqual(await after, DONE);
});

Deno.test("UserOrder.behind() has what waits, in order, until its work begins", async () => {
  const order = new UserOrder<string>();
  assert.deepEqual(order.behind("a"), []);
  const first = work(), second = work(), third = work();
  const ends = [
    order.run("a", "1", first.work),
    order.run("a", "2", second.work),
    order.run("a", "3", third.work),
  ];
  assert.deepEqual(order.behind("a"), ["2", "3"]);
  assert.deepEqual(order.behind("b"), []);
  first.end(DONE);
  await ends[0];
  await settle();
  assert.deepEqual(order.behind("a"), ["3"]);
  second.end({ kind: "park", reason: "" });
  await ends[1];
  await settle();
  assert.deepEqual(order.behind("a"), []);
  third.end(DONE);
  await ends[2];
});
