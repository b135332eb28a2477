/**
 * Wires what is looked up when Prometheus asks: the metrics know nobody, so they are told here who
 * knows.
 *
 * @module
 */

import type { Bridge } from "../bridge/mod.ts";
import { type Broker, delayQueue, PublishError } from "../broker/mod.ts";
import type { MessageCache } from "../cache/mod.ts";
import type { ChannelConfig } from "../config/mod.ts";
import { type LoopLag, type Metrics, QueueWatch, type WatchedQueue } from "../telemetry/mod.ts";
import { type Connector, queuesOf } from "../vumi/mod.ts";

/** Who knows. */
export interface Watched {
  /** Which queues there are. */
  readonly config: ChannelConfig;
  /** How full they are, and how the broker is. */
  readonly broker: Broker;
  /** Which partitions its queues have. */
  readonly connector: Pick<Connector, "partitions">;
  /** How Turn is. */
  readonly bridge: Bridge;
  /** How much is remembered. */
  readonly cache: MessageCache;
  /** How busy the program is. */
  readonly loopLag: LoopLag;
}

/** Begins to watch; `opened` ends it. */
export function watch(
  metrics: Metrics,
  { config, broker, connector, bridge, cache, loopLag }: Watched,
  opened: AsyncDisposableStack,
): void {
  const queues = opened.use(
    new QueueWatch({
      queues: watchedQueues(config, connector, metrics),
      depth: (queue) => broker.depth(queue),
      isExpected: (error) => error instanceof PublishError,
    }),
  );
  metrics.watch({
    turn: () => bridge.turnFigures(),
    broker: () => {
      const { publishing, consuming, state } = broker.status();
      return { publishing, consuming, blocked: state === "blocked" };
    },
    queues: () => queues.figures(),
    cacheEntries: () => cache.entries?.(),
    loopLagMs: () => loopLag.take(),
  });
}

function watchedQueues(
  config: ChannelConfig,
  connector: Watched["connector"],
  metrics: Metrics,
): WatchedQueue[] {
  const { outbound, inbound, event, inboundParked, eventParked } = queuesOf(config.connector_name);
  const delayQueues = (queue: string): string[] =>
    config.retry_schedule.map((seconds) => delayQueue(queue, Math.round(seconds * 1000)));
  return [
    {
      label: "inbound",
      queue: inbound,
      partitions: () => connector.partitions("inbound"),
      delayQueues: delayQueues(inbound),
      parkingQueue: inboundParked,
      settled: () => metrics.settled("inbound"),
    },
    {
      label: "event",
      queue: event,
      partitions: () => connector.partitions("event"),
      delayQueues: delayQueues(event),
      parkingQueue: eventParked,
      settled: () => metrics.settled("status"),
    },
    { label: "outbound", queue: outbound, added: () => metrics.settled("outbound") },
  ];
}
