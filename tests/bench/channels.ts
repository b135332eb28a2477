/**
 * Many channels in one process: how long it takes until all of them are consumed, and what the
 * process costs while nothing happens.
 *
 * @module
 */

import type { RabbitMqServer } from "../support/rabbitmq.ts";
import { fromSource, Running } from "./subject.ts";

/** How long the process is left alone before and while its rest is measured, in milliseconds. */
const [SETTLE_MS, REST_MS] = [5_000, 60_000];
const POLL_MS = 250;

/** Starts a bridge with so many channels, twice, and prints what was measured. */
export async function watchChannels(
  count: number,
  server: RabbitMqServer,
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  const file = `${folder}/channels.json`;
  const channels = Array.from({ length: count }, (_, index) => channelOf(index));
  await Deno.writeTextFile(
    file,
    JSON.stringify({ amqp_url: server.url, log_level: "WARNING", channels }),
  );
  for (const queues of ["queues to be made", "queues that are there"]) {
    const began = performance.now();
    await using running = await Running.start(
      {
        name: "channels",
        base: "channels",
        processes: 1,
        command: [...fromSource("src/main.ts"), "run", "--config", file],
        flags: {},
      },
      undefined,
      {},
      folder,
    );
    // Two consumers of messages a channel; what else consumes comes on top.
    while (await consumers(server) < 2 * count) await pause(POLL_MS);
    const startS = (performance.now() - began) / 1000;
    await pause(SETTLE_MS);
    const before = await running.usage();
    await pause(REST_MS);
    const after = await running.usage();
    const share = (after.cpuSeconds - before.cpuSeconds) / (REST_MS / 1000);
    say(
      `${count} channels, ${queues}: all consumed after ${startS.toFixed(1)} s; ` +
        `at rest ${(100 * share).toFixed(1)} % of a core, ${after.rss.toFixed(0)} MiB`,
    );
  }
}

function channelOf(index: number): object {
  return {
    connector_name: `bench-${index}`,
    vumi_api_path: `/c${index}`,
    turn_api_url: "http://127.0.0.1:9/v1/numbers/x",
    auth_token: "token-of-the-benchmark",
    turn_hmac_secret: "secret-of-the-benchmark",
    default_from_addr: "8110",
  };
}

async function consumers(server: RabbitMqServer): Promise<number> {
  const list = await server.rabbitmqctl("-q", "list_queues", "name", "consumers");
  return list.split("\n").reduce((sum, line) => {
    const [name = "", consumers] = line.split("\t");
    return sum + (/\.(inbound|event)$/.test(name) ? Number(consumers) : 0);
  }, 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
