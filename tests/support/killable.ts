/**
 * A bridge that runs as a program of its own, and can be killed at a known moment of its work: what would
 * end that moment is held back by a proxy between the bridge and RabbitMQ or Redis, and never arrives.
 *
 * @module
 */

import { type Flags, Live } from "./live.ts";
import type { Running } from "./program.ts";
import { amqpUrl } from "./rabbitmq.ts";
import { startRedis } from "./redis.ts";
import { TcpProxy } from "./tcp_proxy.ts";
import { until } from "./until.ts";

/** Size, class and method of basic.ack, by which a message is acked and a publish is confirmed. */
const ACK = "\0\0\0\x0d\0\x3c\0\x50";

/** Where what the bridge remembers is kept. */
export type CacheKind = "file" | "redis";

/** A bridge behind proxies. */
export class Killable implements AsyncDisposable {
  readonly live: Live;
  readonly #amqp: TcpProxy;
  readonly #redis: TcpProxy | undefined;
  readonly #parts: AsyncDisposableStack;
  #running: Running;

  private constructor(
    live: Live,
    running: Running,
    proxies: { readonly amqp: TcpProxy; readonly redis: TcpProxy | undefined },
    parts: AsyncDisposableStack,
  ) {
    this.live = live;
    this.#running = running;
    this.#amqp = proxies.amqp;
    this.#redis = proxies.redis;
    this.#parts = parts;
  }

  /** Starts it, and a Redis of its own if its cache is to be there. */
  static async start(cache: CacheKind, flags: Flags = {}): Promise<Killable> {
    await using parts = new AsyncDisposableStack();
    const url = new URL(amqpUrl());
    const target = { hostname: url.hostname, port: Number(url.port || 5672) };
    const amqp = parts.use(TcpProxy.start(target));
    url.host = `127.0.0.1:${amqp.port}`;
    const server = cache === "redis" ? parts.use(await startRedis()) : undefined;
    const redis = server && parts.use(TcpProxy.start(server));
    const live = parts.use(
      await Live.prepare({ "amqp-url": url.href, ...cacheFlags(redis), ...flags }),
    );
    const running = await live.start();
    return new Killable(live, running, { amqp, redis }, parts.move());
  }

  /** Where it listens. */
  get address(): string {
    return this.live.address;
  }

  /** Holds back that RabbitMQ confirms the message with this id, when that is published. */
  holdConfirm(id: string): TcpProxy {
    this.#amqp.stallOn(ACK, { to: "client", after: id });
    return this.#amqp;
  }

  /** Holds back the ack of what had the message with this id published. */
  holdAck(id: string): TcpProxy {
    this.#amqp.stallOn(ACK, { to: "target", after: id });
    return this.#amqp;
  }

  /** Holds back what is written to Redis with this text in it. */
  holdWrite(text: string): TcpProxy {
    if (this.#redis === undefined) throw new TypeError("Its cache is not on Redis");
    this.#redis.stallOn(text, { to: "target" });
    return this.#redis;
  }

  /** Kills it when all of these hold something back, which is lost then, and starts it again. */
  async killWhen(held: readonly TcpProxy[]): Promise<void> {
    await until("all to be held back", () => held.every(({ isStalled }) => isStalled));
    await this.#running.stop("SIGKILL");
    for (const proxy of [this.#amqp, this.#redis]) {
      proxy?.cut();
      proxy?.resume();
    }
    this.#running = await this.live.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running[Symbol.asyncDispose]();
    await this.#parts.disposeAsync();
  }
}

function cacheFlags(redis: TcpProxy | undefined): Flags {
  if (redis === undefined) return {};
  return {
    "message-cache-class": "RedisMessageCache",
    "message-cache-config-url": `redis://127.0.0.1:${redis.port}`,
  };
}
