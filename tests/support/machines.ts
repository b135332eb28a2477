/**
 * Bridges as on several machines: they share a RabbitMQ and a Redis, and nothing else.
 *
 * @module
 */

import { readSamples } from "../../src/telemetry/mod.ts";
import type { Flags, Live } from "./live.ts";
import type { Running } from "./program.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { get } from "./several.ts";
import { until } from "./until.ts";

/** A Redis of its own, and the flags that make it the cache of all. */
export async function sharedRedis(): Promise<
  { readonly server: RedisServer; readonly flags: Flags }
> {
  const server = await startRedis();
  const flags = {
    "message-cache-class": "RedisMessageCache",
    "message-cache-config-url": server.url,
    "http-bind": "127.0.0.1:0",
  };
  return { server, flags };
}

/** Starts one more, which is ready then. */
export async function machine(live: Live, flags: Flags = {}): Promise<Running> {
  const running = await live.program(flags);
  await until(
    "it to be ready",
    async () => (await get(`${running.address}/readyz`)).status === 200,
  );
  return running;
}

/** Whether it says that it speaks for the channel; undefined while /health and /metrics differ. */
export async function speaks({ address }: Running): Promise<boolean | undefined> {
  const health = JSON.parse((await get(`${address}/health`)).text).components.amqp.speaks;
  const { text } = await get(`${address}/metrics`);
  const [, metric] = /^turn_channels_speaks(?:\{.*\})? (\d)$/m.exec(text) ?? [];
  return metric === (health ? "1" : "0") ? health : undefined;
}

/** The one that speaks for the channel, as soon as it and all others say so. */
export async function speaker(machines: readonly Running[]): Promise<Running> {
  let found: Running | undefined;
  await until("one to speak for the channel", async () => {
    const said = await Promise.all(machines.map(speaks));
    found = machines[said.indexOf(true)];
    return said.filter((does) => does === false).length === machines.length - 1 &&
      found !== undefined;
  });
  if (found === undefined) throw new TypeError("None speaks");
  return found;
}

/** Resolves when so many of a flow have come to one of these results, since it was started. */
export async function counted(
  { address }: Pick<Running, "address">,
  flow: "inbound" | "status",
  results: readonly string[],
  count: number,
): Promise<void> {
  await until(`${count} of ${flow} to be ${results.join(" or ")}`, async () => {
    const { text } = await get(`${address}/metrics`);
    const found = readSamples(text, "turn_channels_messages_total")
      .filter(({ labels: { flow: of, result = "" } }) => of === flow && results.includes(result));
    return found.reduce((sum, { value }) => sum + value, 0) === count;
  });
}
