/**
 * The file of a Deno KV cache on its disk: for its owner only, there when a command looks into it, and
 * noticed when it is taken away.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { DenoKvFile } from "../../../src/cache/deno_kv/deno_kv_file.ts";
import { DatabaseSync } from "node:sqlite";
import { cacheIn, newPath, openFile } from "../deno_kv_files.ts";
import { remembered } from "../samples.ts";

async function modes(path: string): Promise<readonly string[]> {
  const infos = await Promise.all(["", "-wal", "-shm"].map((end) => Deno.stat(path + end)));
  return infos.map(({ mode }) => ((mode ?? 0) & 0o777).toString(8));
}

Deno.test("DenoKvFile.open() makes a file that its owner alone can read", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  await cache.putInbound(remembered());
  assert.deepEqual(await modes(path), ["600", "600", "600"]);
});

Deno.test("DenoKvFile.open() closes a file to others that they could read, and what is beside it", async () => {
  const path = newPath();
  await using earlier = await openFile(path);
  await earlier.putInbound(remembered());
  // As an earlier version has left it, perhaps killed.
  for (const end of ["", "-wal", "-shm"]) await Deno.chmod(path + end, 0o644);
  await using cache = await openFile(path);
  assert.deepEqual(await modes(path), ["600", "600", "600"]);
  assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
});

Deno.test("DenoKvFile.open() leaves the mode of what is no file alone", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.chmod(folder, 0o755);
  await assert.rejects(openFile(folder), /the path is not a file/);
  assert.equal(((await Deno.stat(folder)).mode ?? 0) & 0o777, 0o755);
  await Deno.remove(folder);
});

Deno.test("DenoKvFile.open() refuses a file that can't be written", async () => {
  const path = newPath();
  await (await openFile(path))[Symbol.asyncDispose]();
  using database = new DatabaseSync(path);
  database.exec(`
    create trigger full before insert on kv
    begin select raise(abort, 'database or disk is full'); end
  `);
  await assert.rejects(
    openFile(path),
    /^CacheError: Cannot open the cache file .*: the disk is full/,
  );
});

Deno.test("DenoKvFile.openExisting() makes no file, and says where it has looked for one", async () => {
  const path = newPath();
  const told = new RegExp(`^CacheError: Cannot open the cache file ${path}: there is none; has`);
  await assert.rejects(DenoKvFile.openExisting(path), told);
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  const relative = `none-${crypto.randomUUID()}.kv`;
  await assert.rejects(
    DenoKvFile.openExisting(relative),
    new RegExp(`there is none, looked for at ${Deno.cwd()}/${relative}; give the whole path`),
  );
});

Deno.test("DenoKvFile.openExisting() finds what is in use, and leaves it as it is", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  await cache.putInbound(remembered());
  await Deno.chmod(path, 0o640);
  await using file = await DenoKvFile.openExisting(path);
  await using looking = cacheIn(file, "shared");
  assert.equal((await looking.getInbound("m1"))?.message_id, "m1");
  assert.equal((await modes(path))[0], "640");
});

/** What is logged as errors from now until disposed. */
async function recordErrors(): Promise<LogRecord[] & AsyncDisposable> {
  const records: LogRecord[] = [];
  await configure({
    sinks: { list: (record) => void records.push(record) },
    loggers: [
      { category: "turn-channels", sinks: ["list"], lowestLevel: "error" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  return Object.assign(records, { [Symbol.asyncDispose]: reset });
}

Deno.test("a cache says when its file was deleted or replaced while in use, once in the log", async () => {
  await using errors = await recordErrors();
  const path = newPath();
  await using cache = await openFile(path);
  const lasts = async () => {
    await cache.probe();
    return cache.status().lasts;
  };
  assert.equal(await lasts(), true);
  await Deno.rename(path, `${path}.away`);
  for (let look = 0; look < 3; look++) assert.equal(await lasts(), false);
  // Nothing is lost before the end.
  await cache.putInbound(remembered());
  assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
  assert.equal(cache.status().failingSince, undefined);
  await Deno.writeTextFile(path, "");
  assert.equal(await lasts(), false);
  assert.equal(errors.length, 1);
  assert.deepEqual(errors[0]?.properties, { path });
  await Deno.rename(`${path}.away`, path);
  assert.equal(await lasts(), true);
});
