import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { KnownEntries } from "../../../src/cache/deno_kv/known_entries.ts";
import { commitWrites } from "../../../src/cache/deno_kv/write.ts";
import { CacheError, type MessageCache, TALLY_DAYS } from "../../../src/cache/mod.ts";
import { until } from "../../support/until.ts";
import { DAY, keysOf, newPath, openFile } from "../deno_kv_files.ts";
import { note, remembered, rememberedOfSize } from "../samples.ts";

const IN = { flow: "inbound", result: "in" };
const OUT = { flow: "outbound", result: "in" };

async function daysIn(path: string): Promise<string[]> {
  return (await keysOf(path, "tally")).map((key) => String(key[2]));
}

function openAt(path: string, now: () => number, namespace = "shared") {
  return openFile(path, namespace, { now });
}

Deno.test("DenoKvStore removes counts of days long past when it is opened", async () => {
  const path = newPath();
  const start = Date.parse("2026-01-01T12:00:00Z");
  for (const day of [0, 1]) {
    await using cache = await openAt(path, () => start + day * DAY);
    await cache.tally([IN, OUT]);
  }
  {
    await using other = await openAt(path, () => start, "other");
    await other.tally([IN]);
  }
  {
    await using _cache = await openAt(path, () => start + TALLY_DAYS * DAY);
  }
  assert.deepEqual(new Set(await daysIn(path)), new Set(["2026-01-01", "2026-01-02"]));
  {
    await using _cache = await openAt(path, () => start + (TALLY_DAYS + 1) * DAY);
  }
  assert.deepEqual(await daysIn(path), ["2026-01-02", "2026-01-02"]);
  await using other = await openAt(path, () => start, "other");
  assert.equal((await other.tallied()).length, 1);
});

Deno.test("DenoKvStore removes counts of days long past when the day changes", async () => {
  const path = newPath();
  let now = Date.parse("2026-01-01T23:59:59Z");
  await using cache = await openAt(path, () => now);
  await cache.tally([IN]);
  now += (TALLY_DAYS + 1) * DAY;
  await cache.putOutbound(remembered());
  await until("old counts to go", async () => (await daysIn(path)).length === 0);
  await cache.tally([IN]);
  now += DAY;
  await cache.tally([IN]);
  await cache[Symbol.asyncDispose]();
  assert.deepEqual(await daysIn(path), ["2026-02-01", "2026-02-02"]);
});

Deno.test("DenoKvStore adds up what several handles on a file count", async () => {
  const path = newPath();
  await using one = await openFile(path);
  await using other = await openFile(path);
  const count = async (cache: MessageCache) => {
    for (let round = 0; round < 200; round++) {
      await Promise.all([cache.tally([IN]), cache.putNotes([note()], [OUT])]);
    }
  };
  await Promise.all([count(one), count(other), count(one), count(other)]);
  assert.deepEqual((await one.tallied()).map(({ count }) => count), [800, 800]);
  assert.deepEqual(await other.tallied(), await one.tallied());
});

/** Opens the file as SQLite sees it; waits for its turn, as Deno KV writes to a new file late. */
function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec("pragma busy_timeout = 30000");
  return database;
}

/**
 * Makes the file refuse keys with this text in them, and roll back as SQLite does of itself when
 * the disk is full.
 */
function refuse(path: string, text: string): DatabaseSync {
  const database = openDatabase(path);
  database.exec(`
    create trigger full before insert on kv when instr(hex(new.k), hex('${text}')) > 0
    begin select raise(rollback, 'database or disk is full'); end
  `);
  return database;
}

Deno.test("DenoKvStore keeps nothing of a put whose count can't be kept", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  using database = refuse(path, "tally");
  await assert.rejects(cache.putInbound(remembered(), [IN]), CacheError);
  await assert.rejects(cache.putOutbound(rememberedOfSize(1_000_000, "x"), [IN]), CacheError);
  await assert.rejects(cache.putNotes([note(), note({ id: "m2" })], [IN]), CacheError);
  database.exec("drop trigger full");
  assert.equal(await cache.getInbound("m1"), undefined);
  assert.equal(await cache.getLastInbound("+27831234567"), undefined);
  assert.equal(await cache.getOutbound("m1"), undefined);
  assert.equal(await cache.getNote("told", "m1"), undefined);
});

Deno.test("DenoKvStore counts nothing with a put that can't be kept", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  using database = refuse(path, "last_inbound");
  // Of all sizes in which a part could fall to the last commit alone.
  for (const size of [500, 65_000, 779_000, 780_000, 781_000, 782_000, 783_000, 1_048_576]) {
    await assert.rejects(cache.putInbound(rememberedOfSize(size, "x"), [IN]), CacheError);
    assert.deepEqual(await cache.tallied(), []);
    assert.equal(await cache.getInbound("m1"), undefined);
  }
  database.exec("drop trigger full");
  await cache.putInbound(remembered(), [IN]);
  assert.equal((await cache.tallied())[0]?.count, 1);
});

Deno.test("DenoKvStore keeps none of the notes when one can't be kept", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  using database = refuse(path, "bad-note");
  const notes = ["1", "2", "bad-note", "3"].map((id) => note({ id }));
  await assert.rejects(cache.putNotes(notes, [IN]), CacheError);
  database.exec("drop trigger full");
  for (const { id } of notes) assert.equal(await cache.getNote("told", id), undefined);
  assert.deepEqual(await cache.tallied(), []);
});

Deno.test("DenoKvStore keeps within Deno KV's limits when much is counted", async () => {
  await using cache = await openFile(newPath(), "é".repeat(100));
  const words = Array.from({ length: 1200 }, (_, index) => `${index}`.padStart(32, "w"));
  await cache.tally(words.map((result) => ({ flow: "f".repeat(32), result })));
  await Promise.all(words.map((result) => cache.tally([{ flow: "f".repeat(32), result }])));
  const counts = await cache.tallied();
  assert.equal(counts.length, 1200);
  assert.ok(counts.every(({ count }) => count === 2));
});

Deno.test("commitWrites() makes one mutation of all sums of a key", async () => {
  using kv = await Deno.openKv(newPath());
  const one = (result: string): Deno.KvMutation => ({
    type: "sum",
    key: ["shared", "v2 tally", "2026-01-01", "inbound", result],
    value: new Deno.KvU64(1n),
  });
  // Deno KV takes no more than 1,000 mutations.
  const writes = Array.from({ length: 3000 }, (_, index) => one(index % 3 ? "a" : "b"));
  await commitWrites(kv, writes, new KnownEntries());
  const counts = await Array.fromAsync(kv.list({ prefix: ["shared"] }), ({ value }) => value);
  assert.deepEqual(counts, [new Deno.KvU64(2000n), new Deno.KvU64(1000n)]);
});

Deno.test("DenoKvStore goes on when old counts can't be removed", async () => {
  const path = newPath();
  const start = Date.parse("2026-01-01T12:00:00Z");
  let now = start;
  const cache = await openAt(path, () => now);
  await cache.tally([IN]);
  using database = openDatabase(path);
  database.exec(`
    create trigger stuck before delete on kv begin select raise(abort, 'disk I/O error'); end
  `);
  now += 40 * DAY;
  await cache.putOutbound(remembered());
  assert.equal((await cache.getOutbound("m1"))?.message_id, "m1");
  await cache[Symbol.asyncDispose]();
  assert.deepEqual(await daysIn(path), ["2026-01-01"]);
  database.exec("drop trigger stuck");
  await (await openAt(path, () => now))[Symbol.asyncDispose]();
  assert.deepEqual(await daysIn(path), []);
});

Deno.test("DenoKvStore keeps nothing of a put whose count is damaged in the file", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  await cache.tally([IN]);
  using kv = await Deno.openKv(path);
  for (const key of await keysOf(path, "tally")) await kv.set(key, "no number");
  await assert.rejects(cache.putInbound(remembered(), [IN]), CacheError);
  assert.equal(await cache.getInbound("m1"), undefined);
});
