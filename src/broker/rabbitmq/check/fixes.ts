// What an operator can do about a fault of RabbitMQ, or of the way to it.

import { shellWord } from "../../../async/mod.ts";
import type { AmqpAddress } from "../address.ts";

/** Parts of what a fault says, and what helps; `{…}` is replaced by the address's own. */
const FIXES: readonly (readonly [RegExp, string])[] = [
  [/no permission to reach/, "start the program with that permission"],
  [/ECONNREFUSED/i, "start RabbitMQ there, or correct the host and port in amqp_url, or in amqp"],
  [/ENOTFOUND|EAI_AGAIN|lookup address/i, "correct the host name in amqp_url, or in amqp, or DNS"],
  [
    /ETIMEDOUT|no answer within/i,
    "check for a firewall in between, and that this is an AMQP port: 5672, or 5671 for amqps://",
  ],
  [
    /refused the user or the password/,
    "correct them, or: rabbitmqctl change_password {user} <password>; " +
    "the user guest may only connect from the server's own machine",
  ],
  [
    /refused the virtual host/,
    'rabbitmqctl add_vhost {vhost}; rabbitmqctl set_permissions -p {vhost} {user} ".*" ".*" ".*"',
  ],
  [/closed abruptly|Unexpected close/, "if this is the server's TLS port, use amqps://"],
  [/maxFrameSize|Invalid frame/, "something other than AMQP answers there: correct the port"],
  [/InvalidContentType|WRONG_VERSION/i, "this port does not speak TLS: use amqp://, or port 5671"],
  [
    /NotValidForName|not valid for name|altnames/,
    "use a host name that is in the server's certificate, or set amqp.tls.server_name to one",
  ],
  [
    /certificate.?required|ERR_SSL.*HANDSHAKE_FAILURE|HandshakeFailure/i,
    "the server wants to see a certificate: set amqp.tls.cert_file and key_file",
  ],
  [/Expired/i, "renew the server's certificate"],
  [
    /UnknownIssuer|unable to verify|self.signed|peer certificate/i,
    "set amqp.tls.ca_file to a file with the certificate of its issuer",
  ],
  [
    /is of type .*vumi's is direct/,
    "delete it as shown (in 4.x: rabbitmqadmin exchanges delete --name …), or on the management " +
    "page; bindings of other programs go with it",
  ],
  [
    /ACCESS_REFUSED|no right to/,
    'grant the right: rabbitmqctl set_permissions -p {vhost} {user} ".*" ".*" ".*"',
  ],
  [
    /PRECONDITION_FAILED.*\.delay\.\d+m?s/,
    "someone declared it with other arguments than its name says: wait until it is empty and delete " +
    "it; the bridge declares it again",
  ],
  [
    /PRECONDITION_FAILED.*x-single-active-consumer/,
    "it has to show which of several bridges takes the messages: stop them and delete it; they " +
    "declare it again",
  ],
  [
    /PRECONDITION_FAILED/,
    "someone declared it differently; vumi's workers declare it durable and without arguments: " +
    "empty it and delete it; it is declared again",
  ],
  [/blocked/, "free memory or disk space on the server; rabbitmq-diagnostics alarms says which"],
];

/** The fix for a fault that reads `detail`, ready to be spread into a finding; empty if unknown. */
export function fixFor(detail: string, { connect, vhost }: AmqpAddress): { fix?: string } {
  const fix = FIXES.find(([pattern]) => pattern.test(detail))?.[1];
  if (!fix) return {};
  const words: Readonly<Record<string, string>> = { user: connect.username ?? "guest", vhost };
  return { fix: fix.replaceAll(/\{(user|vhost)\}/g, (_, name) => shellWord(words[name] ?? "")) };
}
