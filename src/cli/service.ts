/**
 * Wires the rooms into the running bridge: what the configuration names is opened in one order and
 * closed in the reverse, also when starting fails half-way.
 *
 * @module
 */

import type { Hono } from "hono";
import { Bridge, type BridgeOptions } from "../bridge/mod.ts";
import { AmqpBroker } from "../broker/amqp.ts";
import { MemoryBroker } from "../broker/memory.ts";
import type { Broker } from "../broker/mod.ts";
import { DenoKvMessageCache } from "../cache/deno_kv.ts";
import { MemoryMessageCache } from "../cache/memory.ts";
import type { MessageCache } from "../cache/mod.ts";
import { RedisMessageCache } from "../cache/redis.ts";
import { amqpUrl, type Config } from "../config/mod.ts";
import { type HealthReport, healthReport, Metrics } from "../telemetry/mod.ts";
import { type EndpointOptions, TurnClient } from "../turn/mod.ts";
import { Connector, EXCHANGE } from "../vumi/mod.ts";
import { HttpServer } from "./http.ts";
import { openApiDocument } from "./openapi.ts";
import type { Reloadable } from "./reload.ts";
import { adminRoutes, type Operation, publicRoutes } from "./routes.ts";

/**
 * Events in hand for each that is in work: those that wait for the rate limit are seen, and left out
 * when a further one has come.
 */
const EVENTS_AHEAD = 10;

/** A running bridge. */
export interface Service extends AsyncDisposable, Reloadable {
  /** Where HTTP is served: a URL, or `unix:/path`. */
  readonly address: string;
  /** Where operators are answered, if not there. */
  readonly adminAddress: string | undefined;
  /** Takes nothing new and finishes what is in work, until `deadline` fires. */
  drain(deadline: AbortSignal): Promise<void>;
}

/**
 * Opens all that `config` names and starts. A broker that is away is waited for later.
 *
 * @param broker In place of the one that the configuration names.
 * @throws {CacheError} If the cache can't be opened.
 * @throws {ListenError} If the address can't be listened on.
 */
export async function startService(
  config: Config,
  broker: Broker = openBroker(config),
): Promise<Service> {
  await using opened = new AsyncDisposableStack();
  opened.use(broker);
  const cache = opened.use(await openCache(config));
  const metrics = new Metrics();
  const turn = opened.use(
    new TurnClient({
      apiUrl: config.turn_api_url,
      authToken: config.auth_token,
      statusFormat: config.status_format,
    }),
  );
  const delaysMs = config.retry_schedule.map((seconds) => Math.round(seconds * 1000));
  const connector = new Connector({
    name: config.connector_name,
    inboundPrefetch: config.worker_concurrency,
    eventPrefetch: config.worker_concurrency * EVENTS_AHEAD,
    delaysMs,
    broker,
  });
  const bridgeOptions = {
    connector,
    turn,
    cache,
    metrics,
    defaultFromAddr: config.default_from_addr,
    transportType: config.transport_type,
    emptyMessageBody: config.empty_message_body,
    failedStatus: config.failed_status,
    ...timeoutsOf(config),
    retry: { ...quickRetriesOf(config), delaysMs },
    retryForMs: config.retry_for * 1000,
    ussdRetryForMs: config.ussd_retry_for * 1000,
    compactStatuses: config.compact_statuses,
    dedupeWindowMs: config.outbound_dedupe_window * 1000,
    concurrency: config.worker_concurrency,
  };
  const bridge = new Bridge(bridgeOptions);
  const endpoint = {
    path: config.vumi_api_path,
    ...requestRulesOf(config),
    accept: bridge.accept,
  };
  let isDraining = false;
  const { http, admin } = await listen(opened, config, endpoint, {
    health: () => bridgeHealth(broker, bridge),
    unready: () => unready(broker, isDraining),
    metrics,
    openApi: openApiDocument({ path: endpoint.path, statusFormat: config.status_format }),
  });
  // Last, so that a program that can't listen (started twice, say) takes no message off a queue.
  bridge.start();
  const parts = opened.move();
  return {
    address: http.address,
    adminAddress: admin?.address,
    // The parts look into their options again and again, so it is enough to change those.
    reload(changed: Config): void {
      turn.setAuthToken(changed.auth_token);
      Object.assign(endpoint, requestRulesOf(changed));
      Object.assign(bridgeOptions, timeoutsOf(changed));
      Object.assign(bridgeOptions.retry, quickRetriesOf(changed));
    },
    async drain(deadline: AbortSignal): Promise<void> {
      isDraining = true;
      await Promise.all([http.drain(deadline), bridge.drain(deadline)]);
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Operators get answers to the end: their server, if they have one, is closed first of all. */
async function listen(
  opened: AsyncDisposableStack,
  config: Config,
  endpoint: EndpointOptions,
  operation: Operation,
): Promise<{ readonly http: HttpServer; readonly admin: HttpServer | undefined }> {
  const { http_bind, admin_bind } = config;
  const open = async (
    key: "http_bind" | "admin_bind",
    bind: Config["http_bind"],
    routes: Hono,
  ): Promise<HttpServer> => {
    const handler = (request: Request): Response | Promise<Response> => routes.fetch(request);
    return opened.use(await HttpServer.listen({ key, bind, handler }));
  };
  if (admin_bind === undefined) {
    const routes = publicRoutes(endpoint, operation);
    return { http: await open("http_bind", http_bind, routes), admin: undefined };
  }
  const http = await open("http_bind", http_bind, publicRoutes(endpoint));
  return { http, admin: await open("admin_bind", admin_bind, adminRoutes(operation)) };
}

function unready(broker: Broker, isDraining: boolean): readonly string[] {
  const { state } = broker.status();
  return [
    // Blocked means that nothing can be published; `open` also that the queues are consumed.
    ...(state === "open" ? [] : [`the broker is ${state}`]),
    ...(isDraining ? ["the program is stopping"] : []),
  ];
}

function requestRulesOf(
  config: Config,
): Pick<EndpointOptions, "hmacSecrets" | "maxBodyBytes" | "requestTimeoutMs"> {
  return {
    hmacSecrets: config.turn_hmac_secret,
    maxBodyBytes: config.max_body_bytes,
    requestTimeoutMs: config.request_timeout * 1000,
  };
}

function timeoutsOf(config: Config): Pick<BridgeOptions, "messageTimeoutMs" | "statusTimeoutMs"> {
  return {
    messageTimeoutMs: config.mo_message_url_timeout * 1000,
    statusTimeoutMs: config.event_url_timeout * 1000,
  };
}

function quickRetriesOf(config: Config): Omit<BridgeOptions["retry"], "delaysMs"> {
  return {
    maxRetries: config.max_retries,
    delayBase: config.retry_delay_base,
    delayExponent: config.retry_delay_exponent,
  };
}

function bridgeHealth(broker: Broker, bridge: Bridge): HealthReport {
  const { state, serverProperties } = broker.status();
  const { breaker, lastSuccess } = bridge.turnStatus();
  // Blocked is the broker's trouble, of which publishers are told; restarting us would mend nothing.
  const up = state === "open" || state === "blocked";
  return healthReport({
    amqp: { health: up ? "ok" : "down", state, server_properties: serverProperties },
    turn: {
      // Not down: to send us no more of Turn's requests would make nothing better.
      health: breaker === "closed" ? "ok" : "degraded",
      breaker,
      last_success: lastSuccess === undefined ? null : new Date(lastSuccess).toISOString(),
    },
  });
}

function openBroker(config: Config): Broker {
  const url = amqpUrl(config);
  return url === "memory:" ? MemoryBroker.open() : AmqpBroker.open({ url, exchange: EXCHANGE });
}

/** Opens the cache that the configuration names. */
export async function openCache(config: Config): Promise<MessageCache> {
  const { timeout, outbound_timeout, path, url } = config.message_cache_config;
  const lifetimes = { inboundTtlMs: timeout * 1000, outboundTtlMs: outbound_timeout * 1000 };
  switch (config.message_cache_class) {
    case "MemoryMessageCache":
      return new MemoryMessageCache(lifetimes);
    case "DenoKvMessageCache":
      return await DenoKvMessageCache.open({
        ...lifetimes,
        path,
        namespace: config.connector_name,
      });
    case "RedisMessageCache":
      return await RedisMessageCache.open({ ...lifetimes, url, keyPrefix: redisPrefix(config) });
  }
}

/** What the keys of this channel begin with on Redis. */
export function redisPrefix({ connector_name, message_cache_config }: Config): string {
  return `${message_cache_config.key_prefix}${connector_name}:`;
}
