/**
 * The caches of several channels: apart from each other, in one store.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openCaches } from "../../src/service/caches.ts";
import type { ChannelConfig } from "../../src/config/mod.ts";
import { testConfig } from "../support/bridge.ts";
import { startRedis } from "../support/redis.ts";
import { connect } from "../cache/redis_server.ts";
import { remembered } from "../cache/samples.ts";

const CONNECTORS = ["a", "b", "c"];

/** Three channels that remember like this. */
function channels(flags: Readonly<Record<string, string>>): Promise<ChannelConfig[]> {
  const amqp = { "amqp-url": "memory:" };
  return Promise.all(
    CONNECTORS.map((name) => testConfig(name, "http://127.0.0.1:9", { ...amqp, ...flags })),
  );
}

/** Each finds its own, and after all were closed and opened again what is kept. */
async function assertApart(flags: Readonly<Record<string, string>>, isKept: boolean) {
  const configs = await channels(flags);
  {
    await using opened = new AsyncDisposableStack();
    const caches = [...(await openCaches(configs, opened)).of.values()];
    assert.equal(caches.length, 3);
    for (const [index, cache] of caches.entries()) {
      await cache.putInbound(remembered({ message_id: "m", from_addr: `from ${index}` }));
    }
    for (const [index, cache] of caches.entries()) {
      assert.equal((await cache.getInbound("m"))?.from_addr, `from ${index}`);
    }
  }
  // Each by the connector's name, whatever others there are.
  for (const [index, config] of configs.entries()) {
    await using opened = new AsyncDisposableStack();
    const cache = (await openCaches([config], opened)).of.get(config) ?? assert.fail();
    const found = (await cache.getInbound("m"))?.from_addr;
    assert.equal(found, isKept ? `from ${index}` : undefined);
  }
}

Deno.test("channels are apart in memory", async () => {
  await assertApart({ "message-cache-class": "MemoryMessageCache" }, false);
});

Deno.test("channels are apart in one file", async () => {
  const folder = await Deno.makeTempDir();
  await assertApart({
    "message-cache-class": "DenoKvMessageCache",
    "message-cache-config-path": `${folder}/cache.kv`,
  }, true);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("channels are apart on one Redis, over one connection", async () => {
  await using server = await startRedis();
  const flags = {
    "message-cache-class": "RedisMessageCache",
    "message-cache-config-url": server.url,
  };
  await assertApart(flags, true);
  await using opened = new AsyncDisposableStack();
  await openCaches(await channels(flags), opened);
  await using redis = await connect(server.url);
  assert.match(await redis.info("clients"), /^connected_clients:2\r$/m);
});
