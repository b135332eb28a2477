// `turn-channels check`: what the configuration says, and whether what it names will do. It sends
// nothing to Turn, and leaves the queues and the cache as they are, but that missing queues are
// declared, as a start would.

import { styleText } from "node:util";
import type { Browser } from "../broker/mod.ts";
import { checkAmqp } from "../broker/rabbitmq/check/check.ts";
import { checkDenoKv } from "../cache/deno_kv/check.ts";
import {
  amqpUrls,
  type ChannelConfig,
  type Config,
  formatBind,
  redactedConfig,
  type Warning,
} from "../config/mod.ts";
import { brokerOptions } from "../service/broker_options.ts";
import { redisPrefix, redisServer } from "../service/caches.ts";
import { delaysMsOf } from "../service/channel_queues.ts";
import type { Finding } from "../telemetry/mod.ts";
import { askTurn } from "../turn/mod.ts";
import { findPartitions, queuesOf } from "../vumi/mod.ts";
import { TIMEOUT_MS } from "./config_command.ts";
import { checkEndpoint } from "./endpoint_check.ts";
import { EXIT } from "./exit_codes.ts";
import { formatTable, print } from "./print.ts";
import { addressLines, ussdFindings, ussdLines } from "./ussd_words.ts";

/** Checks everything and prints the results; returns the exit code. */
export async function check(config: Config, warnings: readonly Warning[]): Promise<number> {
  print(summary(config));
  const tried = await Promise.all([
    checkBroker(config),
    cacheOf(config).check(),
    checkTurn(config),
    ...config.channels.map((channel) => checkEndpoint(channel)),
  ]);
  const findings: readonly Finding[] = [
    ...publicFindings(config),
    ...config.channels.flatMap(ussdFindings),
    ...warnings.map(({ key, message }) => ({ subject: key, ok: undefined, detail: message })),
    ...tried.flat(),
  ];
  const rows = findings.map((
    { subject, ok, detail, fix },
  ) => [mark(ok), subject, detail, fix ?? ""]);
  print(formatTable(["", "", "found", "to fix it"], rows, [4, 26, 44, 44]));
  return findings.every(({ ok }) => ok !== false) ? EXIT.ok : EXIT.findings;
}

/** What is told to everybody, and need not be. */
function publicFindings({ http_bind, admin_bind }: Config): readonly Finding[] {
  if (admin_bind !== undefined) return [];
  const bind = formatBind(http_bind);
  return [{
    subject: "admin_bind",
    ok: undefined,
    detail: `not set: whoever can reach ${bind} can read /metrics, /health, /readyz, /openapi.json`,
    fix:
      "set admin_bind to an address for operators, such as 127.0.0.1:8081; or have the reverse " +
      "proxy pass on no other paths than those of Turn's requests",
  }];
}

/** Asks Turn once with each address and token. */
async function checkTurn({ channels }: Config): Promise<readonly Finding[]> {
  const asked = new Map(channels.map(({ turn_api_url: apiUrl, auth_token: authToken }) => [
    `${apiUrl} ${authToken}`,
    { apiUrl, authToken, timeoutMs: TIMEOUT_MS },
  ]));
  return (await Promise.all([...asked.values()].map((turn) => askTurn(turn)))).flat();
}

function summary(config: Config): string {
  const { timeout, outbound_timeout } = config.message_cache_config;
  const kept = `${cacheOf(config).place}; inbound ${timeout} s, outbound ${outbound_timeout} s`;
  const lines: readonly (readonly [what: string, how: string])[] = [
    ["listen on", formatBind(config.http_bind)],
    ...config.channels.flatMap(channelLines),
    ["use the broker", brokerPlace(config)],
    ["keep messages in", kept],
  ];
  const rows = lines.map(([what, how]) => `  ${what.padEnd(18)}${how}\n`);
  return `With this configuration turn-channels will\n${rows.join("")}\n`;
}

function channelLines(channel: ChannelConfig): readonly (readonly [string, string])[] {
  const { connector_name, vumi_api_path, turn_api_url, status_format } = channel;
  const queues = queuesOf(connector_name);
  return [
    ["take from Turn", `POST ${vumi_api_path}/messages, as ${queues.outbound}`],
    ["send to Turn", `${queues.inbound} as POST ${turn_api_url}/messages`],
    ["", `${queues.event} as POST ${turn_api_url}/statuses (${status_format})`],
    ["hold for USSD in", queues.held],
    ["park in", [queues.inboundParked, queues.eventParked, queues.heldParked].join(", ")],
    ...addressLines(channel).map((line) => ["", line] as const),
    ...ussdLines(channel).map((line, index) => [index === 0 ? "on USSD" : "", line] as const),
  ];
}

function brokerPlace(config: Config): string {
  if (brokerOptions(config) === undefined) return "inside the process (memory:)";
  const { amqp_url } = redactedConfig(config);
  if (amqp_url) return amqp_url;
  const hosts = amqpUrls(config).map((url) => new URL(url).host);
  return `${hosts.join(", ")} as ${config.amqp.username}, vhost ${config.amqp.vhost}`;
}

async function checkBroker(config: Config): Promise<readonly Finding[]> {
  const server = brokerOptions(config);
  if (server === undefined) {
    const detail = "inside the process, where no transport can reach it";
    return [{ subject: "broker", ok: true, detail }];
  }
  const connectors = config.channels.map(({ connector_name }) => connector_name);
  const channels = connectors.map(queuesOf);
  return await checkAmqp({
    ...server,
    consumeQueues: channels.flatMap(({ inbound, event, held }) => [inbound, event, held]),
    boundOwn: new Set(channels.map(({ held }) => held)),
    publishQueues: channels.map(({ outbound }) => outbound),
    leadQueues: connectors.map((connector) => ({ connector, queue: queuesOf(connector).lead })),
    ownQueues: channels.flatMap((its) => [its.inboundParked, its.eventParked, its.heldParked]),
    delaysMs: config.channels.flatMap(delaysMsOf),
    lookFurther: async (broker) => {
      const found = await Array.fromAsync(connectors, (name) => checkPartitions(name, broker));
      return found.flat();
    },
    timeoutMs: TIMEOUT_MS * channels.length,
  });
}

/** Messages that earlier versions left in partitions of a channel's queues. */
async function checkPartitions(connector: string, broker: Pick<Browser, "depth">) {
  const partitions = await findPartitions(connector, broker);
  return [...Map.groupBy(partitions, ({ of }) => of)].map(([queue, its]) => {
    const waiting = its.reduce((sum, { waiting }) => sum + waiting, 0);
    const names = its.map(({ name }) => name).join(", ");
    return {
      subject: `old queues of ${queue}`,
      ok: undefined,
      detail: `${waiting} messages of an earlier version wait where nobody takes them: ${names}`,
      fix: "turn-channels parked replay-partitions brings them back",
    };
  });
}

/** Where the cache is, in words, and how to check it. */
function cacheOf(config: Config) {
  const { path } = config.message_cache_config;
  switch (config.message_cache_class) {
    case "DenoKvMessageCache":
      return { place: path, check: () => checkDenoKv(path) };
    case "RedisMessageCache": {
      const place = redactedConfig(config)["message_cache_config.url"] ?? "";
      const check = async (): Promise<readonly Finding[]> => {
        const { checkRedis } = await import("../cache/redis/check.ts");
        const keyPrefix = redisPrefix(config);
        return [await checkRedis({ ...redisServer(config), keyPrefix, timeoutMs: TIMEOUT_MS })];
      };
      return { place, check };
    }
    case "MemoryMessageCache": {
      const detail = "in memory: a restart loses it, and with it replies and statuses";
      const finding = { subject: "cache", ok: true, detail };
      return { place: "memory", check: () => Promise.resolve([finding]) };
    }
  }
}

function mark(ok: boolean | undefined): string {
  const [sign, colour] = ok === undefined ? QUESTIONABLE : ok ? GOOD : BAD;
  return Deno.stdout.isTerminal() ? styleText(colour, sign, { validateStream: false }) : sign;
}

const GOOD = ["✓", "green"] as const;
const BAD = ["✗", "red"] as const;
const QUESTIONABLE = ["!", "yellow"] as const;
