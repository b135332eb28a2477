import assert from "node:assert/strict";
import { checkRedis } from "../../../src/cache/redis/check.ts";
import { redisUrl, startRedis } from "../../support/redis.ts";
import { connect, newPrefix } from "../redis_server.ts";

Deno.test("checkRedis() finds a server that will do, and leaves nothing there", async () => {
  const keyPrefix = newPrefix();
  const { ok, subject, detail, fix } = await checkRedis({
    url: redisUrl(),
    keyPrefix,
    timeoutMs: 20_000,
  });
  assert.deepEqual([ok, detail, fix], [true, "can be read and written", undefined]);
  assert.match(subject, /^cache on Redis at 127\.0\.0\.1:\d+$/);
  await using redis = await connect(redisUrl());
  assert.deepEqual(await redis.keys(`${keyPrefix}*`), []);
});

Deno.test("checkRedis() says what is wrong with a server, and what to do", async () => {
  await using server = await startRedis("--requirepass", "hunter2");
  const check = (url: string) => checkRedis({ url, keyPrefix: newPrefix(), timeoutMs: 20_000 });
  const missing = await check(server.url);
  assert.match(missing.detail, /requires a password/);
  assert.match(missing.fix ?? "", /message_cache_config\.url/);
  const wrong = await check(server.url.replace("//", "//:hunter3@"));
  assert.match(wrong.detail, /refused the user or the password/);

  {
    await using redis = await connect(server.url.replace("//", "//:hunter2@"));
    await redis.acl("SETUSER", "reader", "on", ">hunter4", "~*", "+@all", "-@write");
  }
  const reader = await check(server.url.replace("//", "//reader:hunter4@"));
  assert.match(reader.detail, /: .*can't run this command or subcommand$|NOPERM/);
  await server.stop();
  const away = await check(server.url);
  assert.match(away.detail, /refused/i);
  const all = [missing, wrong, reader, away];
  assert.deepEqual(all.map(({ ok }) => ok), [false, false, false, false]);
  assert.doesNotMatch(JSON.stringify(all), /hunter/);
});
