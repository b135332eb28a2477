/**
 * A cache behind Sentinels, on Redis and on Valkey: failovers that they make, and what is said when they
 * can't be asked.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CacheError, type MessageCache } from "../../../src/cache/mod.ts";
import { RedisConnection } from "../../../src/cache/redis/connection.ts";
import { Authority, missingOpenssl } from "../../support/certificates.ts";
import { freePort } from "../../support/free_port.ts";
import { Program } from "../../support/program.ts";
import { startServer } from "../../support/redis.ts";
import { ask, freeze, Sentinels, serverPrograms, startSentinel } from "../../support/sentinels.ts";
import { until } from "../../support/until.ts";
import { withOwner } from "../adapter.ts";
import { cacheOn, newPrefix } from "../redis_server.ts";
import { note, remembered } from "../samples.ts";

/** ioredis lets the limit of time for a Sentinel run on, for a second, when that could not be reached. */
const WITH_TIMERS = { sanitizeOps: false, sanitizeResources: false };

/** As the bridge has it: with a limit of time in which a server that says nothing is given up. */
async function open(url: string, password?: string): Promise<MessageCache> {
  const connection = await RedisConnection.open({ url, timeoutMs: 1000, sentinel: { password } });
  return withOwner(cacheOn(connection, newPrefix()), connection);
}

/** Resolves when it can be written again, with another value. */
function written(cache: MessageCache, value: string): Promise<void> {
  return until(
    "the cache to work",
    () =>
      cache.putNotes([note({ value })]).then(() => true, (error) => {
        assert.ok(error instanceof CacheError, String(error));
        return false;
      }),
  );
}

for (const program of await serverPrograms()) {
  const path = "path" in program ? program.path : "";
  const why = "missing" in program ? ` (not run: ${program.missing})` : "";

  Deno.test({
    ...WITH_TIMERS,
    name: `a cache goes on after failovers by Sentinel, on ${program.name}${why}`,
    ignore: path === "",
    fn: async () => {
      await using group = await Sentinels.start(path);
      await using cache = await open(group.url);
      await cache.putInbound(remembered());
      const [first, second] = await group.roles();
      assert.equal(await ask(first.port, (redis) => redis.wait(1, 20_000)), 1);

      // One that is gone.
      await first.stop();
      await written(cache, "on the second");
      assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
      assert.equal((await group.roles())[0], second);
      await first.start();
      await until("the first to follow the second", () => group.isComplete());

      // One that says nothing while its connections stay, and comes back with what it was.
      const thaw = await freeze(second);
      await written(cache, "on the first again").finally(thaw);
      await until("the second to follow the first", () => group.isComplete());
      assert.equal((await group.roles())[0], first);

      // One that is told to stand back while all is well.
      await ask(
        Number(/:(\d+)/.exec(group.url)?.[1]),
        (sentinel) => sentinel.call("sentinel", "failover", "bridge-cache"),
      );
      await until("the second in its place", async () => (await group.roles())[0] === second);
      await written(cache, "on the second again");
      assert.equal(await cache.getNote("told", "m1"), "on the second again");
    },
  });

  Deno.test({
    ...WITH_TIMERS,
    name: `a cache by Sentinel says whom it could not ask, on ${program.name}${why}`,
    ignore: path === "",
    fn: async () => {
      await using parts = new AsyncDisposableStack();
      const server = parts.use(await startServer(path));
      const port = await startSentinel(path, [
        `sentinel monitor bridge-cache 127.0.0.1 ${server.port} 1`,
        "requirepass hush-hush",
      ], parts);
      const at = (name: string) => `redis+sentinel://127.0.0.1:1,127.0.0.1:${port}/${name}`;
      for (
        const [url, password, says] of [
          [
            at("bridge-cache"),
            "",
            /Sentinel 127\.0\.0\.1:1: can't be reached; .*sentinel_password/,
          ],
          [at("bridge-cache"), "wrong", /sentinel_username or sentinel_password, or refused them$/],
          [at("another"), "hush-hush", /knows no primary another$/],
        ] as const
      ) {
        await using cache = await open(url, password);
        let told = "";
        // What is said is complete when all have been asked.
        await until(String(says), async () => {
          told = await cache.tallied().then(() => "", ({ message }: Error) => message);
          return says.test(told);
        }).catch(() => assert.fail(told));
      }
      await using cache = await open(at("bridge-cache"), "hush-hush");
      await cache.tally([{ flow: "inbound", result: "in" }]);
    },
  });
}

const openssl = await missingOpenssl();
const [redis] = await serverPrograms();
const program = redis !== undefined && "path" in redis ? redis.path : "";

Deno.test({
  ...WITH_TIMERS,
  name: `check reaches a cache by Sentinel over TLS, with passwords at both${openssl ?? ""}`,
  ignore: openssl !== undefined || program === "",
  fn: async () => {
    await using parts = new AsyncDisposableStack();
    const authority = parts.use(await Authority.create());
    const { certFile, keyFile } = await authority.sign("127.0.0.1");
    const [serverPort, sentinelPort] = [freePort(), freePort()];
    const tls = [
      ["tls-cert-file", certFile],
      ["tls-key-file", keyFile],
      ["tls-ca-cert-file", authority.caFile],
      ["tls-auth-clients", "no"],
      ["tls-replication", "yes"],
    ];
    const settings = [["tls-port", `${serverPort}`], ["requirepass", "of-redis"], ...tls];
    parts.use(
      await startServer(program, ...settings.flatMap(([name, value = ""]) => [`--${name}`, value])),
    );
    await startSentinel(program, [
      `sentinel monitor bridge-cache 127.0.0.1 ${serverPort} 1`,
      "sentinel auth-pass bridge-cache of-redis",
      "requirepass of-sentinel",
      `tls-port ${sentinelPort}`,
      ...tls.map((setting) => setting.join(" ")),
    ], parts);
    const { stdout } = await Program.fromSource().output([
      "check",
      "--connector-name=x",
      "--default-from-addr=8110",
      "--turn-api-url=https://127.0.0.1:1",
      "--auth-token=t",
      "--turn-hmac-secret=s",
      "--amqp-url=memory:",
      "--http-bind=127.0.0.1:0",
      "--message-cache-class=RedisMessageCache",
      `--message-cache-config-url=rediss+sentinel://:of-redis@127.0.0.1:${sentinelPort}/bridge-cache`,
      "--message-cache-config-sentinel-password=of-sentinel",
    ], { DENO_CERT: authority.caFile });
    assert.match(stdout, /✓.*cache on Redis\s+at[^]*?can be\s+read\s+and\s+written/);
    assert.doesNotMatch(stdout, /of-redis|of-sentinel/);
  },
});
