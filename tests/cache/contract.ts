/**
 * What every {@linkcode MessageCache} must do; each adapter's test file calls it once.
 *
 * @module
 */

import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  CacheError,
  type Lifetimes,
  type MessageCache,
  type Remembered,
} from "../../src/cache/mod.ts";

/** What the suite opens its caches with. */
export interface ContractOptions extends Lifetimes {
  /** The suite's own clock. */
  readonly now: () => number;
}

/** Opens an empty cache of the adapter. */
export type OpenCache = (options: ContractOptions) => Promise<MessageCache>;

/** A message as the cache is handed it. */
export function remembered(fields: Partial<Remembered> = {}): Remembered {
  return {
    message_id: "m1",
    to_addr: "*120*8864#",
    from_addr: "+27831234567",
    transport_name: "ussd_transport",
    transport_type: "ussd",
    message_version: "20110921",
    message_type: "user_message",
    timestamp: "2026-01-02 03:04:05.678901",
    in_reply_to: null,
    provider: "mtn",
    group: null,
    session_event: "new",
    transport_metadata: { session: { id: "s1", hops: [1, 2] } },
    to_addr_type: null,
    from_addr_type: "msisdn",
    ...fields,
  };
}

/** A message of exactly `size` bytes as JSON in UTF-8, filled with `letter`. */
export function rememberedOfSize(size: number, letter: string, id = "m1"): Remembered {
  const message = (filling: string) =>
    remembered({ message_id: id, transport_metadata: { filling } });
  return message(letter.repeat(size - JSON.stringify(message("")).length));
}

const LIFETIMES: Lifetimes = { inboundTtlMs: 60_000, outboundTtlMs: 90_000 };
const MIB = 1024 * 1024;

/** Registers the suite for one adapter. */
export function messageCacheContract(name: string, openAdapter: OpenCache): void {
  const open = (now = () => 0) => openAdapter({ ...LIFETIMES, now });
  keepsMessages(name, open);
  forgetsInTime(name, open);
  takesAnything(name, open);
  closes(name, open);
}

type Open = (now?: () => number) => Promise<MessageCache>;

function keepsMessages(name: string, open: Open): void {
  Deno.test(`${name} finds what was put, every field of it`, async () => {
    await using cache = await open();
    await cache.putInbound(remembered({ message_id: "in" }));
    await cache.putOutbound(remembered({ message_id: "out" }));
    assert.deepEqual(await cache.getInbound("in"), remembered({ message_id: "in" }));
    assert.deepEqual(await cache.getOutbound("out"), remembered({ message_id: "out" }));
  });

  Deno.test(`${name} answers undefined for what was never put`, async () => {
    await using cache = await open();
    assert.equal(await cache.getInbound("m1"), undefined);
    assert.equal(await cache.getLastInbound("+27831234567"), undefined);
    assert.equal(await cache.getOutbound("m1"), undefined);
  });

  Deno.test(`${name}.getLastInbound() finds each user's last put`, async () => {
    await using cache = await open();
    await cache.putInbound(remembered({ message_id: "a1", from_addr: "a" }));
    await cache.putInbound(remembered({ message_id: "b1", from_addr: "b" }));
    await cache.putInbound(remembered({ message_id: "a2", from_addr: "a" }));
    assert.equal((await cache.getLastInbound("a"))?.message_id, "a2");
    assert.equal((await cache.getLastInbound("b"))?.message_id, "b1");
    assert.equal((await cache.getInbound("a1"))?.message_id, "a1");
    assert.equal(await cache.getLastInbound("*120*8864#"), undefined);
  });

  Deno.test(`${name}.getLastInbound() finds the one put last of several side by side`, async () => {
    await using cache = await open();
    const sizes = [MIB, 500, 100_000, 600, MIB, 700];
    await Promise.all(
      sizes.map((size, index) => cache.putInbound(rememberedOfSize(size, "x", `m${index}`))),
    );
    assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "m5");
  });

  Deno.test(`${name} keeps the ids of inbound and outbound apart`, async () => {
    await using cache = await open();
    await cache.putInbound(remembered({ message_id: "x", group: "in" }));
    assert.equal(await cache.getOutbound("x"), undefined);
    await cache.putOutbound(remembered({ message_id: "x", group: "out" }));
    assert.equal((await cache.getInbound("x"))?.group, "in");
    assert.equal((await cache.getOutbound("x"))?.group, "out");
    assert.equal((await cache.getLastInbound("+27831234567"))?.group, "in");
  });

  Deno.test(`${name} keeps what it was given, whatever becomes of the caller's object`, async () => {
    await using cache = await open();
    const metadata: Record<string, unknown> = { of: "the put" };
    await cache.putInbound(remembered({ transport_metadata: metadata }));
    metadata["of"] = "the caller";
    const first = await cache.getInbound("m1");
    assert.deepEqual(first?.transport_metadata, { of: "the put" });
    first.transport_metadata["of"] = "the reader";
    assert.deepEqual((await cache.getInbound("m1"))?.transport_metadata, { of: "the put" });
  });
}

function forgetsInTime(name: string, open: Open): void {
  Deno.test(`${name} forgets inbound messages when their time is up, not before`, async () => {
    let now = 0;
    await using cache = await open(() => now);
    await cache.putInbound(remembered());
    now = 59_999;
    assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
    assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "m1");
    now = 60_000;
    assert.equal(await cache.getInbound("m1"), undefined);
    assert.equal(await cache.getLastInbound("+27831234567"), undefined);
  });

  Deno.test(`${name} forgets outbound messages when their time is up, not before`, async () => {
    let now = 1_767_000_000_000;
    await using cache = await open(() => now);
    await cache.putOutbound(remembered());
    now += 89_999;
    assert.equal((await cache.getOutbound("m1"))?.message_id, "m1");
    now += 1;
    assert.equal(await cache.getOutbound("m1"), undefined);
  });

  Deno.test(`${name} forgets large messages in time, too`, async () => {
    let now = 0;
    await using cache = await open(() => now);
    await cache.putOutbound(rememberedOfSize(MIB, "x"));
    now = 89_999;
    assert.equal((await cache.getOutbound("m1"))?.message_id, "m1");
    now = 90_000;
    assert.equal(await cache.getOutbound("m1"), undefined);
  });

  Deno.test(`${name} begins a message's time anew when it is put again`, async () => {
    let now = 0;
    await using cache = await open(() => now);
    await cache.putInbound(remembered());
    now = 30_000;
    await cache.putInbound(remembered());
    now = 60_000;
    assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
    assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "m1");
    now = 90_000;
    assert.equal(await cache.getInbound("m1"), undefined);
  });
}

/** Any sequence of UTF-16 code units, and those that stores stumble over. */
const anyText = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 80 })
    .map((units) => String.fromCharCode(...units)),
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.constantFrom("", " ", "\0", "\0\0", "__proto__", "constructor", "v1", "inbound", "chunk"),
  fc.constantFrom("\ud800", "\udc00", "\ud801", "\ufffd", "é", "e\u0301", "İ", "i"),
  fc.integer({ min: 60, max: 5000 }).map((length) => "9".repeat(length)),
  fc.integer({ min: 60, max: 5000 }).map((length) => "☎".repeat(length)),
);

function takesAnything(name: string, open: Open): void {
  Deno.test(`${name} tells any strings apart as ids and addresses`, async () => {
    await using cache = await open();
    const texts = fc.uniqueArray(anyText, { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(texts, async (ids) => {
        const message = (id: string) => remembered({ message_id: id, from_addr: id, group: id });
        await Promise.all(ids.map((id) => cache.putInbound(message(id))));
        await Promise.all(ids.map((id) => cache.putOutbound(message(id))));
        for (const id of ids) {
          assert.deepEqual(await cache.getInbound(id), message(id));
          assert.deepEqual(await cache.getLastInbound(id), message(id));
          assert.deepEqual(await cache.getOutbound(id), message(id));
        }
      }),
      { numRuns: 40 },
    );
  });

  Deno.test(`${name} keeps any metadata that is JSON`, async () => {
    await using cache = await open();
    const metadata = fc.dictionary(anyText, fc.jsonValue()).map((entries) =>
      JSON.parse(JSON.stringify(entries))
    );
    await fc.assert(
      fc.asyncProperty(metadata, async (transport_metadata) => {
        await cache.putOutbound(remembered({ transport_metadata }));
        assert.deepEqual(await cache.getOutbound("m1"), remembered({ transport_metadata }));
      }),
      { numRuns: 40 },
    );
  });

  Deno.test(`${name} keeps messages of 1 MiB`, async () => {
    await using cache = await open();
    const [inbound, outbound] = [rememberedOfSize(MIB, "i"), rememberedOfSize(MIB, "o")];
    await cache.putInbound(inbound);
    await cache.putOutbound(outbound);
    assert.deepEqual(await cache.getInbound("m1"), inbound);
    assert.deepEqual(await cache.getLastInbound("+27831234567"), inbound);
    assert.deepEqual(await cache.getOutbound("m1"), outbound);
  });

  Deno.test(`${name} finds the newest of larger and smaller messages with one id`, async () => {
    await using cache = await open();
    for (const [index, size] of [1000, MIB, 500, 70_000, 300_000, 140_000, 700].entries()) {
      const message = rememberedOfSize(size, `${index}`);
      await cache.putInbound(message);
      assert.deepEqual(await cache.getInbound("m1"), message);
      assert.deepEqual(await cache.getLastInbound("+27831234567"), message);
    }
  });

  Deno.test(`${name} finds one of several messages with one id while they are put`, async () => {
    await using cache = await open();
    const versions = [400_000, 900, 200_000, 900_000, 850_000].map((size, index) =>
      rememberedOfSize(size, `${index}`)
    );
    const known = new Set(versions.map((version) => JSON.stringify(version)));
    await cache.putInbound(versions[0] ?? remembered());
    let writing = true;
    const puts = Array.from({ length: 4 }, () => versions.map((one) => cache.putInbound(one)));
    const written = Promise.all(puts.flat()).then(() => writing = false);
    while (writing) {
      assert.ok(known.has(JSON.stringify(await cache.getInbound("m1"))));
      assert.ok(known.has(JSON.stringify(await cache.getLastInbound("+27831234567"))));
    }
    await written;
    assert.deepEqual(await cache.getInbound("m1"), versions.at(-1));
  });

  Deno.test(`${name} keeps 1,000 messages put side by side`, async () => {
    await using cache = await open();
    const ids = Array.from({ length: 1000 }, (_, index) => `id-${index}`);
    await Promise.all(
      ids.map((id) => cache.putInbound(remembered({ message_id: id, from_addr: id }))),
    );
    const found = await Promise.all(ids.map((id) => cache.getInbound(id)));
    assert.deepEqual(found.map((message) => message?.message_id), ids);
    const last = await Promise.all(ids.map((id) => cache.getLastInbound(id)));
    assert.deepEqual(last.map((message) => message?.message_id), ids);
  });
}

function closes(name: string, open: Open): void {
  Deno.test(`${name} throws a CacheError after it was closed`, async () => {
    const cache = await open();
    await cache.putInbound(remembered());
    const closing = cache[Symbol.asyncDispose]();
    await assert.rejects(cache.putInbound(remembered()), saysClosed);
    await closing;
    await assert.rejects(cache.putInbound(remembered()), saysClosed);
    await assert.rejects(cache.putOutbound(remembered()), saysClosed);
    await assert.rejects(cache.getInbound("m1"), saysClosed);
    await assert.rejects(cache.getLastInbound("+27831234567"), saysClosed);
    await assert.rejects(cache.getOutbound("m1"), saysClosed);
  });

  Deno.test(`${name} may be closed twice, also side by side`, async () => {
    const cache = await open();
    await Promise.all([cache[Symbol.asyncDispose](), cache[Symbol.asyncDispose]()]);
    await cache[Symbol.asyncDispose]();
  });
}

function saysClosed(error: unknown): boolean {
  return error instanceof CacheError && error.message.endsWith("it is closed");
}
