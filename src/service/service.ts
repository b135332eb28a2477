// Wires the rooms into the running program: its parts are opened in one order and closed in the
// reverse, also when starting fails half-way.

import { within } from "../async/mod.ts";
import { AmqpBroker } from "../broker/rabbitmq/rabbitmq_broker.ts";
import { MemoryBroker } from "../broker/memory/memory_broker.ts";
import type { Broker } from "../broker/mod.ts";
import { Owners } from "../bridge/mod.ts";
import { amqpUrls, type Config } from "../config/mod.ts";
import {
  type LogFigures,
  LoopLag,
  MetricsRegistry,
  startTracing,
  type TracedBroker,
} from "../telemetry/mod.ts";
import { Activity } from "./activity.ts";
import { brokerOptions } from "./broker_options.ts";
import { watchCaches } from "./cache_watch.ts";
import { openCaches } from "./caches.ts";
import { type Channel, openChannel } from "./channel.ts";
import { healthOf, unready } from "./health.ts";
import { HttpServer } from "./http.ts";
import { openApiDocument } from "./openapi.ts";
import { adminRoutes, type Operation, publicRoutes } from "./routes.ts";
import { statesOf, statusOf } from "./status.ts";
import { watchProgram, watchQueues } from "./watch.ts";

export type Service = Awaited<ReturnType<typeof startService>>;

interface ServiceOptions {
  /** Instead of the one that the configuration names. */
  readonly broker?: Broker;
  /** The state of the log, if there is one. */
  readonly log?: LogFigures;
  /** What was compiled, if it was. */
  readonly commit?: string | undefined;
}

const NO_LOG: LogFigures = { lost: 0, stalledMs: 0 };

/**
 * Starts a bridge. It waits a moment for a broker that is away, and then goes on connecting.
 * @throws {CacheError} If the cache can't be opened.
 * @throws {ListenError} If the address can't be listened on.
 */
export async function startService(
  config: Config,
  { broker = openBroker(config), log = NO_LOG, commit }: ServiceOptions = {},
) {
  await using opened = new AsyncDisposableStack();
  opened.use(broker);
  const loopLag = opened.use(new LoopLag());
  const tracing = await startTracing(tracedBroker(config));
  const queueWatch = opened.use(watchQueues(config.channels, broker));
  const metrics = new MetricsRegistry(commit);
  watchProgram(metrics, { broker, queueWatch, loopLag, log });
  const caches = await openCaches(config.channels, opened);
  if (config.message_cache_class !== "MemoryMessageCache") {
    opened.use(watchCaches([...caches.of.values()]));
  }
  const owners = new Owners(caches.shared);
  const shared = { broker, owners, tracing, queueWatch, metrics, opened };
  const channels = [...caches.of].map(([channel, cache]) => openChannel(channel, cache, shared));
  const activity = opened.use(new Activity(channels, () => statesOf(broker, channels, log)));
  const started = Date.now();
  let isDraining = false;
  const operation = {
    health: () => healthOf(broker, channels),
    unready: () => unready(broker, channels, isDraining),
    status: async () => {
      await queueWatch.refresh();
      return statusOf({ broker, channels, queueWatch, activity, log, started });
    },
    metrics: () => metrics.text(),
    openApi: openApiDocument({
      paths: channels.map(({ endpoint }) => endpoint.path),
      statusFormats: config.channels.map(({ status_format }) => status_format),
    }),
  };
  const { http, admin } = await listen(opened, config, channels, operation);
  // It may take longer than the start; if it rejects, that is a bug.
  const consuming = consumeWhenConnected(broker, channels, () => isDraining).catch(reportError);
  await within(consuming, BROKER_MS);
  const parts = opened.move();
  return {
    /** A URL, or `unix:/path`. */
    address: http.address,
    /** Undefined if operators are answered at `address`. */
    adminAddress: admin?.address,
    /** Puts a changed configuration in force, as far as that needs no restart. */
    reload({ channels: changed }: Config): void {
      // A single one may have a new name, which needs a restart, and new secrets, which do not.
      const isOnly = changed.length === 1 && channels.length === 1;
      for (const channel of changed) {
        channels.find(({ name }) => isOnly || name === channel.connector_name)?.reload(channel);
      }
    },
    /** Takes no new work and finishes what is in progress, until `deadline` fires. */
    async drain(deadline: AbortSignal): Promise<void> {
      isDraining = true;
      const drained = channels.map(({ bridge }) => bridge.drain(deadline));
      await Promise.all([http.drain(deadline), ...drained]);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      isDraining = true;
      await parts.disposeAsync();
    },
  };
}

/** How long a start waits for the broker before the service counts as started. */
const BROKER_MS = 2_000;

/**
 * A start first listens, so that a program that was started twice consumes nothing; then it publishes;
 * and then it consumes, as Turn's answer to the first message would be refused otherwise. Requests
 * that come earlier wait until they can be published.
 */
async function consumeWhenConnected(
  broker: Broker,
  channels: readonly Channel[],
  isDraining: () => boolean,
): Promise<void> {
  await broker.connected();
  if (isDraining()) return;
  for (const { bridge } of channels) bridge.start();
}

/** Listens. Operators get answers to the end: their server, if any, is closed first of all. */
async function listen(
  opened: AsyncDisposableStack,
  { http_bind, admin_bind }: Config,
  channels: readonly Channel[],
  operation: Operation,
) {
  const endpoints = channels.map(({ endpoint }) => endpoint);
  const app = publicRoutes(endpoints, admin_bind === undefined ? operation : undefined);
  const http = opened.use(await HttpServer.listen("http_bind", http_bind, app));
  if (admin_bind === undefined) return { http, admin: undefined };
  const admin = await HttpServer.listen("admin_bind", admin_bind, adminRoutes(operation));
  return { http, admin: opened.use(admin) };
}

/** The broker's address for spans, without the user; of several nodes the first. */
function tracedBroker(config: Config): TracedBroker {
  const { protocol, hostname, port } = new URL(amqpUrls(config)[0] ?? "memory:");
  if (protocol === "memory:") return { system: "memory", host: "", port: 0 };
  return {
    system: "rabbitmq",
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port) || (protocol === "amqps:" ? 5671 : 5672),
  };
}

function openBroker(config: Config): Broker {
  const options = brokerOptions(config);
  return options === undefined ? MemoryBroker.open() : AmqpBroker.open(options);
}
