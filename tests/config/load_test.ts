/**
 * Files, environment and flags: how they are read, and which wins.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { amqpUrls, loadConfig, redactedConfig, requestTimeoutMs } from "../../src/config/mod.ts";
import { faults, load, REQUIRED, valid } from "./support.ts";

const VUMI2_WORKER = `
# Turn channel, as deployed with vumi2
connector_name: turn_ussd
http_bind: 0.0.0.0:8000
vumi_api_path: /api/v1
turn_api_url: https://whatsapp.turn.io/v1/numbers/4711/
auth_token: eyJhbGciOi.J9-_x
turn_hmac_secret: "s3cret"
default_from_addr: 8110
request_timeout: 60
mo_message_url_timeout: 7.5
transport_type: ussd
message_cache_class: vumi2.message_caches.MemoryMessageCache
message_cache_config:
  timeout: 900
amqp: &amqp
  hostname: rabbitmq.internal
  port: "5673"
  username: vumi
  password: 1234
  vhost: /vumi
amqp_url:
worker_concurrency: 10
sentry_dsn: https://key@sentry.io/12345
log_level: WARNING
middlewares: []
max_retries: 5
`;

Deno.test("loadConfig() takes a vumi2 worker's YAML as it is", async () => {
  const loaded = await load({ file: VUMI2_WORKER });
  assert.ok(loaded.kind === "ok");
  const { config, warnings } = loaded;
  assert.equal(config.connector_name, "turn_ussd");
  assert.deepEqual(config.http_bind, { kind: "tcp", hostname: "0.0.0.0", port: 8000 });
  assert.equal(config.vumi_api_path, "/api/v1");
  assert.equal(config.turn_api_url, "https://whatsapp.turn.io/v1/numbers/4711");
  assert.equal(config.default_from_addr, "8110");
  assert.equal(config.mo_message_url_timeout, 7.5);
  assert.equal(config.message_cache_class, "MemoryMessageCache");
  assert.deepEqual(config.message_cache_config, {
    timeout: 900,
    outbound_timeout: 86400,
    path: "",
    url: "",
    sentinel_username: undefined,
    sentinel_password: "",
    key_prefix: "turn-channels:",
  });
  assert.deepEqual(amqpUrls(config), ["amqp://vumi:1234@rabbitmq.internal:5673/%2Fvumi"]);
  assert.equal(config.worker_concurrency, 10);
  assert.equal(config.log_level, "WARNING");
  assert.deepEqual(warnings, [
    {
      key: "sentry_dsn",
      message: "sentry_dsn from file config.yaml has no effect, errors are only in the logs",
    },
    {
      key: "request_timeout",
      message: "request_timeout 60 counts as 4.5: Turn waits for 5 seconds",
    },
  ]);
});

Deno.test("loadConfig() takes config.example.json without a warning", async () => {
  const config = fileURLToPath(new URL("../../config.example.json", import.meta.url));
  const loaded = await loadConfig({ flags: { config }, env: {} });
  assert.ok(loaded.kind === "ok");
  assert.deepEqual(loaded.warnings, []);
  assert.equal(loaded.config.message_cache_class, "DenoKvMessageCache");
  assert.equal(loaded.config.message_cache_config.path, "/var/lib/turn-channels/turn-channels.kv");
});

Deno.test("loadConfig() puts flags over the environment over the file, key by key", async () => {
  const file = "amqp: {hostname: f, port: 1, username: f, vhost: f}\nmax_retries: 7\n";
  const env = { ...REQUIRED, AMQP_PORT: "2", AMQP_USERNAME: "e", MAX_RETRIES: "0" };
  const loaded = await load({ file, env, flags: { "amqp-username": "g" } });
  assert.ok(loaded.kind === "ok");
  const { amqp, max_retries } = loaded.config;
  const { hostname, port, username, password, vhost } = amqp;
  assert.deepEqual([hostname, port, username, password, vhost], [["f"], 2, "g", "guest", "f"]);
  assert.equal(max_retries, 0);
  assert.deepEqual(
    ["amqp.hostname", "amqp.port", "amqp.username", "amqp.password"].map((key) =>
      loaded.sources[key]
    ),
    ["file config.yaml", "environment variable AMQP_PORT", "flag --amqp-username", "default"],
  );
});

Deno.test("loadConfig() reads only prefixed variables when there is a prefix", async () => {
  const prefixed = Object.entries(REQUIRED).map(([name, value]) => [`TURN_X_${name}`, value]);
  const env = {
    ...Object.fromEntries(prefixed),
    VUMI_CONFIG_PREFIX: "turn_x", // vumi2 makes capitals of the prefix too.
    MAX_RETRIES: "9",
    TURN_X_AMQP_PORT: "1",
  };
  const loaded = await load({ env });
  assert.ok(loaded.kind === "ok");
  assert.equal(loaded.config.max_retries, 3);
  assert.equal(loaded.config.amqp.port, 1);
  assert.equal(loaded.sources["amqp.port"], "environment variable TURN_X_AMQP_PORT");
  assert.deepEqual(loaded.warnings, []);
});

Deno.test("loadConfig() names the prefixed variable for what is missing", async () => {
  const loaded = await load({ env: { VUMI_CONFIG_PREFIX: "CH" } });
  assert.ok(loaded.kind === "faulty");
  assert.equal(
    loaded.faults.find(({ key }) => key === "auth_token")?.source,
    "nowhere; set it, or auth_token_file, in the file, as CH_AUTH_TOKEN in the environment, or by --auth-token",
  );
});

Deno.test("loadConfig() reads the file of --config, else of VUMI_CONFIG_FILE, else none", async () => {
  const read: string[] = [];
  const readFile = (path: string): Promise<Uint8Array> => {
    read.push(path);
    return Promise.resolve(new Uint8Array());
  };
  const env = { VUMI_CONFIG_FILE: "/etc/e.yaml" };
  await loadConfig({ flags: { config: "/etc/f.yaml" }, env, readFile });
  await loadConfig({ flags: {}, env, readFile });
  await loadConfig({ flags: {}, env: { VUMI_CONFIG_FILE: "" }, readFile });
  await loadConfig({ flags: {}, env: {}, readFile });
  assert.deepEqual(read, ["/etc/f.yaml", "/etc/e.yaml"]);
});

/** What the file says for default_from_addr, and what it becomes. */
const WRITTEN = [
  ["8110", "8110"],
  ["08110", "08110"],
  ["+26612345678", "+26612345678"],
  ["123456789012345678901", "123456789012345678901"],
  ["'*120#'", "*120#"],
  ['"\\u00e9"', "é"],
  ["no", "no"],
] as const;

Deno.test("a number in the file is text as it was written, where text is wanted", async () => {
  for (const [written, expected] of WRITTEN) {
    const config = await valid({ file: `default_from_addr: ${written}\n` });
    assert.equal(config.default_from_addr, expected);
  }
});

Deno.test("a number in quotes in the file is a number, where one is wanted", async () => {
  const config = await valid({ file: `worker_concurrency: "5"\nrequest_timeout: "1.5"\n` });
  assert.deepEqual([config.worker_concurrency, config.request_timeout], [5, 1.5]);
});

Deno.test("null in the file means not given", async () => {
  const file =
    "worker_concurrency:\namqp: {port: null}\nmessage_cache_config: ~\nauth_token: null\n";
  const [fault, ...others] = await faults({ file });
  assert.deepEqual([fault?.key, fault?.value, others], ["auth_token", undefined, []]);
  const config = await valid({ file: file.replace("auth_token: null", "") });
  assert.deepEqual([config.worker_concurrency, config.amqp.port], [20, undefined]);
});

Deno.test("a value of the wrong type in the file is a fault of its key", async () => {
  const wrong = {
    "auth_token: [a]": ["auth_token", "********"],
    "connector_name: {a: b}": ["connector_name", "a mapping"],
    "default_from_addr: true": ["default_from_addr", "true"],
    "max_retries: [1]": ["max_retries", "a list"],
    "amqp: amqp://u:p@h": ["amqp", "********"],
    "amqp: [1]": ["amqp", "********"],
    "amqp: {tls: /ca.pem}": ["amqp.tls", "/ca.pem"],
    "message_cache_config: 5": ["message_cache_config", "********"],
  };
  for (const [file, expected] of Object.entries(wrong)) {
    const found = await faults({ file });
    assert.deepEqual(found.map(({ key, value }) => [key, value]), [expected], file);
    assert.equal(found[0]?.source, "file config.yaml");
  }
});

Deno.test("YAML's anchors, merge keys, comments and byte order mark are understood", async () => {
  const file = "\ufeff# c\nx: &x {port: 1}\namqp: {<<: *x, hostname: h}\n";
  const config = await valid({ file });
  assert.deepEqual([config.amqp.hostname, config.amqp.port], [["h"], 1]);
});

Deno.test("JSON indented with tabs is understood", async () => {
  const file = JSON.stringify({ max_retries: 1, amqp: { port: 2 } }, null, "\t");
  const config = await valid({ file });
  assert.deepEqual([config.max_retries, config.amqp.port], [1, 2]);
});

Deno.test("names that every object has are keys like others", async () => {
  const file = "__proto__: {auth_token: x}\nconstructor: 1\ntoString: {a: b}\n";
  const loaded = await load({ file, env: REQUIRED });
  assert.deepEqual(loaded.warnings.map(({ key }) => key), ["__proto__", "constructor", "toString"]);
  assert.ok(loaded.kind === "ok");
  assert.equal(loaded.config.auth_token, REQUIRED.AUTH_TOKEN);
});

const UNREADABLE: readonly (readonly [string, string, RegExp])[] = [
  ["a list", "- a\n", /^a mapping of keys to values$/],
  ["text", "hello\n", /^a mapping/],
  [
    "broken YAML",
    "a: 1\nb: [1\nc: 2\n",
    /^YAML or JSON: line 2, column 4: the \[ that begins here/,
  ],
  ["broken JSON", '{\n  "a": }1\n}', /^YAML or JSON: line 2, column /],
  [
    "a tab as indentation",
    "amqp:\n\tport: 1\n",
    /^YAML or JSON: line 2, column 1: indent with spaces, not/,
  ],
  [
    "a key given twice",
    "a: 1\na: 2\n",
    /^YAML or JSON: line 2, column 1: a is there twice; remove/,
  ],
  ["an alias of itself", "a: &a {<<: *a}\n", /alias/],
  ["two documents", "a: 1\n---\nb: 2\n", /^YAML or JSON: line 2, /],
  ["more than 1 MiB", "a".repeat(1024 * 1024 + 1), /1 MiB/],
];

for (const [what, file, expected] of UNREADABLE) {
  Deno.test(`a file that holds ${what} is the one fault, with those of other layers`, async () => {
    const loaded = await load({ file, env: { AMQP_PORT: "x" } });
    assert.ok(loaded.kind === "faulty");
    const [fault, port, ...others] = loaded.faults;
    assert.match(fault?.expected ?? "", expected);
    assert.deepEqual([fault?.key, fault?.value, fault?.source], [
      "config file",
      "config.yaml",
      "flag --config",
    ]);
    assert.equal(port?.key, "amqp.port");
    assert.deepEqual(others, []);
  });
}

Deno.test("a file that can't be read is a fault that says why", async () => {
  const env = { VUMI_CONFIG_FILE: "/nonexistent/config.yaml" };
  const loaded = await loadConfig({ flags: {}, env });
  assert.deepEqual(loaded, {
    kind: "faulty",
    warnings: [],
    faults: [{
      key: "config file",
      value: "/nonexistent/config.yaml",
      expected: "a file that can be read; there is none",
      source: "environment variable VUMI_CONFIG_FILE",
    }],
  });
});

Deno.test("an empty file is an empty configuration", async () => {
  assert.deepEqual(await faults({ file: "# nothing\n" }), []);
});

Deno.test("amqpUrls() percent-encodes, brackets IPv6, and prefers amqp_url", async () => {
  const env = {
    AMQP_HOSTNAME: "::1",
    AMQP_PORT: "1",
    AMQP_USERNAME: "a@b",
    AMQP_PASSWORD: "p:/?#[]@ %é",
    AMQP_VHOST: "/v h",
  };
  const urls = async (env: Record<string, string>) => amqpUrls(await valid({ env }));
  const user = "a%40b:p%3A%2F%3F%23%5B%5D%40%20%25%C3%A9";
  assert.deepEqual(await urls(env), [`amqp://${user}@[::1]:1/%2Fv%20h`]);
  assert.deepEqual(await urls({}), ["amqp://guest:guest@127.0.0.1:5672/%2F"]);
  assert.deepEqual(await urls({ ...env, AMQP_URL: "memory:" }), ["memory:"]);
  const several = { AMQP_HOSTNAME: "a, b:5, [::1]:6", AMQP_PORT: "4", AMQP_VHOST: "v" };
  const hosts = ["a:4", "b:5", "[::1]:6"];
  const expected = hosts.map((host) => `amqp://guest:guest@${host}/v`);
  assert.deepEqual(await urls(several), expected);
});

Deno.test("amqpUrls() has TLS, and its port, if anything is said in amqp.tls", async () => {
  const urls = async (env: Record<string, string>) =>
    amqpUrls(await valid({ env: { AMQP_TLS_SERVER_NAME: "rabbit", ...env } }));
  assert.deepEqual(await urls({ AMQP_HOSTNAME: "a,b:1" }), [
    "amqps://guest:guest@a:5671/%2F",
    "amqps://guest:guest@b:1/%2F",
  ]);
  assert.deepEqual(await urls({ AMQP_PORT: "2" }), ["amqps://guest:guest@127.0.0.1:2/%2F"]);
  assert.deepEqual(await urls({ AMQP_TLS_SERVER_NAME: "" }), [
    "amqp://guest:guest@127.0.0.1:5672/%2F",
  ]);
});

Deno.test("a request_timeout that is longer than Turn waits is warned about, and counts as less", async () => {
  for (
    const [written, ms, warned] of [["4.5", 4500, 0], ["1", 1000, 0], ["240", 4500, 1]] as const
  ) {
    const loaded = await load({ env: { ...REQUIRED, REQUEST_TIMEOUT: written } });
    assert.ok(loaded.kind === "ok");
    assert.equal(requestTimeoutMs(loaded.config), ms);
    assert.equal(loaded.warnings.length, warned);
  }
});

Deno.test("amqp.tls without any address that has TLS is warned about", async () => {
  const env = { ...REQUIRED, AMQP_TLS_SERVER_NAME: "rabbit" };
  const warned = async (more: Record<string, string>) =>
    (await load({ env: { ...env, ...more } })).warnings.map(({ key }) => key);
  assert.deepEqual(await warned({ AMQP_URL: "amqp://a,amqp://b" }), ["amqp.tls"]);
  assert.deepEqual(await warned({ AMQP_URL: "memory:" }), ["amqp.tls"]);
  assert.deepEqual(await warned({ AMQP_URL: "amqp://a,amqps://b" }), []);
  assert.deepEqual(await warned({}), []);
});

Deno.test("redactedConfig() shows each key, without what is secret", async () => {
  const env = {
    AMQP_URL: "amqps://u:hush@h:1/v?heartbeat=9,amqp://:hush@h2",
    SENTRY_DSN: "dsn",
    HTTP_BIND: "[::1]:80",
  };
  const shown = redactedConfig(await valid({ env }));
  assert.equal(shown.amqp_url, "amqps://u:********@h:1/v, amqp://:********@h2");
  assert.equal(shown.http_bind, "[::1]:80");
  assert.equal(shown["amqp.hostname"], "127.0.0.1");
  for (const key of ["auth_token", "turn_hmac_secret", "amqp.password", "sentry_dsn"]) {
    assert.equal(shown[key], "********");
  }
  const redis = async (url: string) => {
    const config = await valid({ env: { MESSAGE_CACHE_CONFIG_URL: url } });
    return redactedConfig(config)["message_cache_config.url"];
  };
  assert.equal(await redis("redis://u:hush@h:1/2"), "redis://u:********@h:1/2");
  assert.equal(await redis("rediss://:hush@h"), "rediss://:********@h");
  assert.equal(await redis("redis://h"), "redis://h");
  assert.equal(
    await redis("redis+sentinel://u:hush@s1:1,[::1]/main/2"),
    "redis+sentinel://u:********@s1:1,[::1]/main/2",
  );
  const plain = redactedConfig(await valid({ env: { AMQP_URL: "memory:" } }));
  assert.deepEqual([plain.amqp_url, plain.sentry_dsn], ["memory:", ""]);
});
