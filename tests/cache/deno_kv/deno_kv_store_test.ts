import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import type { MessageCache } from "../../../src/cache/mod.ts";
import { START } from "../adapter.ts";
import { messageCacheContract } from "../contract.ts";
import { DAY, directory, keysOf, newPath, openFile } from "../deno_kv_files.ts";
import { note, remembered, rememberedOfSize } from "../samples.ts";

messageCacheContract({
  name: "MessageCache on a DenoKvStore",
  open: (options) => openFile(newPath(), "ussd", options),
});

Deno.test("DenoKvStore finds what was put before it was closed and opened again", async () => {
  const path = newPath();
  const large = rememberedOfSize(500_000, "x", "large");
  {
    await using cache = await openFile(path);
    await cache.putInbound(remembered({ message_id: "in" }));
    await cache.putOutbound(large);
  }
  await using cache = await openFile(path);
  assert.equal((await cache.getInbound("in"))?.message_id, "in");
  assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "in");
  assert.deepEqual(await cache.getOutbound("large"), large);
});

const IN = { flow: "inbound", result: "in" };

/** As `remembered()` lies in a file. */
const ROW = '["m1","*120*8864#","+27831234567","ussd_transport","ussd",' +
  '"2026-01-02 03:04:05.678901",null,"mtn",null,"new",{"session":{"id":"s1","hops":[1,2]}}]';

Deno.test("DenoKvStore writes what earlier versions read, and reads what they wrote", async () => {
  const path = newPath();
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
  await using cache = await openFile(path, "shared", { now: () => START });
  await cache.putInbound(remembered(), [IN]);
  await cache.putNotes([note({ kind: "delayed_list", id: "é", value: 'a"b', ttlMs: DAY })]);
  using kv = await Deno.openKv(path);
  const written = await Array.fromAsync(kv.list({ prefix: [] }), ({ key, value }) => [
    key.map((part) =>
      part instanceof Uint8Array ? Buffer.from(part).toString("hex").slice(0, 8) : part
    ).join(" "),
    value instanceof Uint8Array ? decoder.decode(value) : value,
  ]);
  assert.deepEqual(written, [
    ["shared v2 delayed 63e3c807 delayed_list", `[${DAY + START},"a\\"b"]`],
    ["shared v2 in m1 inbound", `[${DAY + START},${ROW}]`],
    ["shared v2 tally 2026-01-03 inbound in", new Deno.KvU64(1n)],
    ["shared v2 user 27831234567 last_inbound", `[${DAY + START},${ROW}]`],
  ]);

  const parts = [`[9000000000000000,${ROW.slice(0, 40)}`, `${ROW.slice(40)}]`];
  for (const [index, part] of parts.entries()) {
    await kv.set(["shared", "v2 chunk", "of this", index], encoder.encode(part));
  }
  const head = '[9000000000000000,{"id":"of this","count":2}]';
  await kv.set(["shared", "v2 out", "m1", "outbound"], encoder.encode(head));
  await kv.set(["shared", "v2 out", "m1", "told"], encoder.encode('[9e15,"read"]'));
  assert.deepEqual(await cache.getOutbound("m1"), remembered());
  assert.equal(await cache.getNote("told", "m1"), "read");
});

Deno.test("DenoKvStore, closing, waits for puts under way and queued", async () => {
  const path = newPath();
  const ids = Array.from({ length: 300 }, (_, index) => `${index}`);
  const closing = await openFile(path);
  const puts = ids.map((id) => closing.putOutbound(remembered({ message_id: id })));
  await closing[Symbol.asyncDispose]();
  await Promise.all(puts);
  await using cache = await openFile(path);
  for (const id of ids) assert.equal((await cache.getOutbound(id))?.message_id, id);
});

/** What is counted in all. */
async function countIn(cache: MessageCache): Promise<number> {
  return (await cache.tallied()).reduce((sum, { count }) => sum + count, 0);
}

/** A process of deno_kv_child.ts, killed when disposed. */
function startWriter(path: string, prefix: string) {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      `--allow-read=${directory}`,
      `--allow-write=${path}`,
      new URL("../deno_kv_child.ts", import.meta.url).pathname,
      path,
      prefix,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const printed = process.stdout.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  let output = "";
  const read = async () => {
    const { done, value } = await printed.next();
    output += value ?? "";
    return !done;
  };
  return {
    /** Waits until at least so many puts were acknowledged, and returns their ids. */
    async acknowledged(count: number): Promise<string[]> {
      while (output.split("\n").length <= count) assert.ok(await read(), "the writer died");
      return output.split("\n").slice(0, -1);
    },
    /** Kills it, and returns the ids of all puts that it saw acknowledged. */
    async kill(): Promise<string[]> {
      process.kill("SIGKILL");
      const { signal } = await process.status;
      assert.equal(signal, "SIGKILL");
      while (await read());
      return output.split("\n").slice(0, -1);
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

Deno.test("DenoKvStore loses no put that resolved when its process is killed", async () => {
  const path = newPath();
  await using writer = startWriter(path, "child");
  await writer.acknowledged(500);
  const ids = await writer.kill();
  assert.ok(ids.length >= 500);
  await using cache = await openFile(path);
  for (const id of ids) {
    assert.equal((await cache.getInbound(id))?.message_id, id);
    assert.equal((await cache.getLastInbound(id))?.message_id, id);
  }
  assert.equal(await countIn(cache), (await keysOf(path, "in")).length);
});

Deno.test("DenoKvStore shares its file with other processes", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  await using writer = startWriter(path, "child");
  const theirs = await writer.acknowledged(50);
  for (let count = 0; count < 50; count++) {
    await cache.putInbound(remembered({ message_id: `ours-${count}`, from_addr: "ours" }), [IN]);
  }
  for (const id of theirs) assert.equal((await cache.getInbound(id))?.message_id, id);
  await writer.acknowledged(theirs.length + 50);
  await writer.kill();
  for (let count = 0; count < 50; count++) {
    assert.equal((await cache.getInbound(`ours-${count}`))?.message_id, `ours-${count}`);
  }
  assert.equal(await countIn(cache), (await keysOf(path, "in")).length);
});

Deno.test("DenoKvStore shares its file with other handles", async () => {
  const path = newPath();
  await using one = await openFile(path);
  await using other = await openFile(path);
  await one.putInbound(remembered({ message_id: "1" }));
  assert.equal((await other.getLastInbound("+27831234567"))?.message_id, "1");
  await other.putInbound(remembered({ message_id: "2" }));
  assert.equal((await one.getLastInbound("+27831234567"))?.message_id, "2");
});

Deno.test("DenoKvStore keeps namespaces apart, whatever they are called", async () => {
  const path = newPath();
  const names = ["ussd", "sms", "", "v1", "\ud800", "\udc00", "é".repeat(3000), "é".repeat(3001)];
  await using stack = new AsyncDisposableStack();
  const caches: MessageCache[] = [];
  for (const name of names) caches.push(stack.use(await openFile(path, name)));
  for (const [index, cache] of caches.entries()) {
    assert.equal(await cache.getInbound("m1"), undefined);
    assert.equal(await cache.getLastInbound("+27831234567"), undefined);
    await cache.putInbound(remembered({ group: `${index}` }));
  }
  for (const [index, cache] of caches.entries()) {
    assert.equal((await cache.getInbound("m1"))?.group, `${index}`);
    assert.equal((await cache.getLastInbound("+27831234567"))?.group, `${index}`);
  }
});

Deno.test("DenoKvStore keeps within Deno KV's limits a commit", async () => {
  await using cache = await openFile(newPath(), "n".repeat(64));
  const text = (length: number) => (_: unknown, index: number) => `${index}`.padStart(length, "0");
  const many = Array.from({ length: 1500 }, text(32));
  const long = Array.from({ length: 1500 }, text(64));
  const hashed = Array.from({ length: 1500 }, text(400));
  const ids = [...many, ...long, ...hashed];
  await Promise.all(
    ids.map((id) => cache.putInbound(remembered({ message_id: id, from_addr: id }))),
  );
  for (const id of ids) assert.equal((await cache.getLastInbound(id))?.message_id, id);

  const large = Array.from({ length: 60 }, (_, index) => `large-${index}`);
  const sizes = [60_000, 500, 64_000, 900_000, 200_000];
  const size = (index: number) => sizes[index % sizes.length] ?? 0;
  await Promise.all(
    large.map((id, index) => cache.putInbound(rememberedOfSize(size(index), "x", id))),
  );
  for (const [index, id] of large.entries()) {
    assert.equal(JSON.stringify(await cache.getInbound(id)).length, size(index));
  }
});

Deno.test("DenoKvStore keeps messages of any size about that of whole values", async () => {
  await using cache = await openFile(newPath());
  const around = (size: number) => Array.from({ length: 80 }, (_, index) => size - 60 + index);
  const sizes = [65_000, 65_536, 130_000].flatMap(around);
  await Promise.all(
    sizes.map((size) => cache.putOutbound(rememberedOfSize(size, "x", `${size}`))),
  );
  for (const size of sizes) {
    assert.deepEqual(await cache.getOutbound(`${size}`), rememberedOfSize(size, "x", `${size}`));
  }
});

Deno.test("DenoKvStore: getLastInbound() needs no second look-up", async () => {
  const path = newPath();
  await using cache = await openFile(path);
  await cache.putInbound(remembered());
  using kv = await Deno.openKv(path);
  for await (const { key } of kv.list({ prefix: [] })) {
    if (key.at(-1) === "inbound") await kv.delete(key);
  }
  assert.equal(await cache.getInbound("m1"), undefined);
  assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "m1");
});

Deno.test("DenoKvStore has all it keeps swept by Deno KV in time", async () => {
  const path = newPath();
  const before = Date.now();
  await using cache = await openFile(path, "shared", { outboundTtlMs: 2 * DAY });
  await cache.putInbound(remembered());
  const inserted = Date.now();
  using database = new DatabaseSync(path);
  const [range] = expirations(database);
  assert.equal(range?.entries, 2);
  assert.ok(range.first >= before + DAY && range.last <= inserted + DAY);
  await cache.putOutbound(rememberedOfSize(1_000_000, "x"));
  const [all] = expirations(database);
  assert.equal(all?.entries, 2 + 16 + 2);
  assert.ok(all.last >= before + 2 * DAY && all.last <= Date.now() + 2 * DAY);
});

function expirations(database: DatabaseSync) {
  return database.prepare(`
    select min(expiration_ms) as first, max(expiration_ms) as last, count(expiration_ms) as entries
    from kv
  `).all() as { first: number; last: number; entries: number }[]; // The columns just named.
}
