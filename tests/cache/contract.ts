/**
 * What every {@linkcode MessageCache} must do: messages here, notes, records and counts in the files beside.
 *
 * @module
 */

import assert from "node:assert/strict";
import * as fc from "fast-check";
import { CacheError, userKey } from "../../src/cache/mod.ts";
import { type Adapter, Clock, type Open, START } from "./adapter.ts";
import { keepsNotes } from "./contract_notes.ts";
import { keepsRecords } from "./contract_records.ts";
import { listsOfUser } from "./contract_of_user.ts";
import { counts } from "./contract_tally.ts";
import { anyText, note, remembered, rememberedOfSize } from "./samples.ts";

const LIFETIMES = { inboundTtlMs: 60_000, outboundTtlMs: 90_000 };
const MIB = 1024 * 1024;

/** Registers the suite for one adapter; each adapter's test file calls it once. */
export function messageCacheContract(adapter: Adapter): void {
  const { name } = adapter;
  const open: Open = (clock = new Clock()) => {
    clock.drive(adapter);
    return adapter.open({ ...LIFETIMES, now: clock.now });
  };
  keepsMessages(name, open);
  forgetsInTime(name, open);
  takesAnything(name, open);
  keepsNotes(name, open);
  keepsRecords(name, open);
  listsOfUser(name, open);
  counts(name, open);
  closes(name, open);
}

function keepsMessages(name: string, open: Open): void {
  Deno.test(`${name} finds what was put, every field of it`, async () => {
    await using cache = await open();
    await cache.putInbound(remembered({ message_id: "in" }));
    await cache.putOutbound(remembered({ message_id: "out" }));
    assert.deepEqual(await cache.getInbound("in"), remembered({ message_id: "in" }));
    assert.deepEqual(await cache.getOutbound("out"), remembered({ message_id: "out" }));
  });

  Deno.test(`${name} keeps of a whole message neither what was written nor others' metadata`, async () => {
    await using cache = await open();
    const whole = {
      ...remembered(),
      content: "secret",
      helper_metadata: { of: "an application" },
      routing_metadata: { of: "a router" },
    };
    await cache.putInbound(whole);
    await cache.putOutbound(whole);
    assert.deepEqual(await cache.getInbound("m1"), remembered());
    assert.deepEqual(await cache.getOutbound("m1"), remembered());
  });

  Deno.test(`${name} finds what was put by a call that nobody waited for`, async () => {
    await using cache = await open();
    const puts = [
      cache.putOutbound(remembered()),
      cache.putNotes([note({ value: "old" })]),
      cache.putNotes([note({ value: "new" })]),
      cache.putInbound(rememberedOfSize(MIB, "x", "big")),
    ];
    assert.equal(await cache.getNote("told", "m1"), "new");
    assert.equal((await cache.getOutbound("m1"))?.message_id, "m1");
    assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "big");
    await Promise.all(puts);
  });

  Deno.test(`${name} answers undefined for what was never put`, async () => {
    await using cache = await open();
    assert.equal(await cache.getInbound("m1"), undefined);
    assert.equal(await cache.getLastInbound("+27831234567"), undefined);
    assert.equal(await cache.getOutbound("m1"), undefined);
    assert.equal(await cache.getLastOutbound("*120*8864#"), undefined);
  });

  Deno.test(`${name}: getLastInbound() finds each user's last put`, async () => {
    await using cache = await open();
    await cache.putInbound(remembered({ message_id: "a1", from_addr: "a" }));
    await cache.putInbound(remembered({ message_id: "b1", from_addr: "b" }));
    await cache.putInbound(remembered({ message_id: "a2", from_addr: "a" }));
    assert.equal((await cache.getLastInbound("a"))?.message_id, "a2");
    assert.equal((await cache.getLastInbound("b"))?.message_id, "b1");
    assert.equal((await cache.getInbound("a1"))?.message_id, "a1");
    assert.equal(await cache.getLastInbound("*120*8864#"), undefined);
  });

  Deno.test(`${name}: getLastInbound() finds what the user sent last, not what was put last`, async () => {
    await using cache = await open();
    const put = (message_id: string, second: number, from_addr = "a"): Promise<void> => {
      const timestamp = `2026-01-01 00:00:0${second}.000000`;
      return cache.putInbound(remembered({ message_id, from_addr, timestamp }));
    };
    const last = async (): Promise<string | undefined> =>
      (await cache.getLastInbound("a"))?.message_id;
    await put("a2", 2);
    await put("a1", 1);
    await put("b1", 9, "b");
    assert.equal(await last(), "a2");
    assert.equal((await cache.getInbound("a1"))?.message_id, "a1");
    // Of the same time it is the one put last.
    await put("a3", 2);
    assert.equal(await last(), "a3");
    await Promise.all([put("a5", 5), put("a4", 4), put("a7", 7), put("a6", 6), put("a0", 0)]);
    assert.equal(await last(), "a7");
    assert.equal((await cache.getInbound("a0"))?.message_id, "a0");
  });

  Deno.test(`${name}: getLastInbound() is not held up by a message from the future`, async () => {
    const clock = new Clock();
    await using cache = await open(clock);
    const put = (message_id: string, timestamp: string, seenAt?: number): Promise<void> =>
      cache.putInbound(remembered({ message_id, timestamp, from_addr: "a" }), [], seenAt);
    const last = async (): Promise<string | undefined> =>
      (await cache.getLastInbound("a"))?.message_id;
    await put("ahead", "2026-01-03 02:00:00.000000");
    assert.equal(await last(), "ahead");
    await put("older", "2026-01-02 23:59:59.999999");
    assert.equal(await last(), "ahead");
    await clock.to(1000);
    await put("right", "2026-01-03 00:00:01.000000");
    assert.equal(await last(), "right");
    await clock.to(3000);
    // Of the same clock, and tried again.
    await put("ahead", "2026-01-03 02:00:00.000000", START + 500);
    assert.equal(await last(), "right");
    // A little ahead is no matter.
    await put("soon", "2026-01-03 00:04:00.000000");
    await put("right", "2026-01-03 00:00:02.000000");
    assert.equal(await last(), "soon");
  });

  Deno.test(`${name} knows a user by the digits of the number`, async () => {
    await using cache = await open();
    await cache.putInbound(remembered({ message_id: "i1", from_addr: "+27 82-123 4567" }));
    await cache.putOutbound(remembered({ message_id: "o1", to_addr: "27821234567" }));
    for (const user of ["27821234567", "+27821234567", "+27 82 123-4567"]) {
      assert.equal((await cache.getLastInbound(user))?.from_addr, "+27 82-123 4567");
      assert.equal((await cache.getLastOutbound(user))?.to_addr, "27821234567");
    }
    assert.equal(await cache.getLastInbound("0821234567"), undefined);
    // What is no number is not touched.
    await cache.putInbound(remembered({ message_id: "i2", from_addr: "a-b +1" }));
    assert.equal((await cache.getLastInbound("a-b +1"))?.message_id, "i2");
    assert.equal(await cache.getLastInbound("ab1"), undefined);
  });

  Deno.test(`${name}: getLastInbound() finds the one put last of several side by side`, async () => {
    await using cache = await open();
    const sizes = [MIB, 500, 100_000, 600, MIB, 700];
    await Promise.all(
      sizes.map((size, index) => cache.putInbound(rememberedOfSize(size, "x", `m${index}`))),
    );
    assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "m5");
  });

  Deno.test(`${name}: getLastOutbound() finds the last put to each user`, async () => {
    await using cache = await open();
    await cache.putOutbound(remembered({ message_id: "a1", to_addr: "a" }));
    await cache.putOutbound(rememberedOfSize(MIB, "x", "big"));
    await cache.putOutbound(remembered({ message_id: "b1", to_addr: "b" }));
    await cache.putOutbound(remembered({ message_id: "a2", to_addr: "a" }));
    assert.equal((await cache.getLastOutbound("a"))?.message_id, "a2");
    assert.equal((await cache.getLastOutbound("b"))?.message_id, "b1");
    assert.equal((await cache.getLastOutbound("*120*8864#"))?.message_id, "big");
    assert.equal((await cache.getOutbound("a1"))?.message_id, "a1");
    assert.equal(await cache.getLastOutbound("+27831234567"), undefined);
    assert.equal(await cache.getLastInbound("a"), undefined);
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
    const clock = new Clock();
    await using cache = await open(clock);
    await cache.putInbound(remembered());
    await clock.justBefore(60_000);
    assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
    assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "m1");
    await clock.to(60_000);
    assert.equal(await cache.getInbound("m1"), undefined);
    assert.equal(await cache.getLastInbound("+27831234567"), undefined);
  });

  Deno.test(`${name} forgets outbound messages when their time is up, not before`, async () => {
    const clock = new Clock(1_767_000_000_000);
    await using cache = await open(clock);
    await cache.putOutbound(remembered());
    await clock.justBefore(90_000);
    assert.equal((await cache.getOutbound("m1"))?.message_id, "m1");
    await clock.to(90_000);
    assert.equal(await cache.getOutbound("m1"), undefined);
  });

  Deno.test(`${name} forgets large messages in time, too`, async () => {
    const clock = new Clock();
    await using cache = await open(clock);
    await cache.putOutbound(rememberedOfSize(MIB, "x"));
    await clock.justBefore(90_000);
    assert.equal((await cache.getOutbound("m1"))?.message_id, "m1");
    await clock.to(90_000);
    assert.equal(await cache.getOutbound("m1"), undefined);
  });

  Deno.test(`${name} begins a message's time anew when it is put again`, async () => {
    const clock = new Clock();
    await using cache = await open(clock);
    await cache.putInbound(remembered());
    await clock.to(30_000);
    await cache.putInbound(remembered());
    await clock.to(60_000);
    assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
    assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "m1");
    await clock.to(90_000);
    assert.equal(await cache.getInbound("m1"), undefined);
  });
}

function takesAnything(name: string, open: Open): void {
  Deno.test(`${name} tells any strings apart as ids and addresses`, async () => {
    await using cache = await open();
    const texts = fc.uniqueArray(anyText, { minLength: 2, maxLength: 12, selector: userKey });
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
    await assert.rejects(cache.getLastOutbound("+27831234567"), saysClosed);
    await assert.rejects(cache.putNotes([note()]), saysClosed);
    await assert.rejects(cache.getNote("told", "m1"), saysClosed);
    await assert.rejects(cache.deleteNote("told", "m1"), saysClosed);
    await assert.rejects(cache.tally([{ flow: "inbound", result: "in" }]), saysClosed);
    await assert.rejects(cache.tallied(), saysClosed);
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
