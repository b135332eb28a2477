// Wires one channel from its own parts and from what all channels share.

import { Bridge, type Owners, reportStatesOf } from "../bridge/mod.ts";
import type { Broker } from "../broker/mod.ts";
import type { MessageCache } from "../cache/mod.ts";
import { type ChannelConfig, requestTimeoutMs } from "../config/mod.ts";
import type { MetricsRegistry, QueueWatch, Tracing } from "../telemetry/mod.ts";
import { TurnClient } from "../turn/mod.ts";
import { Connector, queuesOf } from "../vumi/mod.ts";
import { delaysMsOf, faultsOf } from "./channel_queues.ts";
import { contentOptionsOf } from "./content_options.ts";
import { heldSmsPrefetch, smsOptionsOf } from "./sms_options.ts";
import { ussdOptionsOf } from "./ussd_options.ts";
import { watchChannel } from "./watch.ts";

/** Events prefetched for each in work: a status can be left out if a later one is already here. */
const EVENTS_AHEAD = 10;

/** The longest time in hand, even if RabbitMQ's consumer_timeout is longer. */
const MOST_HOLD_MS = 24 * 60 * 60_000;

interface Shared {
  readonly broker: Broker;
  readonly owners: Owners;
  readonly tracing: Tracing | undefined;
  readonly queueWatch: QueueWatch;
  readonly metrics: MetricsRegistry;
  readonly opened: AsyncDisposableStack;
}

export type Channel = ReturnType<typeof openChannel>;

/** Wires a channel; it consumes nothing before {@linkcode Bridge.start}. */
export function openChannel(
  config: ChannelConfig,
  cache: MessageCache,
  { broker, owners, tracing, queueWatch, metrics: registry, opened }: Shared,
) {
  const metrics = registry.channel(config.connector_name);
  cache.metrics = metrics;
  const turn = opened.use(
    new TurnClient({
      apiUrl: config.turn_api_url,
      authToken: config.auth_token,
      statusFormat: config.status_format,
      isTraced: tracing !== undefined,
    }),
  );
  // Before anything can be published: then the queue is there once the broker is.
  broker.declare(queuesOf(config.connector_name).outbound);
  const connector = new Connector({
    name: config.connector_name,
    inboundPrefetch: config.worker_concurrency,
    eventPrefetch: config.worker_concurrency * EVENTS_AHEAD,
    heldSmsPrefetch: heldSmsPrefetch(config),
    broker,
    tracing,
  });
  const { requestRules, timeouts, quickRetries } = changeable(config);
  const content = contentOptionsOf(config);
  const ussd = ussdOptionsOf(config);
  const sms = smsOptionsOf(config);
  const bridgeOptions = {
    connector,
    turn,
    cache,
    owners,
    metrics,
    defaultFromAddr: config.default_from_addr,
    transportType: config.transport_type,
    emptyMessageBody: config.empty_message_body,
    content,
    ussd,
    sms,
    ...toldOptionsOf(config),
    failedStatus: config.failed_status,
    ...timeouts,
    retry: { ...quickRetries, delaysMs: delaysMsOf(config) },
    retryForMs: config.retry_for * 1000,
    ussdRetryForMs: config.ussd_retry_for * 1000,
    compactStatuses: config.compact_statuses,
    dedupeWindowMs: config.outbound_dedupe_window * 1000,
    concurrency: config.worker_concurrency,
    holdMs: Math.min(config.amqp.consumer_timeout * 1000 / 2, MOST_HOLD_MS),
  };
  const bridge = opened.use(new Bridge(bridgeOptions));
  const endpoint = {
    connector: config.connector_name,
    path: config.vumi_api_path,
    ...requestRules,
    accept: bridge.accept,
  };
  watchChannel(metrics, { config, broker, queueWatch, bridge, cache });
  return {
    name: config.connector_name,
    transportType: config.transport_type,
    metrics,
    bridge,
    endpoint,
    cache,
    /** What is wrong with its queues, by name, for an operator. */
    faults: () => faultsOf(config, broker.status()),
    /** Applies a change, as far as that needs no restart: the parts read their options at each use. */
    reload(changed: ChannelConfig): void {
      const { requestRules, timeouts, quickRetries } = changeable(changed);
      turn.setAuthToken(changed.auth_token);
      Object.assign(endpoint, requestRules);
      Object.assign(bridgeOptions, timeouts, toldOptionsOf(changed));
      Object.assign(content, contentOptionsOf(changed));
      Object.assign(ussd, ussdOptionsOf(changed));
      Object.assign(sms, smsOptionsOf(changed));
      Object.assign(bridgeOptions.retry, quickRetries);
    },
  };
}

/** What the configuration says of what Turn is told of users and of messages to them. */
function toldOptionsOf({ contact_ids, report_states }: ChannelConfig) {
  return { contactIds: contact_ids, reportStates: reportStatesOf(report_states) };
}

/** The options that can change while the channel runs. */
function changeable(config: ChannelConfig) {
  return {
    requestRules: {
      hmacSecrets: config.turn_hmac_secret,
      maxBodyBytes: config.max_body_bytes,
      requestTimeoutMs: requestTimeoutMs(config),
    },
    timeouts: {
      messageTimeoutMs: config.mo_message_url_timeout * 1000,
      statusTimeoutMs: config.event_url_timeout * 1000,
    },
    quickRetries: {
      maxRetries: config.max_retries,
      delayBase: config.retry_delay_base,
      delayExponent: config.retry_delay_exponent,
    },
  };
}
