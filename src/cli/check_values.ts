// What `check` finds in the configuration's values themselves, which are valid, and yet can't be meant:
// what was left as an example had it, and two channels with one number of Turn's.

import { amqpUrls, type ChannelConfig, type Config } from "../config/mod.ts";
import type { Finding } from "../telemetry/mod.ts";

/** Values that nobody has replaced yet, and what two channels can't share. */
export function valueFindings(config: Config): readonly Finding[] {
  return [
    ...config.channels.flatMap(placeholders),
    ...sharedNumbers(config.channels),
    ...brokerPlaceholder(config),
  ];
}

/** What stands for a secret in examples. */
const PLACEHOLDERS = [
  /^(token|secret|password|hmac|auth[-_]?token|hmac[-_]?secret|example|todo|x{2,}|\.{2,})$/i,
  /^(change|replace|insert|enter|your|my)[-_ ]?(me|this|it|with|here|the|token|secret|password|hmac)/i,
  /^[<{$]/,
  /^[A-Z]+([-_ ][A-Z]+)*$/,
];

function isPlaceholder(text: string): boolean {
  return PLACEHOLDERS.some((pattern) => pattern.test(text));
}

function placeholders(channel: ChannelConfig): readonly Finding[] {
  const { connector_name, auth_token, turn_hmac_secret, turn_api_url } = channel;
  const number = turn_api_url.slice(turn_api_url.lastIndexOf("/") + 1);
  const left = [
    ...isPlaceholder(auth_token) ? [["auth_token", "a token of the number, made in Turn"]] : [],
    ...turn_hmac_secret.some(isPlaceholder)
      ? [["turn_hmac_secret", "the hmac_secret that Turn shows of the channel"]]
      : [],
    ...isPlaceholder(number) || /^[0-]+$/.test(number)
      ? [["turn_api_url", "the address with the uuid of the number at its end"]]
      : [],
  ];
  return left.map(([subject = "", fix]) => ({
    channel: connector_name,
    subject,
    ok: false,
    detail: "it is a placeholder, as examples have it",
    fix: `set it to ${fix}`,
  }));
}

function brokerPlaceholder(config: Config): readonly Finding[] {
  const isLeft = amqpUrls(config).filter((url) => url !== "memory:").some((url) => {
    const { username, password, pathname } = new URL(url);
    return [username, password, pathname.slice(1)].some((part) =>
      /^(USER|PASS\w*|VHOST)$/.test(part)
    );
  });
  if (!isLeft) return [];
  const detail = "user, password or virtual host is a placeholder, as examples have it";
  const fix = "set amqp_url to amqp://user:password@host:port/vhost of your RabbitMQ";
  return [{ subject: "amqp_url", ok: false, detail, fix }];
}

/** Turn sends what is for a number to one endpoint. */
function sharedNumbers(channels: readonly ChannelConfig[]): readonly Finding[] {
  const numbers = Map.groupBy(channels, ({ turn_api_url }) => turn_api_url);
  return [...numbers.values()].filter(({ length }) => length > 1).map((its) => ({
    channel: its.map(({ connector_name }) => connector_name).join(", "),
    subject: "turn_api_url",
    ok: false,
    detail: "these channels have the same, and Turn has one endpoint for each number",
    fix: "make a number in Turn for each channel, and give each its own turn_api_url",
  }));
}
