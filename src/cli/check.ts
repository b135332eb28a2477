// `turn-channels check`: what the configuration says, and whether what it names will do. It sends
// nothing to Turn, and leaves the queues and the cache as they are, but that missing queues are
// declared, as a start would; with `--dry` none are.

import type { Browser } from "../broker/mod.ts";
import { checkAmqp } from "../broker/rabbitmq/check/check.ts";
import { checkDenoKv } from "../cache/deno_kv/check.ts";
import {
  type ChannelConfig,
  type Config,
  type ConfigPlace,
  formatBind,
  redactedConfig,
  type Warning,
} from "../config/mod.ts";
import { brokerOptions } from "../service/broker_options.ts";
import { brokerPlace } from "./broker_place.ts";
import { redisPrefix, redisServer } from "../service/caches.ts";
import { delaysMsOf } from "../service/channel_queues.ts";
import type { Finding } from "../telemetry/mod.ts";
import { askTurn } from "../turn/mod.ts";
import { findPartitions, queuesOf } from "../vumi/mod.ts";
import { TIMEOUT_MS, withConfig } from "./config_command.ts";
import { checkEndpoint } from "./endpoint_check.ts";
import { EXIT } from "./exit_codes.ts";
import { checkBinds, checkFiles } from "./check_machine.ts";
import { formatReport, hanging, jsonReport } from "./check_report.ts";
import { valueFindings } from "./check_values.ts";
import { print } from "./print.ts";
import { smsLines } from "./sms_words.ts";
import { addressLines, ussdFindings, ussdLines } from "./ussd_words.ts";

export interface CheckOptions {
  /** Whether nothing is made on the broker. */
  readonly dry: boolean;
  readonly json: boolean;
}

/** Checks everything and prints the results; returns the exit code. */
export async function check(
  config: Config,
  warnings: readonly Warning[],
  file: ConfigPlace | undefined,
  { dry, json }: CheckOptions,
): Promise<number> {
  const tried = await Promise.all([
    checkBinds(config),
    checkFiles(config, file?.path),
    checkBroker(config, dry),
    cacheOf(config).check(),
    checkTurn(config),
    ...config.channels.map(async (channel) => {
      return { channel: channel.connector_name, ...await checkEndpoint(channel) };
    }),
  ]);
  const found: readonly Finding[] = [
    ...valueFindings(config),
    ...publicFindings(config),
    ...config.channels.flatMap(ussdFindings),
    ...warnings.map((warning) => warningFinding(warning, config)),
    ...tried.flat(),
  ];
  const findings = found.map((one) => {
    return one.fix === undefined ? one : { ...one, fix: withConfig(one.fix, file) };
  });
  print(json ? jsonReport(findings) : formatReport({ findings, summary: summary(config) }));
  return findings.every(({ ok }) => ok !== false) ? EXIT.ok : EXIT.findings;
}

/** A warning, with the channel in whose entry of the list it is. */
function warningFinding({ message }: Warning, { channels }: Config): Finding {
  const [, index] = /channels\[(\d+)\]/.exec(message) ?? [];
  const channel = index === undefined ? undefined : channels[Number(index)]?.connector_name;
  return {
    ...channel !== undefined && { channel },
    subject: "setting",
    ok: undefined,
    detail: message,
  };
}

/** What is told to everybody, and need not be. */
function publicFindings({ http_bind, admin_bind }: Config): readonly Finding[] {
  if (admin_bind !== undefined) return [];
  const bind = formatBind(http_bind);
  return [{
    subject: "admin_bind",
    ok: undefined,
    detail:
      `not set: whoever can reach ${bind} can read /metrics, /health, /readyz, /status, /openapi.json`,
    fix:
      "set admin_bind to an address for operators, such as 127.0.0.1:8081; or have the reverse " +
      "proxy pass on no other paths than those of Turn's requests",
  }];
}

/** Asks Turn once with each address and token. */
async function checkTurn({ channels }: Config): Promise<readonly Finding[]> {
  const same = Map.groupBy(
    channels,
    ({ turn_api_url, auth_token }) => `${turn_api_url} ${auth_token}`,
  );
  const asked = await Promise.all([...same.values()].map(async ([first, ...others]) => {
    if (first === undefined) return [];
    const { turn_api_url: apiUrl, auth_token: authToken } = first;
    const channel = [first, ...others].map(({ connector_name }) => connector_name).join(", ");
    const found = await askTurn({ apiUrl, authToken, timeoutMs: TIMEOUT_MS });
    return found.map((finding) => ({ channel, ...finding }));
  }));
  return asked.flat();
}

function summary(config: Config): string {
  const { timeout, outbound_timeout } = config.message_cache_config;
  const kept = `${cacheOf(config).place}; inbound ${timeout} s, outbound ${outbound_timeout} s`;
  const format = (lines: readonly Line[]): string =>
    lines.map(([what, how]) => `  ${hanging(`${what.padEnd(LABEL)}${how}`, 78)}\n`).join("");
  const channels = config.channels.map((channel) =>
    `and for the channel ${channel.connector_name}\n${format(channelLines(channel))}`
  );
  const shared = format([
    ["listen on", formatBind(config.http_bind)],
    ["use the broker", brokerPlace(config)],
    ["keep messages in", kept],
  ]);
  return `With this configuration turn-channels will\n${shared}${channels.join("")}\n`;
}

type Line = readonly [what: string, how: string];

const LABEL = 18;

function channelLines(channel: ChannelConfig): readonly Line[] {
  const { connector_name, vumi_api_path, turn_api_url, status_format } = channel;
  const queues = queuesOf(connector_name);
  return [
    ["take from Turn", `POST ${vumi_api_path}/messages, as ${queues.outbound}`],
    ["use Turn at", turn_api_url],
    ["send to Turn", `${queues.inbound} as POST …/messages`],
    ["", `${queues.event} as POST …/statuses (${status_format})`],
    ["hold for USSD in", queues.held],
    ["hold SMS in", queues.heldSms],
    ["park in", [queues.inboundParked, queues.eventParked, queues.heldParked].join(", ")],
    ...addressLines(channel).map((line) => ["", line] as const),
    ...ussdLines(channel).map((line, index) => [index === 0 ? "on USSD" : "", line] as const),
    ...smsLines(channel).map((line, index) => [index === 0 ? "by SMS" : "", line] as const),
  ];
}

async function checkBroker(config: Config, isDry: boolean): Promise<readonly Finding[]> {
  const server = brokerOptions(config);
  if (server === undefined) {
    const detail = "inside the process, where no transport can reach it";
    return [{ subject: "broker", ok: true, detail }];
  }
  const connectors = config.channels.map(({ connector_name }) => connector_name);
  const channels = connectors.map(queuesOf);
  const owners = connectors.flatMap((connector) =>
    Object.values({ ...queuesOf(connector) }).map((queue) => [queue, connector] as const)
  );
  return await checkAmqp({
    ...server,
    consumeQueues: channels.flatMap((its) => [its.inbound, its.event, its.held, its.heldSms]),
    boundOwn: new Set(channels.flatMap(({ held, heldSms }) => [held, heldSms])),
    publishQueues: channels.map(({ outbound }) => outbound),
    leadQueues: connectors.map((connector) => ({ connector, queue: queuesOf(connector).lead })),
    ownQueues: channels.flatMap((its) => [its.inboundParked, its.eventParked, its.heldParked]),
    delaysMs: config.channels.flatMap(delaysMsOf),
    connectors: new Map(owners),
    isDry,
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
      channel: connector,
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
      const detail = "in memory; replies and statuses are lost by a restart";
      const finding = { subject: "cache", ok: true, detail };
      return { place: "memory", check: () => Promise.resolve([finding]) };
    }
  }
}
