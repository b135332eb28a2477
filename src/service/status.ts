// The running bridge on one screen, for `GET /status`, which the command `status` shows.

import manifest from "../../deno.json" with { type: "json" };
import type { Broker } from "../broker/mod.ts";
import type { LogFigures, QueueFigures, QueueWatch, TurnFigures } from "../telemetry/mod.ts";
import type { Activity, FLOWS, Rates } from "./activity.ts";
import type { Channel } from "./channel.ts";
import { type Problem, problemsOf } from "./problems.ts";

/** Times are in ISO 8601. */
export interface Status {
  readonly version: string;
  readonly now: string;
  /** When the program was started. */
  readonly started: string;
  readonly broker: Since & { readonly reason?: string };
  /** `ok`, `failing`, or `replaced`: its file was taken away. */
  readonly cache: Since;
  /** Messages of all channels that wait to be tried again; null if that is not known. */
  readonly delayed: number | null;
  /** `since` is when lines were lost last, if any were since the start. */
  readonly log: LogFigures & { readonly since: string };
  readonly channels: readonly ChannelStatus[];
  /** What is wrong, worst first. */
  readonly problems: readonly Problem[];
}

/** How something is, and since when. */
interface Since {
  readonly state: string;
  readonly since: string;
}

export interface ChannelStatus {
  readonly connector: string;
  readonly transport_type: string;
  /** `this` if this bridge takes messages off the queues; else another one does, or none. */
  readonly speaker: Since;
  readonly flows: Readonly<Record<(typeof FLOWS)[number], Rates>>;
  /** By `inbound`, `event`, `held`, `held_sms` and `outbound`; none while the broker can't tell. */
  readonly queues: Readonly<Record<string, QueueFigures>>;
  /** Taken off the queues by this bridge, and not done with. */
  readonly in_hand: { readonly inbound: number; readonly event: number };
  readonly turn: Since & {
    /** When it took a call last; null if it has not yet. */
    readonly last_success: string | null;
    /** Whether it refused the token with the last call. */
    readonly refuses_token: boolean;
    /** Calls that wait for other calls, or for the rate limit. */
    readonly waiting: number;
    readonly limits: readonly Pick<TurnFigures["limits"][number], "bucket" | "limit" | "left">[];
  };
  /** What can't be done with a queue, by its name. */
  readonly faults: Readonly<Record<string, string>>;
}

interface Looked {
  readonly broker: Broker;
  readonly channels: readonly Channel[];
  readonly queueWatch: QueueWatch;
  readonly activity: Activity;
  readonly log: LogFigures;
  readonly started: number;
}

/** What may change and has a time since when it is so, by name. */
export function statesOf(
  broker: Broker,
  channels: readonly Channel[],
  { lost }: LogFigures,
): Record<string, string> {
  const states: Record<string, string> = {
    broker: broker.status().state,
    cache: cacheState(channels),
    log: `${lost}`,
  };
  for (const { name, bridge } of channels) {
    states[`speaker ${name}`] = bridge.leads ? "this" : "other";
    states[`turn ${name}`] = turnState(bridge.turnFigures());
  }
  return states;
}

export function statusOf({ broker, channels, queueWatch, activity, log, started }: Looked): Status {
  const states = statesOf(broker, channels, log);
  const since = (name: string): Since => (
    { state: states[name] ?? "", since: iso(activity.since(name)) }
  );
  const { reason } = broker.status();
  const delayed = [...queueWatch.delayed().values()];
  const status = {
    version: manifest.version,
    now: iso(Date.now()),
    started: iso(started),
    broker: { ...since("broker"), ...reason !== undefined && { reason } },
    cache: since("cache"),
    delayed: delayed.length === 0 ? null : delayed.reduce((sum, count) => sum + count, 0),
    log: {
      ...{ lost: log.lost, stalledMs: Math.round(log.stalledMs) },
      since: since("log").since,
    },
    channels: channels.map((channel): ChannelStatus => {
      const { name, transportType, bridge } = channel;
      const { lastSuccess, refusesToken, limits, resources } = bridge.turnFigures();
      return {
        connector: name,
        transport_type: transportType,
        speaker: since(`speaker ${name}`),
        flows: {
          outbound: activity.rates(channel, "outbound"),
          inbound: activity.rates(channel, "inbound"),
          status: activity.rates(channel, "status"),
        },
        queues: Object.fromEntries(queueWatch.figures(name)),
        in_hand: bridge.inHand(),
        turn: {
          ...since(`turn ${name}`),
          last_success: lastSuccess === undefined ? null : iso(lastSuccess),
          refuses_token: refusesToken,
          waiting: resources.messages.waiting + resources.statuses.waiting,
          limits: limits.map(({ bucket, limit, left }) => ({ bucket, limit, left })),
        },
        faults: channel.faults(),
      };
    }),
  };
  return { ...status, problems: problemsOf(status) };
}

function turnState({ breaker }: TurnFigures): string {
  return breaker === "closed" ? "works" : "down";
}

function cacheState(channels: readonly Channel[]): string {
  const all = channels.map(({ cache }) => cache.status());
  if (all.some(({ failingSince }) => failingSince !== undefined)) return "failing";
  return all.every(({ lasts }) => lasts) ? "ok" : "replaced";
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
