/**
 * Several bridges on one connector whose queues are partitioned: a stream of users' messages, each
 * with its place in its user's order, and what Turn got to see of that.
 *
 * @module
 */

import { Live } from "./live.ts";
import type { Running } from "./program.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { get } from "./several.ts";
import { inboundMessage } from "./transport.ts";
import { until } from "./until.ts";

/** How many partitions the queues have. */
export const PARTITIONS = 4;

/** A RabbitMQ connector and a Redis that instances share, and a Turn that takes its time. */
export class Together implements AsyncDisposable {
  /** Both sides. */
  readonly live: Live;
  readonly #server: RedisServer;
  readonly #users: readonly string[];
  readonly #sent = new Map<string, number>();

  private constructor(live: Live, server: RedisServer) {
    this.live = live;
    this.#server = server;
    this.#users = Array.from({ length: 20 }, (_, n) => `+266123400${10 + n}`);
  }

  /** Nothing runs yet. */
  static async prepare(flags: Readonly<Record<string, string>> = {}): Promise<Together> {
    const server = await startRedis();
    const live = await Live.prepare({
      "message-cache-class": "RedisMessageCache",
      "message-cache-config-url": server.url,
      "http-bind": "127.0.0.1:0",
      partitions: `${PARTITIONS}`,
      ...flags,
    });
    live.turn.answer = async () => {
      // Not always the same, so that messages side by side would overtake each other.
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 30));
      return Response.json({});
    };
    return new Together(live, server);
  }

  /** Starts one more; resolves when it is ready. */
  async start(flags: Readonly<Record<string, string>> = {}): Promise<Running> {
    const running = await this.live.program(flags);
    await until(
      "it to be ready",
      async () => (await get(`${running.address}/readyz`)).status === 200,
    );
    return running;
  }

  /** Puts so many messages on the queue, of all users in turn, four of each. */
  async send(count: number): Promise<void> {
    const { transport } = this.live;
    for (let index = 0; index < count; index++) {
      const from_addr = this.#users[Math.floor(index / 4) % this.#users.length] ?? "";
      const message_id = `${from_addr} ${this.#next(from_addr)}`;
      await transport.sendInbound({ message_id, from_addr });
    }
  }

  /** The same at once, for a backlog. */
  async fill(count: number): Promise<void> {
    const { transport } = this.live;
    const payloads = Array.from({ length: count }, (_, index) => {
      const from_addr = this.#users[index % this.#users.length] ?? "";
      return inbound(from_addr, `${from_addr} ${this.#next(from_addr)}`);
    });
    await transport.publishAll("inbound", payloads, {});
  }

  /** How many were put there. */
  get sent(): number {
    return [...this.#sent.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when Turn has seen all that was sent. */
  async seen(): Promise<void> {
    await until("all to be seen", () => new Set(this.live.told()).size === this.sent);
  }

  /** The ids that Turn saw for the first time before one of the same user that was sent earlier. */
  get overtakers(): readonly string[] {
    const next = new Map<string, number>();
    const overtakers: string[] = [];
    for (const id of new Set(this.live.told())) {
      const [user = "", number] = id.split(" ");
      if (Number(number) !== (next.get(user) ?? 0)) overtakers.push(id);
      next.set(user, Number(number) + 1);
    }
    return overtakers;
  }

  /** The ids that Turn saw more than once. */
  get repeats(): readonly string[] {
    const seen = new Set<string>();
    return this.live.told().filter((id) => seen.size === seen.add(id).size);
  }

  /** How many messages of users it has handed to Turn. */
  async deliveredBy({ address }: Running): Promise<number> {
    const { text } = await get(`${address}/metrics`);
    const line = /^turn_channels_messages_total\{flow="inbound",result="delivered"\} (.*)$/m;
    return Number(line.exec(text)?.[1] ?? 0);
  }

  /** How many consumers each partition of inbound has. */
  async holders(): Promise<readonly number[]> {
    const { transport } = this.live;
    return await Promise.all(
      Array.from({ length: PARTITIONS }, (_, n) => transport.consumers(`inbound.p${n}`)),
    );
  }

  #next(user: string): number {
    const number = this.#sent.get(user) ?? 0;
    this.#sent.set(user, number + 1);
    return number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of ["inbound", "event"]) {
      await this.live.transport.deleteQueue(`${end}.delay.1s`);
      for (let n = 0; n < PARTITIONS; n++) {
        await this.live.transport.deleteQueue(`${end}.p${n}`);
      }
    }
    await this.live[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}

/** How many partitions of inbound this one says that it has. */
export function heldBy(running: Running): number {
  const lines = running.stderr().matchAll(/"held":(\d+),"count":\d+,"queue":"[^"]+\.inbound"/g);
  return Number([...lines].at(-1)?.[1] ?? 0);
}

/** A user's message as vumi writes it. */
export function inbound(from_addr: string, message_id: string): unknown {
  return inboundMessage({ from_addr, message_id });
}
