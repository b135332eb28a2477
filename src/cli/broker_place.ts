// Where the broker is, as it may be shown: without the password.

import { amqpUrls, type Config, redactedConfig } from "../config/mod.ts";
import { brokerOptions } from "../service/broker_options.ts";

/** By its address, or its hosts, user and vhost. */
export function brokerPlace(config: Config): string {
  if (brokerOptions(config) === undefined) return "inside the process (memory:)";
  const { amqp_url } = redactedConfig(config);
  if (amqp_url) return amqp_url;
  const hosts = amqpUrls(config).map((url) => new URL(url).host);
  return `${hosts.join(", ")} as ${config.amqp.username}, vhost ${config.amqp.vhost}`;
}
