/**
 * TLS, before a RabbitMQ that takes nothing else, wants to see a certificate of ours, and has one of its
 * own that an authority of the test's has signed for another name than that of the host.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import {
  AmqpBroker,
  type AmqpBrokerOptions,
} from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { checkAmqp } from "../../../src/broker/rabbitmq/check/check.ts";
import { brokerOptions } from "../../../src/service/broker_options.ts";
import { loadConfig } from "../../../src/config/mod.ts";
import { REQUIRED } from "../../config/support.ts";
import { Authority, missingOpenssl } from "../../support/certificates.ts";
import { freePort } from "../../support/free_port.ts";
import { RabbitMqServer } from "../../support/rabbitmq.ts";
import { findLauncher, prepareLaunch } from "../../support/rabbitmq_launch.ts";
import { until } from "../../support/until.ts";
import { DELAYS } from "./support.ts";
import { bytes } from "../bench.ts";

const SERVER_NAME = "rabbit.internal";
const launcher = await findLauncher();
const why = launcher.kind === "installed" ? await missingOpenssl() : "RabbitMQ is not installed";

/** The server, the files that its clients need, and how it is configured. */
interface Secured extends AsyncDisposable {
  readonly flags: Readonly<Record<string, string>>;
}

async function startSecured(): Promise<Secured> {
  await using started = new AsyncDisposableStack();
  const authority = started.use(await Authority.create());
  const { certFile, keyFile } = await authority.sign(SERVER_NAME);
  const ours = await authority.sign("bridge");
  const port = freePort();
  const launch = await prepareLaunch(launcher);
  const conf = [
    `listeners.ssl.1 = 127.0.0.1:${port}`,
    `ssl_options.cacertfile = ${authority.caFile}`,
    `ssl_options.certfile = ${certFile}`,
    `ssl_options.keyfile = ${keyFile}`,
    "ssl_options.verify = verify_peer",
    "ssl_options.fail_if_no_peer_cert = true",
  ];
  const file = launch.env.RABBITMQ_CONFIG_FILE ?? "";
  await Deno.writeTextFile(file, `${conf.join("\n")}\n`, { append: true });
  await started.use(new RabbitMqServer(launch, { version: "own", queues: "classic" })).start();
  const parts = started.move();
  return {
    flags: {
      "amqp-hostname": `127.0.0.1:${port}`,
      "amqp-tls-ca-file": authority.caFile,
      "amqp-tls-cert-file": ours.certFile,
      "amqp-tls-key-file": ours.keyFile,
      "amqp-tls-server-name": SERVER_NAME,
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** What the program makes of the configuration, without some of its flags. */
async function optionsOf(
  { flags }: Secured,
  change: Readonly<Record<string, string>> = {},
): Promise<AmqpBrokerOptions> {
  const loaded = await loadConfig({ flags: { ...flags, ...change }, env: REQUIRED });
  assert.ok(loaded.kind === "ok", JSON.stringify(loaded));
  const options = brokerOptions(loaded.config);
  assert.ok(options);
  return { ...options, ...DELAYS };
}

/** What is wrong, what is said of it in Deno's versions, and what is to be done. */
const REFUSED: Readonly<Record<string, readonly [Record<string, string>, RegExp, RegExp]>> = {
  "no certificate of ours": [
    { "amqp-tls-cert-file": "", "amqp-tls-key-file": "" },
    /certificate.?required/i,
    /amqp\.tls\.cert_file/,
  ],
  "an authority that nobody knows": [
    { "amqp-tls-ca-file": "" },
    /UnknownIssuer|self.signed certificate/i,
    /amqp\.tls\.ca_file/,
  ],
  "another name": [
    { "amqp-tls-server-name": "other.internal" },
    /not valid for name "other|Host: other.internal. is not in the cert/,
    /amqp\.tls\.server_name/,
  ],
  "no name, and so the host's": [
    { "amqp-tls-server-name": "" },
    /not valid for name "127|IP: 127.0.0.1 is not in the cert/,
    /amqp\.tls\.server_name/,
  ],
};

Deno.test({
  name: `AMQP over TLS${why === undefined ? "" : ` (${why})`}`,
  ignore: why !== undefined,
  // Deno 2.6 leaves a socket open that is destroyed in the middle of its handshake, as when the broker
  // is closed during an attempt; one of an attempt that fails by itself it does not.
  sanitizeResources: !Deno.version.deno.startsWith("2.6."),
  async fn(t) {
    await using secured = await startSecured();
    await t.step("works with a certificate of ours and a server of another name", async () => {
      await using broker = AmqpBroker.open(await optionsOf(secured));
      await broker.ready(30_000);
      broker.declare("turn.outbound");
      await until("the queue", async () => await broker.depth("turn.outbound") === 0);
      await broker.publish("turn.outbound", bytes("a"));
      assert.equal(await broker.depth("turn.outbound"), 1);
    });
    await t.step("checkAmqp() finds all well", async () => {
      const findings = await check(await optionsOf(secured));
      assert.deepEqual(findings.filter(({ ok }) => !ok), []);
    });
    for (const [what, [change, said, fix]] of Object.entries(REFUSED)) {
      await t.step(`says in the log, to who waits, and in a check: ${what}`, async () => {
        const options = await optionsOf(secured, change);
        const records = await logged(async () => {
          await using broker = AmqpBroker.open(options);
          await assert.rejects(broker.ready(3_000), { message: said });
          assert.match(broker.status().reason ?? "", said);
        });
        const warnings = records.filter(({ level }) => level === "warning");
        assert.equal(warnings.length, 2, JSON.stringify(records)); // Of two connections, each once.
        for (const { properties } of warnings) assert.match(`${properties["reason"]}`, said);
        const [finding = assert.fail()] = await check(options);
        assert.equal(finding.ok, false);
        assert.match(finding.detail, said);
        assert.match(finding.fix ?? "", fix);
      });
    }
  },
});

function check(options: AmqpBrokerOptions) {
  const queues = { consumeQueues: [], publishQueues: ["turn.outbound"] };
  const none = { ownQueues: [], leadQueues: [], delaysMs: [] };
  return checkAmqp({ ...options, ...queues, ...none, timeoutMs: 30_000 });
}

async function logged(work: () => Promise<void>): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  await configure({
    sinks: { list: (record) => void records.push(record) },
    loggers: [
      { category: "turn-channels", sinks: ["list"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  try {
    await work();
  } finally {
    await reset();
  }
  return records;
}
