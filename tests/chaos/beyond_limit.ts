/**
 * Scenario 10: Turn is down for longer than a quorum queue bears. It drops a message that was returned
 * too often (20 times unless a policy says less), and a connection that ends returns all in work.
 *
 * @module
 */

import { startRedis } from "../support/redis.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import type { ConfigFile } from "./bridge_process.ts";
import type { BrokerRun } from "./failing_broker.ts";
import type { History } from "./history.ts";
import { messagesOf, pause, wishesOf } from "./people.ts";
import { type Report, Reporter } from "./report.ts";
import { failure } from "./turn.ts";
import { World } from "./world.ts";

/** How large scenario 10 is. */
export interface BeyondSize {
  /** Messages from users. */
  readonly messages: number;
  /** Messages to users; each has two statuses, which wait as well. */
  readonly requests: number;
  /** Users. */
  readonly users: number;
  /** How often we are killed, or our connections are: every third time it is us. */
  readonly losses: number;
  /** How often a message may be returned, if a policy says so; else it is as RabbitMQ has it. */
  readonly limit?: number;
}

/** How Turn is down. */
export type Down = "refuses connections" | "answers 503";

/** Messages in work at once, in each queue: so many may come twice when we are killed. */
const IN_WORK = 20;
/** Longest that the queue's messages are waited for to be in work again. */
const IN_WORK_MS = 6000;
/**
 * How long a connection lives at least. One that is killed sooner than after a second is taken for a
 * failed attempt, and the next one waits longer.
 */
const STABLE_MS = 2100;
/** Seconds; the bridge hands on what waited half of this, so that it does so while Turn is down. */
const CONSUMER_TIMEOUT_S = 20;

/** 10: Turn is down, while we and our connections are killed again and again and the cache fails. */
export async function beyondLimit(run: BrokerRun, size: BeyondSize, how: Down): Promise<Report> {
  const limit = size.limit === undefined ? "" : `, a limit of ${size.limit}`;
  const reporter = new Reporter(`10 Turn ${how}, ${size.losses} kills and cuts${limit}`, run);
  // With a limit below 15 the bridge can't save both messages and order from a cache that fails.
  await using cache = size.limit === undefined ? await FailingCache.start() : new FailingCache();
  await using world = await World.make({
    url: run.url,
    reports: "two",
    config: { ...cache.config, amqp: { consumer_timeout: CONSUMER_TIMEOUT_S } },
  });
  if (size.limit !== undefined) await limitReturns(run, world, size.limit);
  await world.bridge.start();
  await world.bridge.healthy();
  if (how === "answers 503") world.turn.plan = () => failure(503);
  else await world.turn.leave();
  await world.operator.receive(messagesOf(run.seed, size.messages, size.users));
  await world.load({ concurrency: 10 }).send(wishesOf(run.seed, size.requests, size.users));
  await loseAgainAndAgain(world, cache, size);
  if (how === "answers 503") world.turn.plan = () => ({ status: 200 });
  else world.turn.comeBack();
  const back = performance.now();
  // Its probes are seconds apart by then.
  await world.settled({ stallMs: 70_000, mostMs: 120_000 });
  const caughtUp = (performance.now() - back) / 1000;
  reporter.add(await world.finish());
  const mayRepeat = { duplicated: size.losses * IN_WORK };
  const log = world.bridge.log();
  reporter.flow("inbound", excusing(log, world.inboundHistory()), mayRepeat);
  // The second one to a user waits for word of the first, and may just be sent at such a moment.
  reporter.flow("outbound", world.outboundHistory(), { duplicated: size.losses });
  reporter.add(world.idFaults({ mayRepeat: size.losses }));
  reporter.flow("statuses", excusing(log, world.statusHistory()), mayRepeat);
  reporter.figure("cache", cache.name);
  reporter.figure("all caught up after", `${caughtUp.toFixed(1)} s`);
  return reporter.report();
}

/**
 * Till some calls have failed Turn is not known to be down, and one that has had its quick attempts by
 * then is delayed: its user's messages may be out of order, if the bridge says that it did so.
 */
function excusing(log: string, history: History): History {
  const delayed = history.put.filter(({ id }) =>
    log.match(new RegExp(`trying again in \\{delayMs\\}.*"${id}"`))
  );
  const users = new Set(delayed.map(({ user }) => user));
  const late = history.put.filter(({ user }) => users.has(user)).map(({ id }) => id);
  return { ...history, mayBeLate: (id) => late.includes(id) };
}

/** Of this connector's queues only: others may be on the broker at the same time. */
async function limitReturns({ server }: BrokerRun, world: World, limit: number): Promise<void> {
  const [connector = ""] = world.operator.queue("").split(".");
  const rule = JSON.stringify({ "delivery-limit": limit });
  await server.rabbitmqctl(
    ...["set_policy", connector, `^${connector}\\.`, rule, "--apply-to", "queues"],
  );
}

/** The cache is away for the middle third. Last we are killed, and begin without a breaker's memory. */
async function loseAgainAndAgain(
  world: World,
  cache: FailingCache,
  { losses }: BeyondSize,
): Promise<void> {
  for (let left = losses - 1; left >= 0; left--) {
    const done = losses - 1 - left;
    if (done === Math.floor(losses / 3)) await cache.leave();
    if (done === Math.floor(2 * losses / 3)) await cache.comeBack();
    await inWork(world);
    if (left % 3 === 0) {
      await world.bridge.stop("SIGKILL");
      await world.bridge.start();
    } else {
      await pause(STABLE_MS);
      world.proxy.cut();
    }
  }
}

/** Resolves when messages are with the bridge again, or it takes none. */
async function inWork({ operator }: World): Promise<void> {
  const all = operator.inbound.length;
  for (let waited = 0; waited < IN_WORK_MS; waited += 100) {
    const waiting = await operator.depth("inbound");
    if (waiting !== undefined && waiting < all) return;
    await pause(100);
  }
}

/** A Redis that can be taken away, or a file, which stays. */
class FailingCache implements AsyncDisposable {
  /** What the bridge has to be configured with. */
  readonly config: ConfigFile;
  /** What it is, for the report. */
  readonly name: string;
  readonly #proxy: TcpProxy | undefined;
  readonly #parts: AsyncDisposableStack;

  /** Without a proxy it is a file. */
  constructor(proxy?: TcpProxy, parts = new AsyncDisposableStack()) {
    this.#proxy = proxy;
    this.#parts = parts;
    this.name = proxy ? "a Redis that was away for a third of the time" : "a file, which stayed";
    this.config = proxy === undefined ? {} : {
      message_cache_class: "RedisMessageCache",
      message_cache_config: { url: `redis://127.0.0.1:${proxy.port}` },
    };
  }

  static async start(): Promise<FailingCache> {
    await using parts = new AsyncDisposableStack();
    const server = parts.use(await startRedis());
    const proxy = parts.use(TcpProxy.start({ port: server.port }));
    return new FailingCache(proxy, parts.move());
  }

  async leave(): Promise<void> {
    await this.#proxy?.refuse();
    this.#proxy?.cut();
  }

  async comeBack(): Promise<void> {
    await this.#proxy?.accept();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}
