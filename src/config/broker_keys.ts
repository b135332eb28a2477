/**
 * The configuration's keys about the broker; schema.ts has the others.
 *
 * @module
 */

import * as z from "zod";
import {
  brokerUrls,
  filePath,
  hostList,
  hostName,
  integer,
  password,
  queueType,
  seconds,
  secretPath,
  text,
} from "./kinds.ts";

const YEAR = 365 * 86_400;

const tls = z.object({
  ca_file: filePath.default("").describe(
    "File with the certificates (PEM) that the broker's is trusted by, in place of the usual ones. With amqp.hostname, any key of amqp.tls says that TLS is used.",
  ),
  cert_file: filePath.default("").describe(
    "File with the certificate (PEM) that the broker asks us for.",
  ),
  key_file: secretPath.default("").describe(
    "File with its private key (PEM, without a passphrase), unless cert_file holds that too.",
  ),
  server_name: hostName.default("").describe(
    "Name that the broker's certificate is for, if it is not for the host that is connected to.",
  ),
}).readonly();

export const broker = {
  amqp: z.object({
    hostname: hostList.default(["127.0.0.1"]).describe(
      "Host of the AMQP broker; of several, which are one cluster, one that can be reached is taken.",
    ),
    port: integer(1, 65535).optional().describe(
      "Port of the AMQP broker. If not set: 5672, or 5671 with amqp.tls.",
    ),
    username: text.default("guest").describe("User name at the AMQP broker."),
    password: password.default("guest").describe("Password at the AMQP broker."),
    password_file: secretPath.default("").describe("File that holds amqp.password instead."),
    vhost: text.default("/").describe("Virtual host at the AMQP broker."),
    tls,
    queue_type: queueType.default("").describe(
      "Type of the delay and parking queues, which we make.",
    ),
    consumer_timeout: seconds(YEAR).default(1800).describe(
      "RabbitMQ's own consumer_timeout. A message that had to wait for half of it goes to the end of its queue as a copy.",
    ),
  }).readonly(),
  amqp_url: brokerUrls.default([]).describe(
    "Used instead of hostname, port, username, password and vhost of amqp unless empty; of several, which are one cluster, one that can be reached is taken. memory: is a broker inside the process, for trying things out.",
  ),
  worker_concurrency: integer(1, 65535).default(20).describe(
    "Messages in work at once, for each queue.",
  ),
  partitions: integer(0, 64).default(0).describe(
    "Only there so that earlier configurations can be read: one bridge speaks for a channel now, and keeps the order by itself.",
  ),
};
