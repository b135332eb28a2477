// Wires the metrics that are read from other parts when Prometheus asks.

import type { Bridge } from "../bridge/mod.ts";
import { type Broker, delayQueue, PublishError } from "../broker/mod.ts";
import type { MessageCache } from "../cache/mod.ts";
import type { ChannelConfig } from "../config/mod.ts";
import {
  type LogFigures,
  type LoopLag,
  type Metrics,
  type MetricsRegistry,
  QueueWatch,
  type WatchedQueue,
} from "../telemetry/mod.ts";
import { queuesOf } from "../vumi/mod.ts";
import { delaysMsOf, faultyKinds } from "./channel_queues.ts";

interface Watched {
  readonly config: ChannelConfig;
  readonly broker: Broker;
  readonly queueWatch: QueueWatch;
  readonly bridge: Bridge;
  readonly cache: MessageCache;
}

/** Reads the depths of the queues of all channels that are added to it. */
export function watchQueues(channels: readonly ChannelConfig[], broker: Broker): QueueWatch {
  const delays = new Set(channels.flatMap(delaysMsOf));
  return new QueueWatch({
    delays: [...delays].sort((a, b) => a - b).map(delayQueue)
      .map((queue) => ({ label: queue.replace(/^.*\./, ""), queue })),
    depth: (queue) => broker.depth(queue),
    isExpected: (error) => error instanceof PublishError,
  });
}

interface WatchedProgram {
  readonly broker: Broker;
  readonly queueWatch: QueueWatch;
  readonly loopLag: LoopLag;
  readonly log: LogFigures;
}

export function watchProgram(
  metrics: MetricsRegistry,
  { broker, queueWatch, loopLag, log }: WatchedProgram,
): void {
  metrics.sources = {
    broker: () => {
      const { publishing, consuming, state } = broker.status();
      return { publishing, consuming, blocked: state === "blocked" };
    },
    delayed: () => queueWatch.delayed(),
    loopLagMs: () => loopLag.take(),
    log: () => log,
  };
}

export function watchChannel(
  metrics: Metrics,
  { config, broker, queueWatch, bridge, cache }: Watched,
): void {
  const connector = config.connector_name;
  queueWatch.add({
    connector,
    queues: watchedQueues(connector, metrics, bridge),
    isOurs: () => bridge.leads,
    delayed: () => metrics.total("inbound", "delayed") + metrics.total("status", "delayed"),
  });
  metrics.sources = {
    turn: () => bridge.turnFigures(),
    speaks: () => bridge.leads,
    smsRates: () => bridge.smsRates(),
    queues: () => queueWatch.figures(connector),
    queueFaults: () => faultyKinds(config, broker.status()),
    cacheEntries: () => cache.entries(),
  };
}

function watchedQueues(connector: string, metrics: Metrics, bridge: Bridge): WatchedQueue[] {
  const queues = queuesOf(connector);
  const consumed = [["inbound", "inbound"], ["event", "status"]] as const;
  return [
    ...consumed.map(([label, flow]) => ({
      label,
      queue: queues[label],
      parkingQueue: queues[`${label}Parked`],
      parked: () => metrics.total(flow, "parked") + metrics.total(flow, "unreadable"),
      settled: () => metrics.settled(flow),
    })),
    { label: "held", queue: queues.held, parkingQueue: queues.heldParked },
    { label: "held_sms", queue: queues.heldSms, settled: () => bridge.heldSmsEnded() },
    { label: "outbound", queue: queues.outbound, added: () => metrics.settled("outbound") },
  ];
}
