/**
 * The configuration's keys about the broker; schema.ts has the others.
 *
 * @module
 */

import * as z from "zod";
import { optional, preset } from "./key_meta.ts";
import {
  brokerUrls,
  filePath,
  hostList,
  integer,
  type Kind,
  password,
  queueType,
  seconds,
  secretPath,
  text,
} from "./kinds.ts";

const YEAR = 365 * 86_400;

const tls = z.object({
  ca_file: preset(
    filePath,
    "",
    "File with the certificates (PEM) that the broker's is trusted by, in place of the usual ones. With amqp.hostname, any key of amqp.tls says that TLS is used.",
  ),
  cert_file: preset(filePath, "", "File with the certificate (PEM) that the broker asks us for."),
  key_file: preset(
    secretPath,
    "",
    "File with its private key (PEM, without a passphrase), unless cert_file holds that too.",
  ),
  server_name: preset(
    serverName(),
    "",
    "Name that the broker's certificate is for, if it is not for the host that is connected to.",
  ),
}).readonly();

function serverName(): Kind<string> {
  return { type: "host name", schema: z.string().regex(/^[\w.-]*$/), secrecy: "none" };
}

export const broker = {
  amqp: z.object({
    hostname: preset(
      hostList,
      ["127.0.0.1"],
      "Host of the AMQP broker; of several, which are one cluster, one that can be reached is taken.",
    ),
    port: optional(
      integer(1, 65535),
      "Port of the AMQP broker. If not set: 5672, or 5671 with amqp.tls.",
    ),
    username: preset(text, "guest", "User name at the AMQP broker."),
    password: preset(password, "guest", "Password at the AMQP broker."),
    password_file: preset(secretPath, "", "File that holds amqp.password instead."),
    vhost: preset(text, "/", "Virtual host at the AMQP broker."),
    tls,
    queue_type: preset(queueType, "", "Type of the delay and parking queues, which we make."),
    consumer_timeout: preset(
      seconds(YEAR),
      1800,
      "RabbitMQ's own consumer_timeout. A message that had to wait for half of it goes to the end of its queue as a copy.",
    ),
  }).readonly(),
  amqp_url: preset(
    brokerUrls,
    [],
    "Used instead of hostname, port, username, password and vhost of amqp unless empty; of several, which are one cluster, one that can be reached is taken. memory: is a broker inside the process, for trying things out.",
  ),
  worker_concurrency: preset(integer(1, 65535), 20, "Messages in work at once, for each queue."),
  partitions: preset(
    integer(0, 64),
    0,
    "Only there so that earlier configurations can be read: one bridge speaks for a channel now, and keeps the order by itself.",
  ),
};
