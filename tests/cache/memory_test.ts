import assert from "node:assert/strict";
import { MemoryStore, type MemoryStoreOptions } from "../../src/cache/memory.ts";
import { MessageCache, type MessageCacheOptions } from "../../src/cache/mod.ts";
import { messageCacheContract } from "./contract.ts";
import { note, remembered, rememberedOfSize } from "./samples.ts";

messageCacheContract({
  name: "MessageCache on a MemoryStore",
  open: (options) => Promise.resolve(open(options)),
});

function open(options: Omit<MessageCacheOptions, "store"> & MemoryStoreOptions): MessageCache {
  return new MessageCache({ ...options, store: new MemoryStore(options) });
}

const LIFETIMES = { inboundTtlMs: 60_000, outboundTtlMs: 60_000 };

async function found(ids: readonly string[], get: (id: string) => Promise<unknown>) {
  const kept = await Promise.all(ids.map(get));
  return ids.filter((_, index) => kept[index] !== undefined);
}

Deno.test("MemoryStore keeps the newest maxEntries messages of each kind", async () => {
  await using cache = open({ ...LIFETIMES, maxEntries: 3 });
  const ids = ["1", "2", "3", "4", "5"];
  for (const id of ids) {
    await cache.putInbound(remembered({ message_id: id, from_addr: id }));
    await cache.putOutbound(remembered({ message_id: id }));
  }
  assert.deepEqual(await found(ids, (id) => cache.getInbound(id)), ["3", "4", "5"]);
  assert.deepEqual(await found(ids, (id) => cache.getLastInbound(id)), ["3", "4", "5"]);
  assert.deepEqual(await found(ids, (id) => cache.getOutbound(id)), ["3", "4", "5"]);
});

Deno.test("MemoryStore keeps the newest maxSize characters of each kind", async () => {
  await using cache = open({ ...LIFETIMES, maxSize: 350_000 });
  const ids = ["1", "2", "3", "4", "5"];
  for (const id of ids) {
    await cache.putInbound({ ...rememberedOfSize(100_000, "x", id), from_addr: id });
    await cache.putOutbound(rememberedOfSize(100_000, "x", id));
  }
  assert.deepEqual(await found(ids, (id) => cache.getInbound(id)), ["3", "4", "5"]);
  assert.deepEqual(await found(ids, (id) => cache.getLastInbound(id)), ["3", "4", "5"]);
  assert.deepEqual(await found(ids, (id) => cache.getOutbound(id)), ["3", "4", "5"]);
});

Deno.test("MemoryStore counts ids and addresses as size", async () => {
  await using cache = open({ ...LIFETIMES, maxSize: 350_000 });
  // Each counts twice: within the message, and as its key.
  const ids = ["1", "2", "3"].map((digit) => digit.repeat(80_000));
  for (const id of ids) await cache.putOutbound(remembered({ message_id: id }));
  assert.deepEqual(await found(ids, (id) => cache.getOutbound(id)), ids.slice(1));
});

Deno.test("MemoryStore lets outbound messages push out no inbound ones", async () => {
  await using cache = open({ ...LIFETIMES, maxEntries: 3 });
  await cache.putInbound(remembered());
  for (const id of ["1", "2", "3", "4"]) await cache.putOutbound(remembered({ message_id: id }));
  assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
  assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "m1");
});

Deno.test("MemoryStore keeps 100,000 messages of a kind unless told otherwise", async () => {
  await using cache = open(LIFETIMES);
  for (let id = 0; id <= 100_000; id++) {
    await cache.putOutbound(remembered({ message_id: `${id}`, transport_metadata: {} }));
  }
  assert.equal(await cache.getOutbound("0"), undefined);
  assert.equal((await cache.getOutbound("1"))?.message_id, "1");
  assert.equal((await cache.getOutbound("100000"))?.message_id, "100000");
});

Deno.test("MemoryStore measures by the clock of the platform by default", async () => {
  await using lasting = open(LIFETIMES);
  await lasting.putOutbound(remembered());
  assert.equal((await lasting.getOutbound("m1"))?.message_id, "m1");

  await using fleeting = open({ inboundTtlMs: 1, outboundTtlMs: 1 });
  await fleeting.putOutbound(remembered());
  const deadline = Date.now() + 10_000;
  while (await fleeting.getOutbound("m1") !== undefined) assert.ok(Date.now() < deadline);
});

Deno.test("MemoryStore keeps the newest maxEntries notes of each kind", async () => {
  await using cache = open({ ...LIFETIMES, maxEntries: 3 });
  await cache.putNotes([note({ kind: "answer", id: "1" })]);
  const ids = ["1", "2", "3", "4", "5"];
  for (const id of ids) await cache.putNotes([note({ kind: "told", id })]);
  assert.deepEqual(await found(ids, (id) => cache.getNote("told", id)), ["3", "4", "5"]);
  assert.equal(await cache.getNote("answer", "1"), "delivered");
});

Deno.test("MemoryStore keeps what was read lately longer than what was not", async () => {
  await using cache = open({ ...LIFETIMES, maxEntries: 2 });
  const ids = ["1", "2", "3"];
  for (const id of ids.slice(0, 2)) await cache.putInbound(remembered({ message_id: id }));
  await cache.getInbound("1");
  await cache.putInbound(remembered({ message_id: "3" }));
  assert.deepEqual(await found(ids, (id) => cache.getInbound(id)), ["1", "3"]);
});
