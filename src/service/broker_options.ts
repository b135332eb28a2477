// The options of the RabbitMQ connection by the configuration.

import type { AmqpBrokerOptions } from "../broker/rabbitmq/rabbitmq_broker.ts";
import { amqpUrls, type Config } from "../config/mod.ts";
import { EXCHANGE } from "../vumi/mod.ts";

/** The options; undefined if the broker is inside the process. */
export function brokerOptions(config: Config): AmqpBrokerOptions | undefined {
  const urls = amqpUrls(config);
  if (urls.includes("memory:")) return undefined;
  const { tls, queue_type } = config.amqp;
  return {
    urls,
    tls: { ...config.tlsFiles, ...(tls.server_name && { serverName: tls.server_name }) },
    exchange: EXCHANGE,
    ...(queue_type && { queueType: queue_type }),
  };
}
