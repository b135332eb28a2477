import assert from "node:assert/strict";
import { Activity } from "../../src/service/activity.ts";

Deno.test("Activity knows what was done within a minute and an hour, and since when states are so", async () => {
  let now = 0;
  let done = 100;
  let state = "works";
  const metrics = { settled: () => done + 7, total: () => 7 };
  const channel = { name: "c", metrics };
  await using activity = new Activity([channel], () => ({ "turn c": state }), () => now);
  const look = (times: number, each: number): void => {
    for (let time = 0; time < times; time++) {
      now += 10_000;
      done += each;
      activity.look();
    }
  };
  assert.deepEqual(activity.rates(channel, "inbound"), { minute: 0, hour: 0 });
  look(3, 2);
  assert.deepEqual(activity.rates(channel, "inbound"), { minute: 6, hour: 6 });
  look(400, 1);
  state = "down";
  look(1, 1);
  look(10, 0);
  assert.deepEqual(activity.rates(channel, "inbound"), { minute: 0, hour: 349 });
  assert.equal(activity.since("turn c"), 4_040_000);
  done += 5;
  assert.deepEqual(activity.rates(channel, "inbound"), { minute: 5, hour: 354 });
});
