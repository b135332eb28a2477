/**
 * Wires the rooms into the running bridge: what the configuration names is opened in one order and
 * closed in the reverse, also when starting fails half-way.
 *
 * @module
 */

import { Bridge } from "../bridge/mod.ts";
import { AmqpBroker } from "../broker/amqp.ts";
import { MemoryBroker } from "../broker/memory.ts";
import type { Broker } from "../broker/mod.ts";
import { DenoKvMessageCache } from "../cache/deno_kv.ts";
import { MemoryMessageCache } from "../cache/memory.ts";
import type { MessageCache } from "../cache/mod.ts";
import { amqpUrl, type Config } from "../config/mod.ts";
import { Metrics } from "../telemetry/mod.ts";
import { TurnClient } from "../turn/mod.ts";
import { Connector, EXCHANGE } from "../vumi/mod.ts";
import { HttpServer } from "./http.ts";

/** A running bridge. */
export interface Service extends AsyncDisposable {
  /** Where HTTP is served: a URL, or `unix:/path`. */
  readonly address: string;
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
  const connector = new Connector({
    name: config.connector_name,
    concurrency: config.worker_concurrency,
    broker,
    metrics,
  });
  const bridge = new Bridge({
    connector,
    turn,
    cache,
    metrics,
    defaultFromAddr: config.default_from_addr,
    transportType: config.transport_type,
    emptyMessageBody: config.empty_message_body,
    failedStatus: config.failed_status,
    messageTimeoutMs: config.mo_message_url_timeout * 1000,
    statusTimeoutMs: config.event_url_timeout * 1000,
    retry: {
      maxRetries: config.max_retries,
      delayBase: config.retry_delay_base,
      delayExponent: config.retry_delay_exponent,
    },
  });
  const http = opened.use(
    await HttpServer.listen({
      bind: config.http_bind,
      endpoint: {
        path: config.vumi_api_path,
        hmacSecrets: config.turn_hmac_secret,
        maxBodyBytes: config.max_body_bytes,
        requestTimeoutMs: config.request_timeout * 1000,
        accept: bridge.accept,
      },
      broker,
      metrics,
    }),
  );
  // Last, so that a program that can't listen (started twice, say) takes no message off a queue.
  bridge.start();
  const parts = opened.move();
  return {
    address: http.address,
    async drain(deadline: AbortSignal): Promise<void> {
      await Promise.all([http.drain(deadline), bridge.drain(deadline)]);
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function openBroker(config: Config): Broker {
  const url = amqpUrl(config);
  return url === "memory:" ? MemoryBroker.open() : AmqpBroker.open({ url, exchange: EXCHANGE });
}

async function openCache(config: Config): Promise<MessageCache> {
  const { timeout, outbound_timeout, path } = config.message_cache_config;
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
  }
}
