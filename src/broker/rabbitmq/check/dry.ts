// Looks at what is on a server and makes nothing, for `check --dry`: which exchange and queues are there
// already, and what waits in them.

import type { ChannelModel } from "amqplib";
import type { Finding } from "../../../telemetry/mod.ts";
import { delayQueue } from "../../mod.ts";
import { serverWords } from "../server_errors.ts";
import type { AmqpCheckOptions } from "./check.ts";

/** Asks about each queue and the exchange. What is not there is made at a start, if it may be. */
export async function lookAmqp(
  model: ChannelModel,
  options: AmqpCheckOptions,
): Promise<readonly Finding[]> {
  const { exchange, consumeQueues, publishQueues, ownQueues, leadQueues, delaysMs } = options;
  const delays = [...new Set(delaysMs)].sort((a, b) => a - b).map(delayQueue);
  const leads = leadQueues.map(({ queue }) => queue);
  const queues = [...consumeQueues, ...publishQueues, ...ownQueues, ...leads, ...delays];
  const findings: Finding[] = [
    await look(model, `exchange ${exchange}`, async (channel) => {
      await channel.checkExchange(exchange);
      return "is there";
    }),
  ];
  for (const queue of new Set(queues)) {
    const found = await look(model, `queue ${queue}`, async (channel) => {
      const { messageCount, consumerCount } = await channel.checkQueue(queue);
      const consumers = consumerCount === 0 ? "" : `, consumers now: ${consumerCount}`;
      return `is there, ${messageCount} waiting${consumers}`;
    });
    const channel = options.connectors?.get(queue);
    findings.push({ ...channel !== undefined && { channel }, ...found });
  }
  return findings;
}

type Channel = Awaited<ReturnType<ChannelModel["createChannel"]>>;

/** Looks on a channel of its own, as a fault ends it. */
async function look(
  model: ChannelModel,
  subject: string,
  ask: (channel: Channel) => Promise<string>,
): Promise<Finding> {
  try {
    const channel = await model.createChannel();
    channel.on("error", () => {});
    const detail = await ask(channel);
    await channel.close().catch(() => {});
    return { subject, ok: true, detail };
  } catch (error) {
    const words = serverWords(error);
    if (!/NOT_FOUND/.test(words)) return { subject, ok: undefined, detail: words };
    return { subject, ok: undefined, detail: "is not there yet; a start, or check, makes it" };
  }
}
