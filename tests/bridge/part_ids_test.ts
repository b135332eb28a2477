import assert from "node:assert/strict";
import {
  firstLateSmsId,
  firstSmsId,
  pageId,
  readPartId,
  smsId,
} from "../../src/bridge/part_ids.ts";
import { newId } from "../../src/vumi/mod.ts";

Deno.test("readPartId() reads what the others have made", () => {
  const id = newId();
  assert.deepEqual(readPartId(pageId(id, 2)), { of: id, kind: "page", nth: 2 });
  const first = firstSmsId(id);
  assert.deepEqual(readPartId(first), { of: first, kind: "sms", nth: 1 });
  assert.deepEqual(readPartId(smsId(first, 12)), { of: first, kind: "sms", nth: 12 });
  const late = firstLateSmsId(id);
  assert.deepEqual(readPartId(late), { of: id, kind: "sms", nth: 1 });
  assert.deepEqual(readPartId(smsId(late, 12)), { of: id, kind: "sms", nth: 12 });
});

Deno.test("readPartId() takes other ids for what they are", () => {
  const id = newId();
  for (const other of [id, "", "m1", `${id}-`, `${id}-p0`, `${id}-x1`, `x${id}-p1`, `${id}-p100`]) {
    assert.equal(readPartId(other), undefined, other);
  }
});
