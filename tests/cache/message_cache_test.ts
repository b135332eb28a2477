import assert from "node:assert/strict";
import { MemoryStore } from "../../src/cache/memory.ts";
import {
  CacheError,
  MessageCache,
  type MessageCacheOptions,
  UserAddresses,
} from "../../src/cache/mod.ts";
import { toRow } from "../../src/cache/remembered.ts";
import { type Metrics, MetricsRegistry } from "../../src/telemetry/mod.ts";
import { messageCacheContract } from "./contract.ts";
import { remembered } from "./samples.ts";

function channelMetrics(registry = new MetricsRegistry()): Metrics {
  return registry.channel("c");
}

messageCacheContract({
  name: "MessageCache that is metered",
  open: (options) =>
    Promise.resolve(open(channelMetrics(), { ...options, store: new MemoryStore(options) })),
});

function open(metrics: Metrics, options: Partial<MessageCacheOptions> = {}): MessageCache {
  const lifetimes = { inboundTtlMs: 1000, outboundTtlMs: 1000 };
  const cache = new MessageCache({ store: new MemoryStore(), ...lifetimes, ...options });
  cache.metrics = metrics;
  return cache;
}

async function lines(metrics: MetricsRegistry, name: string): Promise<string[]> {
  const text = await metrics.text();
  const found = [
    ...text.matchAll(new RegExp(`^turn_channels_cache_${name}{(.*),connector="c"} (\\d+)$`, "gm")),
  ];
  return found.map(([, labels, count]) => `${labels} ${count}`);
}

Deno.test("MessageCache counts hits and misses by kind", async () => {
  const metrics = new MetricsRegistry();
  await using cache = open(channelMetrics(metrics));
  await cache.putInbound(remembered({ message_id: "m1" }));
  await cache.getInbound("m1");
  await cache.getInbound("m1");
  await cache.getInbound("m2");
  await cache.getNote("told", "m1");
  assert.deepEqual(await lines(metrics, "reads_total"), [
    'kind="inbound",result="hit" 2',
    'kind="inbound",result="miss" 1',
    'kind="told",result="miss" 1',
  ]);
  assert.deepEqual(cache.entries(), { inbound: 1, last_inbound: 1, told: 0 });
});

Deno.test("MessageCache finds users for a while as earlier versions have kept them", async () => {
  const store = new MemoryStore();
  await store.commit([{
    type: "set",
    keys: [["last_inbound", "+27831234567"]],
    value: toRow(remembered()),
    ttlMs: 1e9,
  }]);
  let now = 0;
  await using cache = open(channelMetrics(), { store, now: () => now });
  assert.equal((await cache.getLastInbound("+27831234567"))?.message_id, "m1");
  now = 48 * 60 * 60_000;
  assert.equal(await cache.getLastInbound("+27831234567"), undefined);
});

Deno.test("MessageCache counts what fails, and lets it fail", async () => {
  const metrics = new MetricsRegistry();
  const cache = open(channelMetrics(metrics));
  await cache[Symbol.asyncDispose]();
  await assert.rejects(cache.putInbound(remembered()), CacheError);
  await assert.rejects(cache.getInbound("m1"), CacheError);
  await assert.rejects(cache.getNote("told", "m1"), CacheError);
  assert.deepEqual(await lines(metrics, "failures_total"), [
    'operation="read" 2',
    'operation="write" 1',
  ]);
});

Deno.test("MessageCache.status() is failing until what failed works again, used or probed", async () => {
  let refused: readonly string[] = [];
  const inner = new MemoryStore();
  const faulty = new Proxy(inner, {
    get(target, name) {
      if (refused.includes(String(name))) {
        return () => Promise.reject(new CacheError("Cannot use the cache"));
      }
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  let now = 1;
  await using cache = open(channelMetrics(), { store: faulty, now: () => now });
  const status = (failingSince?: number, lastFailure?: number) => (
    { failingSince, lastFailure, lasts: true }
  );
  assert.deepEqual(cache.status(), status());
  refused = ["commit"];
  await assert.rejects(cache.putInbound(remembered()), CacheError);
  await cache.getInbound("m1"); // What can be read is no sign that it can be written.
  now = 2;
  assert.deepEqual(cache.status(), status(1, 1));
  await cache.probe();
  assert.deepEqual(cache.status(), status(1, 2));
  refused = ["get"];
  await cache.putInbound(remembered());
  assert.deepEqual(cache.status(), status(undefined, 2));
  now = 3;
  await assert.rejects(cache.getNote("told", "m1"), CacheError);
  assert.deepEqual(cache.status(), status(3, 3));
  refused = [];
  await cache.getInbound("m1");
  assert.deepEqual(cache.status(), status(undefined, 3));
  refused = ["get", "commit"];
  await cache.probe();
  await assert.rejects(cache.putInbound(remembered()), CacheError);
  assert.deepEqual(cache.status(), status(3, 3));
  refused = [];
  await cache.probe();
  assert.deepEqual(cache.status(), status(undefined, 3));
});

/** As a channel of South Africa reads them. */
const SOUTH_AFRICA = new UserAddresses((address) =>
  /^0\d{9}$/.test(address) ? `27${address.slice(1)}` : undefined
);
const FORMS = ["0821234567", "082 123-4567", "+27821234567", "27821234567", "+27 82 123 4567"];

Deno.test("MessageCache knows a user by each form in which the number may be written", async () => {
  for (const form of FORMS) {
    await using cache = open(channelMetrics(), { addresses: SOUTH_AFRICA });
    await cache.putInbound(remembered({ message_id: "i", from_addr: form }));
    await cache.putOutbound(remembered({ message_id: "o", to_addr: form }));
    await cache.putRecords([{ kind: "prompt", id: form, value: "p", ttlMs: 1000 }]);
    for (const other of FORMS) {
      assert.equal((await cache.getLastInbound(other))?.message_id, "i", `${form} ${other}`);
      assert.equal((await cache.getLastOutbound(other))?.message_id, "o", `${form} ${other}`);
      assert.equal(await cache.getRecord("prompt", other), "p", `${form} ${other}`);
    }
    assert.equal(await cache.getLastInbound("8110"), undefined);
  }
});

Deno.test("MessageCache finds what it kept before national numbers were read, and nothing that was forgotten", async () => {
  const store = new MemoryStore();
  const user = "0821234567";
  const before = open(channelMetrics(), { store });
  await before.putInbound(remembered({ message_id: "i", from_addr: user }));
  await before.putOutbound(remembered({ message_id: "o", to_addr: user }));
  for (const kind of ["prompt", "pages"] as const) {
    await before.putRecords([{ kind, id: user, value: "old", ttlMs: 100_000 }]);
  }
  await using cache = open(channelMetrics(), { store, addresses: SOUTH_AFRICA });
  assert.equal((await cache.getLastInbound(user))?.message_id, "i");
  assert.equal((await cache.getLastOutbound(user))?.message_id, "o");
  assert.equal(await cache.getRecord("prompt", user), "old");
  await cache.putRecords([{ kind: "prompt", id: user, value: undefined, ttlMs: 1 }]);
  assert.equal(await cache.getRecord("prompt", user), undefined);
  await cache.putRecords([{ kind: "pages", id: user, value: "new", ttlMs: 1000 }]);
  assert.equal(await cache.getRecord("pages", "+27821234567"), "new");
  await cache.putInbound(remembered({ message_id: "i2", from_addr: user }));
  assert.equal((await cache.getLastInbound("27821234567"))?.message_id, "i2");
  assert.equal((await cache.getLastInbound(user))?.message_id, "i2");
});

Deno.test("MessageCache looks up a user of an international number once, with a country and without", async () => {
  for (const addresses of [new UserAddresses(), SOUTH_AFRICA]) {
    const metrics = new MetricsRegistry();
    await using cache = open(channelMetrics(metrics), { addresses });
    await cache.getRecord("turn", "+27821234567");
    await cache.getLastInbound("27821234567");
    assert.deepEqual(await lines(metrics, "reads_total"), [
      'kind="turn",result="miss" 1',
      'kind="last_inbound",result="miss" 1',
    ]);
  }
});
