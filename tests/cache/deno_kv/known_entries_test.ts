/**
 * What is known of guarded keys, by which a read less is made, is never taken for more than it is: another
 * program may have changed, or Deno KV have swept, what lies there.
 *
 * @module
 */

import assert from "node:assert/strict";
import { KnownEntries } from "../../../src/cache/deno_kv/known_entries.ts";
import { commitWrites, type KvWrite } from "../../../src/cache/deno_kv/write.ts";
import type { MessageCache } from "../../../src/cache/mod.ts";
import { newPath, openFile } from "../deno_kv_files.ts";
import { note, remembered } from "../samples.ts";

const USER = "+27831234567";

function put(cache: MessageCache, place: number): Promise<void> {
  const timestamp = `2026-01-01 00:00:00.00000${place}`;
  return cache.putInbound(remembered({ message_id: `${place}`, from_addr: USER, timestamp }));
}

async function last(cache: MessageCache): Promise<string | undefined> {
  return (await cache.getLastInbound(USER))?.message_id;
}

Deno.test("a store that knows an earlier one leaves the later one of another program alone", async () => {
  const path = newPath();
  await using one = await openFile(path);
  await using other = await openFile(path);
  await put(one, 2);
  await put(other, 8);
  await put(one, 5);
  assert.deepEqual([await last(one), await last(other)], ["8", "8"]);
  await put(one, 9);
  await put(other, 8);
  assert.deepEqual([await last(one), await last(other)], ["9", "9"]);
});

Deno.test("a store that knows what is swept writes an earlier one", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  await put(cache, 8);
  using kv = await Deno.openKv(path);
  for await (const { key } of kv.list({ prefix: [] })) {
    if (key.at(-1) === "last_inbound") await kv.delete(key);
  }
  await put(cache, 3);
  assert.equal(await last(cache), "3");
});

Deno.test("a claim is free again when it was deleted, here or by another program", async () => {
  const path = newPath();
  await using one = await openFile(path);
  await using other = await openFile(path);
  const claim = (cache: MessageCache, value: string) => cache.claimNote(note({ id: "x", value }));
  assert.equal(await claim(one, "a"), "a");
  assert.equal(await claim(other, "b"), "a");
  await one.deleteNote(note().kind, "x");
  assert.equal(await claim(one, "c"), "c");
  await other.deleteNote(note().kind, "x");
  assert.equal(await claim(one, "d"), "d");
  assert.equal(await claim(other, "e"), "d");
});

Deno.test("commitWrites() reads what it does not know, once, and what was changed again", async () => {
  using kv = await Deno.openKv(newPath());
  const reads: string[] = [];
  const getMany = kv.getMany.bind(kv);
  kv.getMany = (keys: readonly unknown[]) => {
    reads.push(keys.join());
    return getMany(keys as Deno.KvKey[]) as never;
  };
  const known = new KnownEntries();
  const seen: unknown[] = [];
  const write = (value: string, isLeft = false): KvWrite => ({
    type: "set",
    key: ["a"],
    value,
    isLeft: (kept) => {
      seen.push(kept);
      return Promise.resolve(isLeft);
    },
  });
  await commitWrites(kv, [write("1")], known);
  await commitWrites(kv, [write("2"), write("3")], known);
  await commitWrites(kv, [write("4", true)], known);
  assert.deepEqual([reads, seen], [["a"], [null, "1", "2", "3"]]);
  await commitWrites(kv, [{ type: "delete", key: ["a"] }], known);
  await commitWrites(kv, [write("5")], known);
  assert.deepEqual([reads, seen.slice(4)], [["a", "a"], [null]]);
  await kv.set(["a"], "another's");
  await commitWrites(kv, [write("6")], known);
  assert.deepEqual([reads, seen.slice(5)], [["a", "a", "a"], ["5", "another's"]]);
  assert.equal((await kv.get(["a"])).value, "6");
});

Deno.test("commitWrites() reads any number of keys that it does not know", async () => {
  using kv = await Deno.openKv(newPath());
  const seen: unknown[] = [];
  const writes = Array.from({ length: 95 }, (_, index): KvWrite => ({
    type: "set",
    key: [index],
    value: index,
    isLeft: (kept) => {
      seen.push(kept);
      return Promise.resolve(false);
    },
  }));
  await commitWrites(kv, writes, new KnownEntries());
  await commitWrites(kv, writes, new KnownEntries());
  assert.deepEqual(seen.slice(95), writes.map((_, index) => index));
});

Deno.test("KnownEntries forgets what was set longest ago above its limit", () => {
  const known = new KnownEntries();
  const entry = { key: ["x"], value: "x", versionstamp: "1" };
  for (let index = 0; index < 5_000; index++) known.set(`${index}`, entry);
  known.set("0", entry);
  known.set("one more", entry);
  assert.deepEqual(["0", "1", "2", "one more"].map((name) => known.get(name) === entry), [
    ...[true, false, true, true],
  ]);
});
