import assert from "node:assert/strict";
import { FirstOf, onAbort } from "../../src/async/mod.ts";

Deno.test("onAbort() runs once when the signal fires, at once if it has, and never if taken back", () => {
  const ran: string[] = [];
  const stop = new AbortController();
  onAbort(stop.signal, () => void ran.push("before"));
  onAbort(stop.signal, () => void ran.push("taken back"))();
  assert.equal(ran.length, 0);
  stop.abort();
  assert.equal(ran.join(), "before");
  onAbort(stop.signal, () => void ran.push("after"))();
  assert.equal(ran.join(), "before,after");
});

Deno.test("FirstOf fires with the first of its signals, at once if it has, and never when disposed of", () => {
  const [lost, stop] = [new AbortController(), new AbortController()];
  const left = new FirstOf(lost.signal, stop.signal);
  left[Symbol.dispose]();
  const end = new FirstOf(lost.signal, stop.signal);
  assert.equal(end.signal.aborted, false);
  stop.abort();
  assert.deepEqual([left.signal.aborted, end.signal.aborted], [false, true]);
  assert.equal(new FirstOf(lost.signal, stop.signal).signal.aborted, true);
});
