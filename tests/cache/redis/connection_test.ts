import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { CacheError, type MessageCache } from "../../../src/cache/mod.ts";
import { type RedisServer, redisUrl, startRedis } from "../../support/redis.ts";
import { TcpProxy } from "../../support/tcp_proxy.ts";
import { until } from "../../support/until.ts";
import { connect, newPrefix, openRedis } from "../redis_server.ts";
import { note, remembered, rememberedOfSize } from "../samples.ts";

const IN = { flow: "inbound", result: "in" };

/** All that is logged from now until disposed. */
async function recordLog(): Promise<LogRecord[] & AsyncDisposable> {
  const records: LogRecord[] = [];
  await configure({
    sinks: { list: (record) => void records.push(record) },
    loggers: [
      { category: "turn-channels", sinks: ["list"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  return Object.assign(records, { [Symbol.asyncDispose]: reset });
}

function told(records: readonly LogRecord[], level: string): string[] {
  const ofLevel = records.filter((record) => record.level === level);
  return ofLevel.map(({ rawMessage }) => String(rawMessage));
}

/** Asserts that everything that needs the server fails, and what is said of it. */
async function assertAway(cache: MessageCache, says: RegExp): Promise<void> {
  const uses = [
    () => cache.putInbound(remembered(), [IN]),
    () => cache.getInbound("m1"),
    () => cache.getLastInbound("a"),
    () => cache.putOutbound(remembered()),
    () => cache.getOutbound("m1"),
    () => cache.putNotes([note()], [IN]),
    () => cache.getNote("told", "m1"),
    () => cache.deleteNote("told", "m1"),
    () => cache.tally([IN]),
    () => cache.tallied(),
  ];
  for (const use of uses) {
    await assert.rejects(use, (error) => {
      assert.ok(error instanceof CacheError, String(error));
      assert.match(error.message, says);
      assert.equal(error.cause, undefined);
      return true;
    });
  }
}

/** Resolves when the cache works again. */
function recovered(cache: MessageCache): Promise<void> {
  return until("the cache to work", () => cache.tallied().then(() => true, () => false));
}

Deno.test("RedisConnection goes on after a restart of its server, and logs each change once", async () => {
  await using records = await recordLog();
  await using server = await startRedis();
  await using cache = await openRedis({ url: server.url });
  await cache.putInbound(remembered(), [IN]);
  await server.stop();
  await until("the loss to be noticed", () => told(records, "warning").length > 0);
  const reason = /^Cannot (read|write to) the cache on Redis at 127\.0\.0\.1:\d+: there is no conn/;
  await assertAway(cache, reason);
  await until("some attempts", () => told(records, "debug").length > 2);
  await assertAway(cache, /there is no connection: .*refused/i);
  await server.start();
  await recovered(cache);
  assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
  await cache.putNotes([note()], [IN]);
  assert.equal((await cache.tallied())[0]?.count, 2);
  const connected = "Connected to Redis at {host}";
  assert.deepEqual(told(records, "info"), [connected, connected]);
  assert.deepEqual(told(records, "warning"), ["Connection to Redis at {host} lost: {reason}"]);
});

Deno.test("RedisConnection fails what is under way when the connection is cut, and does it once", async () => {
  await using proxy = TcpProxy.start({ port: Number(new URL(redisUrl()).port) });
  await using cache = await openRedis({ url: `redis://127.0.0.1:${proxy.port}` });
  await cache.tally([IN]);
  proxy.stall();
  const puts = Array.from({ length: 50 }, () => cache.putNotes([note()], [IN]));
  const outcomes = Promise.allSettled([...puts, cache.getNote("told", "m1")]);
  proxy.cut();
  for (const outcome of await outcomes) {
    assert.ok(outcome.status === "rejected" && outcome.reason instanceof CacheError);
    assert.match(outcome.reason.message, /there is no connection/);
  }
  proxy.resume();
  await recovered(cache);
  await cache.tally([IN]);
  const [counted] = await cache.tallied();
  assert.equal(counted?.count, 2);
});

Deno.test("RedisConnection.open() does not need a server, and finds it later", async () => {
  await using records = await recordLog();
  await using server = await startRedis();
  await server.stop();
  await using cache = await openRedis({ url: server.url });
  await assertAway(cache, /there is no connection: .*refused/i);
  await server.start();
  await recovered(cache);
  await cache.putInbound(remembered());
  assert.deepEqual(told(records, "warning"), ["Cannot connect to Redis at {host}: {reason}"]);
  assert.deepEqual(told(records, "info"), ["Connected to Redis at {host}"]);
});

Deno.test("RedisConnection.open() does not wait for ever for a server that is silent", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `redis://127.0.0.1:${silent.addr.port}`;
  const cache = await openRedis({ url, timeoutMs: 60_000 });
  await assertAway(cache, /there is no connection: the server is not ready/);
  const closing = Date.now();
  await cache[Symbol.asyncDispose]();
  assert.ok(Date.now() - closing < 30_000, "closing waited for the answer");
});

/** Answers what ioredis asks when it connects, and then a bulk string's bytes one by one. */
async function trickle(listener: Deno.TcpListener): Promise<void> {
  const encoder = new TextEncoder();
  using socket = await listener.accept();
  const asked = new Uint8Array(10_000);
  let text = "";
  try {
    while (!text.includes("get\r\n")) {
      text = new TextDecoder().decode(asked.subarray(0, await socket.read(asked) ?? 0));
      if (text.includes("setname")) await socket.write(encoder.encode("+OK\r\n"));
      if (text.includes("info")) await socket.write(encoder.encode("$1\r\nx\r\n"));
    }
    await socket.write(encoder.encode("$100000\r\n"));
    while (true) {
      await socket.write(encoder.encode("x"));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } catch {
    // The other side is gone.
  }
}

Deno.test("RedisConnection limits the time for an answer that never comes to its end", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = trickle(listener);
  {
    const url = `redis://127.0.0.1:${listener.addr.port}`;
    await using cache = await openRedis({ url, timeoutMs: 500 });
    await assert.rejects(cache.getInbound("m1"), /no answer within 500 ms$/);
  }
  listener.close();
  await serving;
});

Deno.test("RedisConnection says nothing of a connection that it closes itself", async () => {
  await using records = await recordLog();
  await (await openRedis({ url: redisUrl() }))[Symbol.asyncDispose]();
  assert.deepEqual(told(records, "warning"), []);
  assert.equal(told(records, "info").length, 1);
});

Deno.test("RedisConnection limits the time of what a silent server is asked, and recovers", async () => {
  await using proxy = TcpProxy.start({ port: Number(new URL(redisUrl()).port) });
  const url = `redis://127.0.0.1:${proxy.port}`;
  await using cache = await openRedis({ url, timeoutMs: 300 });
  await cache.putInbound(remembered(), [IN]);
  proxy.stall();
  const started = Date.now();
  await assert.rejects(cache.putOutbound(rememberedOfSize(1_000_000, "x"), [IN]), CacheError);
  assert.ok(Date.now() - started >= 290, "it was given up at once");
  // Not as long as each would take in turn: nothing is sent to a server that is silent.
  for (let round = 0; round < 20; round++) {
    await assertAway(cache, /no answer within 300 ms|there is no connection/);
  }
  proxy.resume();
  await recovered(cache);
  assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
});

Deno.test("RedisConnection may be closed while its server is silent or away", async () => {
  await using proxy = TcpProxy.start({ port: Number(new URL(redisUrl()).port) });
  const url = `redis://127.0.0.1:${proxy.port}`;
  const silent = await openRedis({ url, timeoutMs: 300 });
  proxy.stall();
  const put = silent.putInbound(remembered());
  const refused = assert.rejects(put, CacheError);
  await silent[Symbol.asyncDispose]();
  await refused;
  proxy.resume();

  const away = await openRedis({ url });
  await proxy.refuse();
  proxy.cut();
  await until("the loss to be noticed", () => away.tallied().then(() => false, () => true));
  await away[Symbol.asyncDispose]();
});

/** What a server is told that is not to be written to any more, and what it says then. */
const DEMOTIONS: readonly (readonly [string, readonly (readonly string[])[], RegExp])[] = [
  ["has become a replica", [["replicaof", "127.0.0.1", "NEW"]], /: it is a replica/],
  [
    "has become a replica that has lost its primary",
    [["config", "set", "replica-serve-stale-data", "no"], ["replicaof", "127.0.0.1", "1"]],
    /: (MASTERDOWN|it is a replica)/,
  ],
  ["has lost its replicas", [["config", "set", "min-replicas-to-write", "1"]], /: NOREPLICAS/],
];

for (const [what, commands, says] of DEMOTIONS) {
  Deno.test(`RedisConnection finds the new primary behind its address when the old one ${what}`, async () => {
    await using records = await recordLog();
    await using old = await startRedis();
    await using next = await startRedis();
    await using proxy = TcpProxy.start({ port: old.port });
    await using cache = await openRedis({ url: `redis://127.0.0.1:${proxy.port}` });
    await cache.putInbound(remembered());
    await command(
      old,
      commands.map((words) => words.map((word) => word === "NEW" ? `${next.port}` : word)),
    );
    // Connections stay, as where a name leads to servers.
    proxy.redirect(next.port);
    const put = (id: string) => cache.putOutbound(remembered({ message_id: id }));
    // Many at a time, as in traffic.
    for (
      const { reason } of (await Promise.allSettled([..."123456789ABC"].map(put))).filter((one) =>
        one.status === "rejected"
      )
    ) {
      assert.ok(reason instanceof CacheError);
      assert.match(reason.message, says);
    }
    await until("the new one to be written to", () => put("m2").then(() => true, () => false));
    assert.equal((await cache.getOutbound("m2"))?.message_id, "m2");
    assert.equal(told(records, "warning").length, 1);
    assert.equal(told(records, "info").length, 2);
  });
}

async function command(
  server: RedisServer,
  commands: readonly (readonly string[])[],
): Promise<void> {
  await using redis = await connect(server.url);
  for (const [name = "", ...words] of commands) await redis.call(name, ...words);
}

Deno.test("RedisConnection does not take a replica for the cache, and says so", async () => {
  await using records = await recordLog();
  await using primary = await startRedis();
  await using replica = await startRedis("--replicaof", "127.0.0.1", `${primary.port}`);
  await using cache = await openRedis({ url: replica.url });
  await until("some attempts", () => told(records, "debug").length > 3);
  await assertAway(cache, /it is a replica, which takes no writes/);
  assert.deepEqual(told(records, "warning"), ["Cannot connect to Redis at {host}: {reason}"]);
  assert.deepEqual(told(records, "info"), []);
  await command(replica, [["replicaof", "no", "one"]]);
  await recovered(cache);
});

// With signs that an address has to escape, and that mean something in a log.
const PASSWORD = "sécr%t {host}";

Deno.test("RedisConnection says that its password is wrong or missing, and never the password", async () => {
  await using records = await recordLog();
  await using server = await startRedis("--requirepass", PASSWORD);
  const at = (credentials: string) => server.url.replace("//", `//${credentials}`);
  for (
    const [credentials, says] of [
      [":wr%C3%B6ng@", /there is no connection: Redis refused the user or the password$/],
      ["someone:wr%C3%B6ng@", /there is no connection: Redis refused the user or the password$/],
      ["", /there is no connection: Redis requires a password, and none is configured$/],
    ] as const
  ) {
    await using cache = await openRedis({ url: at(credentials) });
    await assertAway(cache, says);
  }
  await using cache = await openRedis({ url: at(`:${encodeURIComponent(PASSWORD)}@`) });
  await cache.putInbound(remembered());
  await server.stop();
  await until("the loss to be logged", () => told(records, "warning").length > 3);
  await assertAway(cache, /there is no connection/);
  assert.doesNotMatch(Deno.inspect(records, { depth: 9 }), /wr(ö|%C3%B6)ng|s(é|%C3%A9)cr/);
  assert.equal(told(records, "warning").length, 4);
});

Deno.test("RedisConnection connects as the user and to the database that its address names", async () => {
  await using server = await startRedis();
  await using redis = await connect(server.url);
  await redis.acl("SETUSER", "bridge", "on", ">p w", "~*", "+@all");
  const keyPrefix = newPrefix();
  const url = server.url.replace("//", "//bridge:p%20w@");
  await using cache = await openRedis({ url: `${url}/3`, keyPrefix });
  await cache.putOutbound(remembered());
  assert.match(String(await redis.client("LIST")), /name=turn-channels .* db=3 .* user=bridge /);
  assert.equal(await redis.exists(`${keyPrefix}outbound:m1`), 0);
  await redis.select(3);
  assert.equal(await redis.exists(`${keyPrefix}outbound:m1`), 1);
  await using other = await openRedis({ url: `${url}/999`, keyPrefix });
  await assertAway(other, /there is no connection: .*DB index is out of range/);
});

Deno.test("RedisStore keeps nothing, and counts nothing, when the server has no room", async () => {
  await using server = await startRedis();
  await using cache = await openRedis({ url: server.url });
  await cache.tally([IN]);
  await using redis = await connect(server.url);
  await redis.config("SET", "maxmemory", "1");
  await assert.rejects(cache.putInbound(remembered(), [IN]), (error) => {
    assert.ok(error instanceof CacheError);
    return /: OOM /.test(error.message);
  });
  await redis.config("SET", "maxmemory", "0");
  assert.equal(await cache.getInbound("m1"), undefined);
  assert.equal((await cache.tallied())[0]?.count, 1);
  await cache.putInbound(remembered(), [IN]);
  assert.equal((await cache.tallied())[0]?.count, 2);
});

Deno.test({
  name: "RedisConnection says which permission is missing",
  permissions: { net: false },
  fn: async () => {
    await using cache = await openRedis({ url: "redis://127.0.0.1:7" });
    await assertAway(cache, /no permission to reach 127\.0\.0\.1:7: it needs --allow-net=127/);
  },
});
