import assert from "node:assert/strict";
import { onAbort } from "../../src/async/mod.ts";

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
