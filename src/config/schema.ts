// The configuration's one schema: every key with its kind, default and meaning. The type comes from
// here, and through keys.ts the flags, environment variables, help and reference. Names and defaults:
// turn_channels_api.rst, and vumi2's src/vumi2/config.py for what every worker has.

import * as z from "zod";
import * as k from "./kinds.ts";
import { phone } from "./phone.ts";
import { smsFallbackRules } from "./sms_fallback.ts";
import type { TlsFiles } from "./tls_files.ts";
import { ussdRules } from "./ussd_keys.ts";

const DAY = 86_400;
const YEAR = 365 * DAY;
const cacheClasses = k.oneOf(
  ["MemoryMessageCache", "DenoKvMessageCache", "RedisMessageCache"],
  (name) => name.slice(name.lastIndexOf(".") + 1), // vumi2's files have vumi2.message_caches.X
);
const logLevels = k.oneOf(
  ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
  (level) => level.toUpperCase(),
);

const channel = {
  connector_name: k.queueName.describe(
    "Names the queues: messages and events are taken from NAME.inbound and NAME.event, messages go to NAME.outbound.",
  ),
  default_from_addr: k.text.describe(
    "Address that messages come from if Turn's request names none.",
  ),
  transport_type: k.transportTypes.default("sms").describe(
    "Transport type of messages that are no replies.",
  ),
  empty_message_body: k.text.optional().describe(
    "What Turn gets for an inbound message without text, because it refuses empty ones. If not set: the address written to (for USSD the dialled code), or default_from_addr where there is none.",
  ),
};

const fromTurn = {
  http_bind: k.bind.describe(
    "Where to listen for Turn's requests and health checks. Port 0 is any free one.",
  ),
  admin_bind: k.bind.optional().describe(
    "Where to answer operators (/metrics, /health, /readyz, /status, /openapi.json), apart from the public. If not set: on http_bind.",
  ),
  vumi_api_path: k.urlPath.default("").describe(
    "Path before /messages, where Turn sends its requests.",
  ),
  turn_hmac_secret: k.signingSecrets.describe(
    "Secret with which Turn signs its requests; or set turn_hmac_secret_file. While it is being replaced, list the old and the new one.",
  ),
  turn_hmac_secret_file: k.secretPath.default("").describe(
    "File that holds turn_hmac_secret instead; several, one a line.",
  ),
  request_timeout: k.seconds(DAY).default(4.5).describe(
    "Longest time for a request from Turn, which waits for 5 seconds: more than 4.5 counts as 4.5.",
  ),
  outbound_dedupe_window: k.secondsOrZero(DAY).default(0).describe(
    "How long a request that may not have been answered is recognised when Turn repeats it, in seconds; 0 for never.",
  ),
  max_body_bytes: k.integer(1, 16 * 1024 * 1024).default(1024 * 1024).describe(
    "Largest body of a request from Turn, in bytes.",
  ),
};

const toTurn = {
  turn_api_url: k.httpUrl.describe(
    "Base of Turn's API, to which /messages and /statuses are added.",
  ),
  auth_token: k.token.describe("Token for Turn's API, sent as bearer token; or auth_token_file."),
  auth_token_file: k.secretPath.default("").describe("File that holds auth_token instead."),
  mo_message_url_timeout: k.seconds(DAY).default(10).describe(
    "Longest time for each attempt to hand Turn an inbound message.",
  ),
  event_url_timeout: k.seconds(DAY).default(10).describe(
    "Longest time for each attempt to hand Turn a status.",
  ),
  max_retries: k.integer(0).default(3).describe(
    "How often a failed request to Turn is tried again.",
  ),
  retry_delay_base: k.integer(0).default(2).describe(
    "The wait before retry n (from 0) is a random whole number of seconds below base ** (n * exponent). This is the base.",
  ),
  retry_delay_exponent: k.integer(0).default(2).describe("The exponent in the same formula."),
  retry_schedule: k.secondsList(30 * DAY).default([5, 60, 300, 1800, 7200, 21_600, 43_200])
    .describe(
      "After that, how long a failed message waits in a delay queue before each further attempt; the last is repeated.",
    ),
  retry_for: k.secondsOrZero(YEAR).default(259_200).describe(
    "How long after its first failure a message or status is tried again; then it is parked.",
  ),
  ussd_retry_for: k.secondsOrZero(YEAR).default(120).describe(
    "The same for messages from USSD, whose sessions do not live longer.",
  ),
  status_format: k.oneOf(["flat", "nested"]).default("flat").describe(
    "Form of statuses: flat as in Turn's documentation, or nested in {status: ...} as vumi2 sends them.",
  ),
  failed_status: k.oneOf(["sent", "failed"]).default("sent").describe(
    "Status that Turn gets for a message that failed.",
  ),
  compact_statuses: k.yesOrNo.default(true).describe(
    "Whether a status is left out when a later one of the same message is already waiting.",
  ),
};

const tls = z.object({
  ca_file: k.filePath.default("").describe(
    "File with the CA certificates (PEM) to trust for the broker, in place of the system's. With amqp.hostname, setting any key of amqp.tls turns TLS on.",
  ),
  cert_file: k.filePath.default("").describe(
    "File with our certificate (PEM), if the broker asks for one.",
  ),
  key_file: k.secretPath.default("").describe(
    "File with its private key (PEM, without a passphrase), unless cert_file holds that too.",
  ),
  server_name: k.hostName.default("").describe(
    "Host name in the broker's certificate, if it differs from the one that is connected to.",
  ),
}).readonly();

const broker = {
  amqp: z.object({
    hostname: k.hostList.default(["127.0.0.1"]).describe(
      "Host of the AMQP broker; several are the nodes of one cluster, of which one that can be reached is used.",
    ),
    port: k.integer(1, 65535).optional().describe(
      "Port of the AMQP broker. If not set: 5672, or 5671 with amqp.tls.",
    ),
    username: k.text.default("guest").describe("User name at the AMQP broker."),
    password: k.password.default("guest").describe("Password at the AMQP broker."),
    password_file: k.secretPath.default("").describe("File that holds amqp.password instead."),
    vhost: k.text.default("/").describe("Virtual host at the AMQP broker."),
    tls,
    queue_type: k.queueType.default("").describe(
      "Type of the delay, parking and held queues, which the bridge alone declares.",
    ),
    consumer_timeout: k.seconds(YEAR).default(1800).describe(
      "RabbitMQ's own consumer_timeout. A message that had to wait for half of it goes to the end of its queue as a copy.",
    ),
  }).readonly(),
  amqp_url: k.brokerUrls.default([]).describe(
    "If set, used instead of hostname, port, username, password and vhost of amqp; several are the nodes of one cluster. memory: is a broker inside the process, for trying things out.",
  ),
  worker_concurrency: k.integer(1, 65535).default(20).describe(
    "Messages in work at once, for each queue.",
  ),
  partitions: k.integer(0, 64).default(0).describe(
    "Only there so that earlier configurations can be read: one bridge speaks for a channel now, and keeps the order by itself.",
  ),
};

const cache = {
  message_cache_class: cacheClasses.default("MemoryMessageCache").describe(
    "Where messages are remembered, for replies and statuses: lost with the process, kept in a file, or on a server that several machines share. A dotted name counts by its last part.",
  ),
  message_cache_config: z.object({
    timeout: k.seconds(YEAR).default(3600).describe(
      "How long an inbound message can be replied to.",
    ),
    outbound_timeout: k.seconds(YEAR).default(DAY).describe(
      "How long events about a message are passed on.",
    ),
    path: k.kvPath.default("").describe(
      "The file of DenoKvMessageCache, which requires it; or its server.",
    ),
    url: k.redisUrlText.default("").describe(
      "The server of RedisMessageCache, which requires it; or its Sentinels, and the NAME by which they know the primary.",
    ),
    sentinel_username: k.text.optional().describe(
      "User name at the Sentinels, where it is not the default user.",
    ),
    sentinel_password: k.password.default("").describe(
      "Password at the Sentinels, if they ask for one.",
    ),
    key_prefix: k.text.default("turn-channels:").describe(
      "What all keys of RedisMessageCache begin with; the connector's name follows.",
    ),
  }).readonly(),
};

const operation = {
  log_level: logLevels.default("INFO").describe(
    "Lowest level that is logged, in upper or lower case.",
  ),
  log_format: k.oneOf(["auto", "text", "json"]).default("auto").describe(
    "Form of log lines; auto is text on a terminal, and JSON elsewhere.",
  ),
  log_addresses: k.yesOrNo.default(false).describe(
    "Whether users' addresses are logged whole, and not as +2661...678; they are personal data.",
  ),
  log_content: k.yesOrNo.default(false).describe("Whether what messages say is logged."),
  shutdown_timeout: k.secondsOrZero(DAY).default(25).describe(
    "How long work in progress may take to finish after SIGTERM or SIGINT.",
  ),
  middlewares: k.noMiddlewares.default([]).describe(
    "Only there so that vumi2's files can be read.",
  ),
  sentry_dsn: k.unusedSecret.default(null).describe(
    "Only there so that vumi2's files can be read: Sentry is not supported, errors are in the logs.",
  ),
};

export const groups: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {
  "The channel": channel,
  "The phone": phone,
  "Requests from Turn": fromTurn,
  "Requests to Turn": toTurn,
  "The broker": broker,
  "The message cache": cache,
  "Operation": operation,
};

const { http_bind: _http, admin_bind: _admin, ...fromTurnPerChannel } = fromTurn;

/** The keys that each of several channels can have for itself; they share all others. */
export const channelKeys: Readonly<Record<string, z.ZodType>> = {
  ...channel,
  ...phone,
  ...fromTurnPerChannel,
  ...toTurn,
  worker_concurrency: broker.worker_concurrency,
  partitions: broker.partitions,
};

/** Whether each of several channels can have the key with this path for itself. */
export function isChannelKey(path: string): boolean {
  return path.replace(/\..*/, "") in channelKeys;
}

/** One channel's configuration; all groups, such as `ussd` and `amqp`, must be there. */
export const configSchema = z.object({
  ...channel,
  ...phone,
  ...fromTurn,
  ...toTurn,
  ...broker,
  ...cache,
  ...operation,
}).check(
  ussdRules(),
  smsFallbackRules(),
  requiredWith("DenoKvMessageCache", "path", "path of a file"),
  requiredWith("RedisMessageCache", "url", "URL of a Redis server, or of Sentinels"),
).readonly();

function requiredWith(
  cacheClass: string,
  key: "path" | "url",
  what: string,
): z.core.$ZodCheck<Partial<z.output<z.ZodObject<typeof cache>>>> {
  return z.refine(
    // Keys that are faulty are missing.
    ({ message_cache_class, message_cache_config }) =>
      message_cache_class !== cacheClass || message_cache_config?.[key] !== "",
    {
      path: ["message_cache_config", key],
      when: () => true, // Also if other keys are faulty, so that all faults are told at once.
      params: { expected: `required with ${cacheClass}: ${what}` },
    },
  );
}

/**
 * The configuration of one channel and of all that the channels share, valid and with all defaults.
 * @internal Says only to `deno doc --lint` that the schema, which it comes from, needs no export.
 */
export type ChannelConfig = z.output<typeof configSchema>;

/**
 * The configuration: what the channels share, and in {@linkcode Config.channels} what is their own.
 * @internal As {@linkcode ChannelConfig}.
 */
export type Config = ChannelConfig & {
  /** At least one. */
  readonly channels: readonly ChannelConfig[];
  /** Absent if `amqp.tls` names no files. */
  readonly tlsFiles?: TlsFiles;
};

/** The longest `request_timeout` of use: Turn waits for 5 seconds, while 240 is vumi2's default. */
export const LONGEST_REQUEST_S = 4.5;

/** How long a request from Turn may take, in milliseconds. */
export function requestTimeoutMs(
  { request_timeout }: Pick<ChannelConfig, "request_timeout">,
): number {
  return Math.min(request_timeout, LONGEST_REQUEST_S) * 1000;
}
