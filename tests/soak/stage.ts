/**
 * A bridge with two channels, a Redis and a RabbitMQ: one channel has the load, the other one gets what
 * nobody can read.
 *
 * @module
 */

import type { BrokerRun } from "../chaos/failing_broker.ts";
import { Feed } from "../chaos/feed.ts";
import { messagesOf, wishesOf } from "../chaos/people.ts";
import { randomOf } from "../chaos/random.ts";
import { World } from "../chaos/world.ts";
import { startRedis } from "../support/redis.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { BadInput } from "./bad_input.ts";
import { openIn } from "./descriptors.ts";

const PER_SECOND = 20;
const USERS = 200;
/** So that calls to Turn fail, and are delayed, sooner than is usual. */
const SOON = { mo_message_url_timeout: 3, event_url_timeout: 3, retry_schedule: [2, 5, 15] };

/** All that faults happen to. */
export type Stage = Awaited<ReturnType<typeof setStage>>;

/** Sets it, and begins the load, which is enough for so many minutes. */
export async function setStage(run: BrokerRun, minutes: number) {
  const { seed, url, server } = run;
  await using parts = new AsyncDisposableStack();
  // Full collections only, so that what the process holds is no garbage that may stay for minutes.
  Deno.env.set("DENO_V8_FLAGS", "--gc-global");
  const redis = parts.use(await startRedis());
  const redisProxy = parts.use(TcpProxy.start({ port: redis.port }));
  const config = {
    ...SOON,
    message_cache_class: "RedisMessageCache",
    message_cache_config: { url: `redis://127.0.0.1:${redisProxy.port}` },
  };
  const options = { url, reports: "two", config } as const;
  const { worlds } = parts.use(await World.makeSeveral(2, options, { leavesParked: true }));
  const [other, world] = worlds;
  if (other === undefined || world === undefined) throw new Error("There are no channels");
  const { bridge, turn, proxy } = world;
  await bridge.start();
  await bridge.healthy();
  const ports = {
    ...{ [proxy.port]: "RabbitMQ", [redisProxy.port]: "Redis" },
    ...{ [portOf(turn.url)]: "Turn", [portOf(other.turn.url)]: "the other Turn" },
  };
  const open = (): Promise<string[]> => openIn(bridge.process.pid, ports);
  const openBefore = (await open()).length;
  const count = minutes * 60 * PER_SECOND;
  const load = world.load({ concurrency: 20, intervalMs: 2000 / PER_SECOND, maxTries: 100_000 });
  const sending = load.send(wishesOf(seed, count, USERS));
  const feed = new Feed(world, messagesOf(seed, count, USERS), PER_SECOND);
  const all = parts.move();
  return {
    ...{ world, other, bridge, turn, proxy, server, redis, redisProxy, feed },
    /** What the bridge has open. */
    open,
    /** How much it had open before the load began. */
    openBefore,
    operators: [world.operator, other.operator],
    bad: new BadInput(other, run),
    random: randomOf(seed, "faults"),
    answerRandom: randomOf(seed, "answers"),
    /** Resolves when all that was begun is done. */
    async endLoad() {
      feed.enough();
      load.enough();
      await Promise.all([feed.done, sending]);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
