import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { checkDenoKv } from "../../../src/cache/deno_kv/check.ts";
import { explainKvError } from "../../../src/cache/deno_kv/fault.ts";
import { CacheError } from "../../../src/cache/mod.ts";
import { remembered, rememberedOfSize } from "../samples.ts";
import { directory, newPath, openFile } from "../deno_kv_files.ts";

Deno.test("DenoKvStore takes a large message with a part missing as absent", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  await cache.putInbound(rememberedOfSize(200_000, "x"));
  using kv = await Deno.openKv(path);
  const chunks = await Array.fromAsync(kv.list({ prefix: ["shared", "v2 chunk"] }));
  assert.equal(chunks.length, 4);
  await kv.delete(chunks[1]?.key ?? []);
  assert.equal(await cache.getInbound("m1"), undefined);
  assert.equal(await cache.getLastInbound("+27831234567"), undefined);
});

Deno.test("DenoKvStore takes a damaged entry as absent, and may write over it", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  using kv = await Deno.openKv(path);
  const bytes = (text: string) => new TextEncoder().encode(text);
  for (
    const damaged of [
      bytes("{"),
      bytes("null"),
      bytes("{}"),
      bytes('[9e15,{"id":{},"count":1}]'),
      bytes(""),
      "text",
      { a: 1 },
      7n,
    ]
  ) {
    await cache.putInbound(remembered());
    assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "m1");
    for await (const { key } of kv.list({ prefix: [] })) await kv.set(key, damaged);
    assert.equal(await cache.getInbound("m1"), undefined);
    assert.equal(await cache.getLastInbound("+27831234567"), undefined);
  }
});

Deno.test("DenoKvStore rejects what can't be committed, and tries anew later", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  const put = (id: string) => cache.putInbound(remembered({ message_id: id }));
  await put("before");
  // Pulls the table away from under it, as a failing disk would.
  using database = new DatabaseSync(path);
  database.exec("alter table kv rename to elsewhere");
  const failed = await Promise.allSettled(["1", "2", "3"].map(put));
  for (const outcome of failed) {
    assert.ok(outcome.status === "rejected" && outcome.reason instanceof CacheError);
    assert.ok(outcome.reason.message.startsWith(`Cannot write to the cache file ${path}: `));
    assert.match(String(outcome.reason.cause), /no such table/);
  }
  await assert.rejects(cache.getInbound("before"), (error) => {
    assert.ok(error instanceof CacheError);
    assert.ok(error.message.startsWith(`Cannot read the cache file ${path}: `));
    return error.cause instanceof Error;
  });
  database.exec("alter table elsewhere rename to kv");
  await put("after");
  assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "after");
  assert.equal((await cache.getInbound("before"))?.message_id, "before");
  assert.equal(await cache.getInbound("1"), undefined);
});

Deno.test("DenoKvStore keeps the earlier message when a large put fails half-way", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  await cache.putInbound(remembered());
  // Lets the first commit of the large put through, 12 of its 16 chunks, and not the second.
  using database = new DatabaseSync(path);
  database.exec(`
    create trigger full before insert on kv when (select count(*) from kv) >= 15
    begin select raise(abort, 'database or disk is full'); end
  `);
  await assert.rejects(cache.putInbound(rememberedOfSize(1_000_000, "x")), /the disk is full/);
  assert.ok((await kept(path)) > 2);
  assert.deepEqual(await cache.getInbound("m1"), remembered());
  assert.deepEqual(await cache.getLastInbound("+27831234567"), remembered());
});

/** How many keys are in the file. */
async function kept(path: string): Promise<number> {
  using kv = await Deno.openKv(path);
  return (await Array.fromAsync(kv.list({ prefix: [] }))).length;
}

/** Paths that can't be opened, by what is wrong, with what a person must be told. */
const BAD_PATHS: readonly (readonly [string, () => Promise<string>, RegExp])[] = [
  [
    "a missing directory",
    () => Promise.resolve(`${directory}/missing/cache.db`),
    /there is no directory .*missing; create it, as user \w+ \(\d+\)/,
  ],
  [
    "a directory",
    () => Promise.resolve(directory),
    /the path is not a file; choose another path/,
  ],
  ["an empty path", () => Promise.resolve(""), /cannot be empty/],
  ["a text file", writeText, /is not a Deno KV database, or it is damaged; move the file away/],
  [
    "a damaged database",
    damageDatabase,
    /is not a Deno KV database, or it is damaged; move the file away/,
  ],
];

async function writeText(): Promise<string> {
  const path = newPath();
  await Deno.writeTextFile(path, "This is no database. ".repeat(500));
  return path;
}

async function damageDatabase(): Promise<string> {
  const path = newPath();
  await using cache = await openFile(path);
  await cache.putInbound(rememberedOfSize(50_000, "x"));
  await cache[Symbol.asyncDispose]();
  const file = await Deno.readFile(path);
  // The first page has the schema; what it points to is gone.
  await Deno.writeFile(path, file.fill(0xa5, 4096));
  return path;
}

for (const [what, makePath, told] of BAD_PATHS) {
  Deno.test(`DenoKvFile.open() says what to do about ${what}`, async () => {
    const path = await makePath();
    await assert.rejects(openFile(path), (error) => {
      assert.ok(error instanceof CacheError);
      assert.ok(error.message.startsWith(`Cannot open the cache file ${path}: `), error.message);
      assert.match(error.message, told);
      return error.cause instanceof Error;
    });
  });

  Deno.test(`checkDenoKv() says what to do about ${what}`, async () => {
    const path = await makePath();
    const [use] = await checkDenoKv(path);
    assert.equal(use?.subject, `cache file ${path}`);
    assert.equal(use.ok, false);
    assert.match(`${use.detail}; ${use.fix}`, told);
  });
}

Deno.test({
  name: "DenoKvFile.open() and checkDenoKv() say which permissions are missing",
  permissions: { read: false, write: false },
  fn: async () => {
    const told = /started without the permission; start it with --allow-read and --allow-write/;
    await assert.rejects(openFile("/forbidden/cache.db"), (error) => {
      assert.ok(error instanceof CacheError);
      assert.match(error.message, told);
      return true;
    });
    const [use] = await checkDenoKv("/forbidden/cache.db");
    assert.equal(use?.ok, false);
    assert.match(`${use.detail}; ${use.fix}`, told);
  },
});

/** SQLite's words for what a test run as root can't bring about, with what a person must be told. */
const WORDS: readonly (readonly [string, RegExp])[] = [
  ["attempt to write a readonly database", /no right to write.*let this user write to the file/],
  ["database is locked", /another program keeps it locked; end that program/],
  ["database or disk is full", /the disk is full; make room/],
  ["disk I/O error", /^disk I\/O error; check the file and its disk$/],
];

for (const [words, told] of WORDS) {
  Deno.test(`explainKvError() says what to do about "${words}"`, () => {
    const { reason, fix } = explainKvError(new Error(words));
    assert.match(`${reason}; ${fix}`, told);
  });
}

Deno.test("checkDenoKv() leaves no file behind where there was none", async () => {
  const path = newPath();
  assert.deepEqual((await checkDenoKv(path))[0], {
    subject: `cache file ${path}`,
    ok: true,
    detail: "does not exist yet, can be created",
  });
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
});

Deno.test("checkDenoKv() leaves a cache as it was, also one in use", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  await cache.putInbound(remembered());
  assert.deepEqual((await checkDenoKv(path))[0], {
    subject: `cache file ${path}`,
    ok: true,
    detail: "can be read and written",
  });
  assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
  assert.equal(await kept(path), 2);
});

Deno.test("checkDenoKv() says how much room the disk has, and what it can't tell", async () => {
  const space = async (path: string) => (await checkDenoKv(path))[1];
  assert.match((await space(newPath()))?.detail ?? "", /^(only )?[\d.]+ GiB free$/);
  const unknown = await space("/nowhere/at/all/cache.kv");
  assert.deepEqual([unknown?.subject, unknown?.ok], ["disk of the cache", undefined]);
  assert.match(unknown?.detail ?? "", /^can't be determined: /);
});
