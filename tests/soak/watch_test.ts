import assert from "node:assert/strict";
import { mayBeLate } from "./watch.ts";

const OUTAGE = { from: 100, to: 200 };

function late(at: number, ...calls: readonly [status: number, endedAt: number][]): boolean {
  const all = calls.map(([status, endedAt]) => ({ id: "a", status, endedAt }));
  return mayBeLate([{ id: "a", at }], all, [OUTAGE])("a");
}

Deno.test("mayBeLate excuses what was on its way while Turn failed, and nothing else", () => {
  assert.equal(late(90, [503, 110], [200, 300]), true);
  assert.equal(late(150), true);
  assert.equal(late(90, [200, 95], [200, 300]), false);
  assert.equal(late(210, [200, 300]), false);
  assert.equal(mayBeLate([], [], [OUTAGE])("never put in"), false);
});
