// How the program is, for `GET /health`, in the shape that every vumi worker gives, and `GET /readyz`.

import type { Broker } from "../broker/mod.ts";
import type { Channel } from "./channel.ts";

/** The health of one component; further fields say more. */
interface ComponentHealth {
  /** `degraded` when it waits for others and loses nothing. */
  readonly health: "ok" | "degraded" | "down";
  readonly [detail: string]: unknown;
}

/** The health of all components: `down` when any of them is; nothing less makes it that. */
export interface HealthReport {
  readonly health: "ok" | "down";
  readonly components: Readonly<Record<string, ComponentHealth>>;
}

/** Sums up components into a report. */
export function healthReport(components: HealthReport["components"]): HealthReport {
  const ok = Object.values(components).every(({ health }) => health !== "down");
  return { health: ok ? "ok" : "down", components };
}

/** The health of each part, with several channels under their names. */
export function healthOf(broker: Broker, channels: readonly Channel[]): HealthReport {
  return healthReport({
    amqp: amqpOf(broker, channels),
    turn: perChannel(channels, turnOf),
    cache: cacheOf(channels),
  });
}

/** One channel's health, or all under their names, degraded if one of them is not well. */
function perChannel(
  channels: readonly Channel[],
  of: (channel: Channel) => ComponentHealth,
): ComponentHealth {
  const parts = channels.map((channel) => [channel.name, of(channel)] as const);
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first[1];
  const isDegraded = parts.some(([, { health }]) => health !== "ok");
  return { health: isDegraded ? "degraded" : "ok", channels: Object.fromEntries(parts) };
}

/** Down if no channel can work; a fault of a single queue is no reason to send us no more requests. */
function amqpOf(broker: Broker, channels: readonly Channel[]): ComponentHealth {
  const { state, reason } = broker.status();
  // Blocked is the broker's trouble, of which publishers are told; restarting us would fix nothing.
  const up = state === "open" || state === "blocked";
  const { health, ...queues } = perChannel(channels, queuesOf);
  return {
    health: up ? health : "down",
    state,
    ...(reason !== undefined && { reason }),
    ...queues,
  };
}

/** The health of a channel's queues; `speaks`, as one of several bridges takes messages off them. */
function queuesOf(channel: Channel): ComponentHealth {
  const faults = channel.faults();
  const { leads: speaks } = channel.bridge;
  return Object.keys(faults).length === 0
    ? { health: "ok", speaks }
    : { health: "degraded", speaks, faults };
}

function turnOf({ bridge }: Channel): ComponentHealth {
  const { breaker, lastSuccess } = bridge.turnFigures();
  return {
    // Not down: to send us no more of Turn's requests would make nothing better.
    health: breaker === "closed" ? "ok" : "degraded",
    breaker,
    last_success: lastSuccess === undefined ? null : new Date(lastSuccess).toISOString(),
  };
}

/**
 * The cache's health, for all channels, as they share one store. Not down: restarting us would fix
 * nothing. Why it fails is in the log, as it may name paths.
 */
function cacheOf(channels: readonly Channel[]): ComponentHealth {
  const all = channels.map(({ cache }) => cache.status());
  const last = Math.max(...all.map(({ lastFailure }) => lastFailure ?? -Infinity));
  const isWell = all.every(({ failingSince, lasts }) => failingSince === undefined && lasts);
  return {
    health: isWell ? "ok" : "degraded",
    last_failure: Number.isFinite(last) ? new Date(last).toISOString() : null,
    ...(all.every(({ lasts }) => lasts) ? {} : { reason: CACHE_TAKEN_AWAY }),
  };
}

const CACHE_TAKEN_AWAY =
  "its file was deleted or replaced while in use; what is remembered ends with the program: restart it";

/** A cache that fails for so long, in milliseconds, will not do for the next request either. */
const CACHE_FAILS_MS = 10_000;

/** Why no message can be taken now; empty if one can. */
export function unready(
  broker: Broker,
  channels: readonly Pick<Channel, "cache">[],
  isDraining: boolean,
  now: number = Date.now(),
): readonly string[] {
  const { state } = broker.status();
  // They share one store, so if it fails one of them it fails all.
  const since = Math.min(...channels.map(({ cache }) => cache.status().failingSince ?? Infinity));
  const failsFor = Math.floor((now - since) / 1000);
  return [
    // Blocked means that nothing can be published; `open` also that queues are consumed.
    ...(state === "open" ? [] : [`the broker is ${state}`]),
    ...(now - since >= CACHE_FAILS_MS ? [`the cache has failed for ${failsFor} s`] : []),
    ...(isDraining ? ["the program is stopping"] : []),
  ];
}
