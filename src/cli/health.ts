/**
 * How the program is, for `GET /health` and `GET /readyz`.
 *
 * @module
 */

import type { Broker } from "../broker/mod.ts";
import { type ComponentHealth, type HealthReport, healthReport } from "../telemetry/mod.ts";
import type { Channel } from "./channel.ts";

/** How the parts are; of several channels each under its name. */
export function healthOf(broker: Broker, channels: readonly Channel[]): HealthReport {
  const { state, serverProperties, reason } = broker.status();
  // Blocked is the broker's trouble, of which publishers are told; restarting us would mend nothing.
  const up = state === "open" || state === "blocked";
  const turns = channels.map((channel) => [channel.name, turnOf(channel)] as const);
  const [first] = turns;
  const isDegraded = turns.some(([, { health }]) => health !== "ok");
  const turn = turns.length === 1 && first !== undefined ? first[1] : {
    health: isDegraded ? "degraded" as const : "ok" as const,
    channels: Object.fromEntries(turns),
  };
  return healthReport({
    amqp: {
      health: up ? "ok" : "down",
      state,
      server_properties: serverProperties,
      ...(reason !== undefined && { reason }),
    },
    turn,
    cache: cacheOf(channels),
  });
}

function turnOf({ bridge }: Channel): ComponentHealth {
  const { breaker, lastSuccess } = bridge.turnStatus();
  return {
    // Not down: to send us no more of Turn's requests would make nothing better.
    health: breaker === "closed" ? "ok" : "degraded",
    breaker,
    last_success: lastSuccess === undefined ? null : new Date(lastSuccess).toISOString(),
  };
}

/**
 * Of all channels together, as they share one store. Not down: it is known again only when it is
 * used, so nobody is to be kept from using it. The reason is in the log, as it may name paths.
 */
function cacheOf(channels: readonly Channel[]): ComponentHealth {
  const all = channels.map(({ cache }) => cache.status());
  const last = Math.max(...all.map(({ lastFailure }) => lastFailure ?? -Infinity));
  return {
    health: all.some(({ isFailing }) => isFailing) ? "degraded" : "ok",
    last_failure: Number.isFinite(last) ? new Date(last).toISOString() : null,
  };
}

/** Why no message can be taken now; empty if one can. */
export function unready(broker: Broker, isDraining: boolean): readonly string[] {
  const { state } = broker.status();
  return [
    // Blocked means that nothing can be published; `open` also that the queues are consumed.
    ...(state === "open" ? [] : [`the broker is ${state}`]),
    ...(isDraining ? ["the program is stopping"] : []),
  ];
}
