import assert from "node:assert/strict";
import { aborted, sleep } from "../../src/async/mod.ts";

Deno.test("sleep() resolves when the time is up, and listens to the signal no longer", async () => {
  const { signal } = new AbortController();
  const timers: (() => void)[] = [];
  let listeners = 0;
  const counted = new Proxy(signal, {
    get(target, key) {
      if (key === "addEventListener") listeners++;
      if (key === "removeEventListener") listeners--;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const slept = sleep(1000, counted, (ms, run) => {
    assert.equal(ms, 1000);
    timers.push(run);
    return () => {};
  });
  assert.equal(listeners, 1);
  for (const run of timers) run();
  await slept;
  assert.equal(listeners, 0);
});

Deno.test("sleep() resolves early when the signal fires, and at once if it has", async () => {
  const stop = new AbortController();
  const slept = sleep(60_000, stop.signal);
  stop.abort();
  await slept;
  await sleep(60_000, stop.signal);
});

Deno.test("aborted() resolves when the signal fires, or has fired before", async () => {
  const stop = new AbortController();
  const waiting = aborted(stop.signal);
  stop.abort();
  await waiting;
  await aborted(stop.signal);
});
