/**
 * Secrets, planted in every place where a configuration can have them, come out nowhere: not of any
 * command, at no level of the log, over HTTP or in a queue, when all is well and when nothing is.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { GetMessage } from "amqplib";
import { FakeTurn, send, type TurnCall } from "../support/fake_turn.ts";
import { SIGNATURE_HEADER } from "../../src/turn/mod.ts";
import { delayQueue } from "../../src/broker/mod.ts";
import { freePort } from "../support/free_port.ts";
import { DELAY_MS } from "../support/live.ts";
import { type Output, Program } from "../support/program.ts";
import { amqpUrl, noRabbitmqctl, rabbitmqctl } from "../support/rabbitmq.ts";
import { startRedis } from "../support/redis.ts";
import { Transport } from "../support/transport.ts";
import { withChannel } from "../broker/rabbitmq/support.ts";
import { until } from "../support/until.ts";

/** In every secret, so that parts of them are found too, and nowhere else. */
const MARK = /s3cr3t|czNjcjN0|NzY3IzdH/i;
const TOKEN = "s3cr3t-token";
const HMAC = ["s3cr3t-hmac", "s3cr3t-next-hmac"];
const [HMAC_NOW = "", HMAC_NEXT = ""] = HMAC;
const AMQP = "s3cr3t@amqp/?#%";
const REDIS = "s3cr3t-redis";
const SENTRY = "https://s3cr3tkey:s3cr3tother@sentry.example/1";

/** Keys that hold secrets, by their paths. */
type Secrets = Readonly<Record<string, string>>;

/** A way to hand the program its configuration. */
interface Layout {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** All that the planted configurations are made of. */
interface World extends AsyncDisposable {
  readonly folder: string;
  readonly turn: FakeTurn;
  readonly connector: string;
  readonly transport: Transport;
  /** What is no secret, by path. */
  readonly plain: Secrets;
  readonly secrets: Secrets;
}

/** RabbitMQ's user with the secret; one for all, as rabbitmqctl takes long. */
const USER = `secrets-${crypto.randomUUID()}`;
let addedUser: Promise<void> | undefined;

async function addUser(): Promise<void> {
  await rabbitmqctl("add_user", USER, AMQP);
  await rabbitmqctl("set_permissions", USER, ".*", ".*", ".*");
}

Deno.test.afterAll(async () => {
  if (addedUser !== undefined) await rabbitmqctl("delete_user", USER);
});

async function world(): Promise<World> {
  await using parts = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "turn-channels-secrets-" });
  parts.defer(() => Deno.remove(folder, { recursive: true }));
  const turn = parts.use(FakeTurn.start({ authToken: TOKEN, answer: echo }));
  const connector = `test-${crypto.randomUUID()}`;
  const transport = parts.use(await Transport.connect(connector));
  const redis = parts.use(await startRedis("--requirepass", REDIS));
  await (addedUser ??= addUser());
  const { hostname, port } = new URL(amqpUrl());
  const user = `${USER}:${encodeURIComponent(AMQP)}`;
  const made = parts.move();
  return {
    folder,
    turn,
    connector,
    transport,
    plain: {
      connector_name: connector,
      default_from_addr: "8110",
      http_bind: `127.0.0.1:${freePort()}`,
      turn_api_url: turn.url,
      message_cache_class: "RedisMessageCache",
      max_retries: "0",
      retry_schedule: `${DELAY_MS / 1000}`,
      "amqp.hostname": hostname,
      "amqp.port": port,
      "amqp.username": USER,
    },
    secrets: {
      auth_token: TOKEN,
      turn_hmac_secret: HMAC_NOW,
      amqp_url: `amqp://${user}@${hostname}:${port}/%2F`,
      "amqp.password": AMQP,
      "message_cache_config.url": `redis://:${REDIS}@127.0.0.1:${redis.port}`,
      sentry_dsn: SENTRY,
    },
    async [Symbol.asyncDispose]() {
      await transport.deleteDelay(DELAY_MS);
      await made.disposeAsync();
    },
  };
}

/** Turn repeats our token wherever it refuses something. */
function echo({ headers, body }: TurnCall): Response {
  const text = JSON.stringify(body);
  const status = text.includes("refused") ? 422 : text.includes("failing") ? 500 : 200;
  const said = `you sent ${headers.get("authorization")} (${TOKEN})`;
  return Response.json({ errors: [{ title: said, details: said }] }, { status });
}

function flagOf(path: string): string {
  return path.replaceAll(/[._]/g, "-");
}

function flags(values: Secrets): string[] {
  return Object.entries(values).map(([path, value]) => `--${flagOf(path)}=${value}`);
}

async function fileWith(place: World, values: Readonly<Record<string, unknown>>): Promise<string> {
  const tree: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const [group = "", name] = path.split(".");
    if (name === undefined) tree[group] = value;
    else tree[group] = { ...(tree[group] as object | undefined), [name]: value };
  }
  const path = `${place.folder}/${crypto.randomUUID()}.json`;
  await Deno.writeTextFile(path, JSON.stringify(tree));
  return path;
}

/** Where the secrets are; what is no secret comes by flags. */
const LAYOUTS: Readonly<Record<string, (place: World, secrets: Secrets) => Promise<Layout>>> = {
  "a file": async (place, secrets) => {
    const { "amqp.password": _, turn_hmac_secret, ...rest } = secrets;
    const both = turn_hmac_secret === HMAC_NOW ? HMAC : turn_hmac_secret;
    const path = await fileWith(place, { ...rest, turn_hmac_secret: both });
    return { args: [`--config=${path}`, ...flags(place.plain)], env: {} };
  },
  "a file with an amqp group": async (place, { amqp_url: _, ...secrets }) => {
    const path = await fileWith(place, { ...place.plain, ...secrets });
    return { args: [], env: { VUMI_CONFIG_FILE: path } };
  },
  "the environment": (place, secrets) => {
    const variables = Object.entries(secrets).map(([path, value]) => [
      `PLANTED_${flagOf(path).replaceAll("-", "_").toUpperCase()}`,
      value,
    ]);
    const env = { VUMI_CONFIG_PREFIX: "PLANTED", ...Object.fromEntries(variables) };
    return Promise.resolve({ args: flags(place.plain), env });
  },
  "flags": (place, secrets) =>
    Promise.resolve({ args: flags({ ...place.plain, ...secrets }), env: {} }),
  "secret files": async (place, { amqp_url: _, ...secrets }) => {
    const { auth_token, turn_hmac_secret, "amqp.password": password, ...rest } = secrets;
    const named: Record<string, string> = {};
    const all = { auth_token, turn_hmac_secret, "amqp.password": password };
    for (const [path, value] of Object.entries(all)) {
      const file = named[`${path}_file`] = `${place.folder}/${crypto.randomUUID()}`;
      await Deno.writeTextFile(file, `${value}\n`);
    }
    return { args: flags({ ...place.plain, ...rest, ...named }), env: {} };
  },
};

/** Every command, with what it is to be told beside the configuration. */
const CONFIGURED: readonly (readonly string[])[] = [
  ["check"],
  ["find", "refused"],
  ["find", "+26612345678", "--json", "--content"],
  ["parked", "list"],
  ["parked", "list", "--json"],
  ["parked", "show"],
  ["parked", "replay", "--id=nobody"],
  ["parked", "discard", "--yes", "--id=nobody"],
  ["audit"],
  ["handset", "--page-port=0"],
];

const UNCONFIGURED: readonly (readonly string[])[] = [
  ["--version"],
  ["--help"],
  ["run", "--help"],
  ["config-schema"],
  ["dashboard"],
  ["alerts"],
  ["systemd-unit"],
  ["demo", "--once", "--port=0"],
];

function assertClean(what: string, ...texts: readonly string[]): void {
  for (const text of texts) {
    const found = MARK.exec(text);
    assert.equal(found, null, `${what}: ${text.slice(Math.max(0, (found?.index ?? 0) - 200))}`);
  }
}

/** Runs each, and looks at all that it says. */
async function runEach(
  commands: readonly (readonly string[])[],
  { args, env }: Layout,
  ...more: string[]
): Promise<Output[]> {
  const lines = commands.map((words) => [...words, ...args, ...more]);
  const output = await EACH.output([JSON.stringify(lines)], env);
  assert.equal(output.code, 0, output.stderr);
  const [stdout, stderr] = [output.stdout, output.stderr].map((text) => [...text.matchAll(PART)]);
  return commands.map((words, place) => {
    const [, out = "", code] = stdout?.[place] ?? [];
    const [, err = ""] = stderr?.[place] ?? [];
    assertClean(words.join(" "), out, err);
    assert.notEqual(`${out}${err}`, "", words.join(" "));
    return { code: Number(code), stdout: out, stderr: err };
  });
}

const EACH = Program.fromSource(fileURLToPath(new URL("run_each.ts", import.meta.url)));
/** What one of them printed, and its exit code. */
const PART = /([^\0]*)\0(\d+)\n/g;

/** Everything that can be asked for over HTTP, well and badly. */
async function askAll(address: string): Promise<void> {
  const url = `${address}/messages`;
  const body = { to: "+26612345678", turn: { type: "text", text: { body: "Hi" } } };
  const requests: (readonly [string, Promise<Response>])[] = [
    ...[
      "/metrics",
      "/health",
      "/status",
      "/openapi.json",
      "/readyz",
      "/livez",
      "/nowhere",
      "/messages",
    ]
      .map((path) => [path, fetch(`${address}${path}`)] as const),
    ["signed", send(url, body, { secret: HMAC_NOW })],
    ["signed wrongly", send(url, body, { secret: "wrong" })],
    ["signed, and no request", send(url, { turn: 1 }, { secret: HMAC_NOW })],
    ["not signed", fetch(url, { method: "POST", body: "{}" })],
    ["garbage", fetch(url, { method: "POST", body: "{", headers: { [SIGNATURE_HEADER]: "x" } })],
  ];
  for (const [what, request] of requests) {
    const response = await request;
    const headers = JSON.stringify([...response.headers]);
    assertClean(`${what} over HTTP`, await response.text(), headers);
  }
}

/** Runs the bridge while this and that happens to it; answers what it has logged. */
async function runBridge(place: World, layout: Layout, level: string): Promise<string> {
  const { transport, turn } = place;
  const args = ["run", ...layout.args, `--log-level=${level}`];
  const address = `http://${place.plain["http_bind"]}`;
  // It does not tell where it listens at each level.
  await using running = await Program.fromSource().start(args, layout.env, address);
  await until("health", async () => {
    const response = await fetch(`${address}/health`).catch(() => undefined);
    await response?.body?.cancel();
    return response?.status === 200;
  });
  await transport.consumed("inbound");
  await transport.consumed("event");
  const before = turn.calls.length;
  for (const message_id of ["taken", "refused", "failing"]) {
    // Of a user of its own each time: one's next message would wait behind the one that failed.
    const from_addr = crypto.randomUUID();
    await transport.sendInbound({ message_id, from_addr, content: message_id });
  }
  await turn.received(before + 3);
  await askAll(running.address);
  running.signal("SIGHUP");
  await askAll(running.address);
  assert.equal(await running.stop("SIGTERM"), 0);
  assertClean(`run at ${level}`, running.stderr(), running.stdout());
  return running.stderr();
}

const why = noRabbitmqctl();
const suffix = why === undefined ? "" : ` (${why})`;

for (const [name, lay] of Object.entries(LAYOUTS)) {
  Deno.test({
    name: `secrets in ${name} come out nowhere, by no command${suffix}`,
    ignore: why !== undefined,
    fn: async () => {
      await using place = await world();
      const layout = await lay(place, place.secrets);
      const log = await runBridge(place, layout, "DEBUG");
      // The secrets were in use, and it was not silence that has kept them.
      assert.match(log, /Parked/);
      await runEach(CONFIGURED, layout, "--log-level=DEBUG");
      for (const queue of [`${place.connector}.inbound.parked`, delayQueue(DELAY_MS)]) {
        const { properties, content } = await taken(queue);
        const headers = JSON.stringify(properties.headers);
        assertClean(queue, headers, content.toString());
        assert.match(headers, /you sent Bearer \[secret\] \(\[secret\]\)/);
      }
    },
  });

  Deno.test({
    name: `secrets in ${name} come out nowhere when they are wrong, or beside what is${suffix}`,
    ignore: why !== undefined,
    fn: async () => {
      await using place = await world();
      const other = Object.fromEntries(
        Object.entries(place.secrets).map(([path, value]) => [
          path,
          value.replaceAll("s3cr3t", "s3cr3t-wrong"),
        ]),
      );
      const layout = await lay(place, other);
      const [check] = await runEach(CONFIGURED, layout);
      // As it is no secret of ours, Turn may be told it, and does tell it again.
      assert.equal(check?.code, 1, check?.stdout);
      for (const fault of ["--max-retries=x", "--turn-api-url=https://s3cr3t@host/?s3cr3t"]) {
        const [faulty] = await runEach([["run"]], layout, fault);
        assert.equal(faulty?.code, 78);
      }
    },
  });
}

Deno.test({
  name: `secrets come out of the log at no level${suffix}`,
  ignore: why !== undefined,
  fn: async () => {
    await using place = await world();
    const layout = await LAYOUTS["a file"]?.(place, place.secrets) ?? assert.fail();
    for (const level of ["INFO", "WARNING", "ERROR", "CRITICAL"]) {
      await runBridge(place, layout, level);
      await place.transport.purge("inbound.parked");
    }
  },
});

Deno.test("secrets in the environment come out of no command that wants no configuration", async () => {
  const env = { AUTH_TOKEN: TOKEN, TURN_HMAC_SECRET: HMAC_NEXT, AMQP_PASSWORD: AMQP };
  const layout = { args: [], env: { ...env, SENTRY_DSN: SENTRY } };
  for (const { code, stderr } of await runEach(UNCONFIGURED, layout)) assert.equal(code, 0, stderr);
});

Deno.test("secrets that init is given are in its file, and nowhere else", async () => {
  const folder = await Deno.makeTempDir();
  const init = [
    ...["init", `--output=${folder}/config.yaml`, `--auth-token=${TOKEN}`],
    ...["--connector-name=c", "--default-from-addr=8110", `--turn-hmac-secret=${HMAC_NOW}`],
    ...["--amqp-url=amqp://u:s3cr3t@127.0.0.1/", "--turn-api-url=https://turn.example/v1"],
  ];
  const unit = ["systemd-unit", `--config=${folder}/config.yaml`];
  const commands = [init, init, [...init, "--http-bind=s3cr3t@x"], unit];
  const outputs = await runEach(commands, { args: [], env: {} });
  assert.deepEqual(outputs.map(({ code }) => code), [0, 69, 78, 0]);
  assert.match(await Deno.readTextFile(`${folder}/config.yaml`), MARK);
  await Deno.remove(folder, { recursive: true });
});

/** The first message there, whatever the queue's arguments. */
async function taken(queue: string): Promise<GetMessage> {
  return await withChannel(async (channel) => {
    let message: GetMessage | false = false;
    await until(queue, async () => (message = await channel.get(queue, { noAck: true })) !== false);
    return message || assert.fail();
  });
}
