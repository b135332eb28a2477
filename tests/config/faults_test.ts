/**
 * What an operator is told: all faults, no secret, and hints for typing errors.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { amqpUrls, configKeys, formatFaults, redactedConfig } from "../../src/config/mod.ts";
import { configReference } from "./reference.ts";
import { type Given, load, REQUIRED } from "./support.ts";

Deno.test("loadConfig() finds all faults at once, with key, value and source", async () => {
  const loaded = await load({
    file:
      "connector_name: ''\nmax_retries: -1\nmiddlewares: [{class_path: a.B}]\namqp: {port: x}\n",
    env: { HTTP_BIND: ":8080", AUTH_TOKEN: "a\n", LOG_LEVEL: "LOUD" },
    flags: { "turn-api-url": "turn", "message-cache-class": "DenoKvMessageCache" },
  });
  assert.ok(loaded.kind === "faulty");
  const nowhere = (name: string, alternative = ""): string =>
    `nowhere; set it${alternative} in the file, as ${name} in the environment, or by ` +
    `--${name.toLowerCase().replaceAll("_", "-")}`;
  assert.deepEqual(loaded.faults.map(({ key, value, source }) => [key, value, source]), [
    ["connector_name", '""', "file config.yaml"],
    ["default_from_addr", undefined, nowhere("DEFAULT_FROM_ADDR")],
    ["http_bind", ":8080", "environment variable HTTP_BIND"],
    ["turn_hmac_secret", undefined, nowhere("TURN_HMAC_SECRET", ", or turn_hmac_secret_file,")],
    ["turn_api_url", "turn", "flag --turn-api-url"],
    ["auth_token", "********", "environment variable AUTH_TOKEN"],
    ["max_retries", "-1", "file config.yaml"],
    ["amqp.port", "x", "file config.yaml"],
    ["message_cache_config.path", undefined, nowhere("MESSAGE_CACHE_CONFIG_PATH")],
    ["log_level", "LOUD", "environment variable LOG_LEVEL"],
    ["middlewares", "a list", "file config.yaml"],
  ]);
});

Deno.test("formatFaults() is short and has no stack", () => {
  const fault = { key: "a.b", value: "x", expected: "y", source: "flag --a-b" };
  assert.equal(
    formatFaults([fault, { ...fault, key: "c", value: undefined }]),
    `The configuration has 2 faults:

  a.b
    value     x
    expected  y
    source    flag --a-b

  c
    value     (missing)
    expected  y
    source    flag --a-b
`,
  );
  assert.match(formatFaults([fault]), /^The configuration has 1 fault:\n/);
});

Deno.test("faulty values can't garble a terminal, and stay short", async () => {
  const loaded = await load({ env: { ...REQUIRED, LOG_LEVEL: `\x1b[2J${"x".repeat(500)}` } });
  assert.ok(loaded.kind === "faulty");
  assert.match(loaded.faults[0]?.value ?? "", /^"\\u001b\[2Jx{60,80}\.\.\."$/);
});

Deno.test("credentials in the URL of a key that is not secret are not shown", async () => {
  for (const url of ["https://u:hush@turn.example", "https://turn.example/?token=hush"]) {
    const loaded = await load({ env: { ...REQUIRED, TURN_API_URL: url, HTTP_BIND: url } });
    assert.ok(loaded.kind === "faulty");
    assert.equal(loaded.faults.length, 2);
    assert.doesNotMatch(formatFaults(loaded.faults), /hush/);
  }
});

/** Everything that may be shown of what was loaded. */
async function shown(given: Given): Promise<string> {
  const loaded = await load(given);
  return JSON.stringify([
    loaded.warnings,
    loaded.kind === "ok"
      ? [redactedConfig(loaded.config), loaded.sources]
      : [loaded.faults, formatFaults(loaded.faults)],
  ]);
}

const SECRETS = configKeys.filter(({ secrecy }) => secrecy !== "none");

/** Ways to get a secret into a key, right and wrong. */
const WAYS = fc.constantFrom<(secret: string) => unknown>(
  (secret) => secret,
  (secret) => `${secret}\n`,
  (secret) => ` ${secret} `,
  (secret) => `amqp://user:${secret}@host`,
  (secret) => `amqp://user:pa ${secret}@host:port`,
  (secret) => `amqp://user:${secret}@host:port`,
  (secret) => `amqp://user:1/${secret}@host`,
  (secret) => `amqp://user:1?${secret}@host`,
  (secret) => `amqp://user:1#${secret}@host`,
  (secret) => `amqp://host/v?password=${secret}`,
  (secret) => `amqp://host/v,amqp://user:${secret}@host`,
  (secret) => [`amqp://user:${secret}@host`, "amqp://host"],
  (secret) => `http://user:${secret}@host`,
  (secret) => `amqp//user:${secret}`,
  (secret) => [secret],
  (secret) => ({ [secret]: secret }),
  (secret) => ({ value: secret }),
);

const SECRET = fc.string({ minLength: 6, maxLength: 30, unit: "grapheme-ascii" })
  .map((text) => `QX${text}QX`); // Marked at both ends, so that a part would be seen too.

Deno.test("no secret is shown, wherever it stands and however wrong it is", async () => {
  const place = fc.constantFrom("file", "env", "flags", "group");
  const property = fc.asyncProperty(
    fc.constantFrom(...SECRETS),
    SECRET,
    WAYS,
    place,
    async (key, secret, way, place) => {
      const value = way(secret);
      const text = typeof value === "string" ? value : JSON.stringify(value);
      const tree = key.path.split(".").reduceRight<unknown>(
        (inner, name) => ({ [name]: inner }),
        value,
      );
      const given = {
        file: { file: JSON.stringify(tree), env: REQUIRED },
        env: { env: { ...REQUIRED, [key.env]: text } },
        flags: { env: REQUIRED, flags: { [key.flag]: text } },
        group: { file: JSON.stringify({ amqp: text }), env: REQUIRED },
      }[place];
      // What is required stands above the file, so the file's secret would not be looked at.
      const { [key.env]: _, ...others } = given.env;
      const output = await shown(place === "file" ? { ...given, env: others } : given);
      assert.doesNotMatch(output, /qx/i);
    },
  );
  await fc.assert(property, { numRuns: 500 });
});

Deno.test("no secret is shown of a file that is broken in the middle of it", async () => {
  const broken = fc.constantFrom(
    (secret: string) => `auth_token: @${secret}\n`,
    (secret: string) => `auth_token: "${secret}\n`,
    (secret: string) => `auth_token: a: ${secret}\n`,
    (secret: string) => `auth_token:${secret}\n`,
    (secret: string) => `a: b\nauth_token:${secret}\n`,
    (secret: string) => `auth_token: *${secret}\n`,
    (secret: string) => `auth_token: !${secret}\n`,
    // Without commas: what follows one is a key, as far as anybody can tell.
    (secret: string) => `{auth_token:${secret.replaceAll(",", "")}}`,
    (secret: string) => `{"auth_token": "${secret}" "`,
    (secret: string) => `- ${secret}\n`,
  );
  const property = fc.asyncProperty(broken, SECRET, async (write, secret) => {
    const { AUTH_TOKEN: _, ...env } = REQUIRED;
    const output = await shown({ file: write(secret), env });
    assert.doesNotMatch(output, /qx/i);
  });
  await fc.assert(property, { numRuns: 300 });
});

Deno.test("amqpUrls() has a URL that holds the parts, whatever they are", async () => {
  const part = fc.string({ minLength: 1, unit: "binary" });
  const property = fc.asyncProperty(part, part, part, async (username, password, vhost) => {
    const file = JSON.stringify({ amqp: { username, password, vhost } });
    const loaded = await load({ file, env: REQUIRED });
    assert.ok(loaded.kind === "ok");
    const url = new URL(amqpUrls(loaded.config)[0] ?? "");
    const parts = [url.username, url.password, url.pathname.slice(1)].map(decodeURIComponent);
    assert.deepEqual(parts, [username, password, vhost]);
  });
  await fc.assert(property);
});

Deno.test("loadConfig() never throws, whatever is in the file", async () => {
  const keys = fc.constantFrom(...configKeys.map(({ path }) => path.split(".")[0] ?? path));
  const files = fc.oneof(
    fc.string(),
    fc.dictionary(keys, fc.jsonValue()).map((tree) => JSON.stringify(tree)),
  );
  await fc.assert(fc.asyncProperty(files, async (file) => {
    assert.match((await load({ file })).kind, /^(ok|faulty)$/);
  }));
});

/** What the file says, and the warning's key and hint. */
const UNKNOWN: readonly (readonly [string, string, string])[] = [
  ["conector_name: a", "conector_name", "; did you mean connector_name?"],
  ["amqp: {host: a}", "amqp.host", "; did you mean amqp.hostname?"],
  ["amqp: {tls: {cafile: a}}", "amqp.tls.cafile", "; did you mean amqp.tls.ca_file?"],
  ["amqp_hostname: a", "amqp_hostname", "; did you mean amqp.hostname?"],
  [
    "message_cache_config: {timout: 1}",
    "message_cache_config.timout",
    "; did you mean message_cache_config.timeout?",
  ],
  ["ussd: {page_char: 160}", "ussd.page_char", "; did you mean ussd.page_chars?"],
  ["word: {picture: a}", "word", "; did you mean words.picture?"],
  ["sms: {maxparts: 2}", "sms.maxparts", "; did you mean sms.max_parts?"],
  ["template: {}", "template", "; did you mean templates?"],
  ["Log_Level: a", "Log_Level", "; did you mean log_level?"],
  ["zzz: a", "zzz", ""],
  ["auth_token:hush: a", "(not a name)", ""],
];

for (const [file, key, hint] of UNKNOWN) {
  Deno.test(`${file} is warned of`, async () => {
    const { kind, warnings } = await load({ file, env: REQUIRED });
    assert.equal(kind, "ok");
    assert.deepEqual(warnings, [{
      key,
      message: `${key} in file config.yaml is not known and has no effect${hint}`,
    }]);
  });
}

Deno.test("warnings come with faults too, and $schema needs none", async () => {
  const file = "$schema: ./schema.json\nconector_name: a\namqp: {$schema: x}\n";
  const loaded = await load({ file });
  assert.equal(loaded.kind, "faulty");
  assert.deepEqual(loaded.warnings.map(({ key }) => key), ["conector_name", "amqp.$schema"]);
});

Deno.test("unknown variables are warned of when they have the prefix", async () => {
  const env = {
    AMQP_PROT: "1",
    VUMI_AMQP_PROT: "1",
    VUMI_CONFIG_FILE: "",
    VUMI_CONFIG_PREFIX: "VUMI",
  };
  assert.deepEqual((await load({ env })).warnings, [{
    key: "VUMI_AMQP_PROT",
    message:
      "VUMI_AMQP_PROT in the environment is not known and has no effect; did you mean VUMI_AMQP_PORT?",
  }]);
  assert.deepEqual((await load({ env: { ...REQUIRED, AMQP_PROT: "1" } })).warnings, []);
});

Deno.test("configReference() tells of every key once, in tables that are aligned", () => {
  const reference = configReference();
  for (const { path, type, description, defaultText, required } of configKeys) {
    const rows = reference.split("\n").filter((line) => line.startsWith(`| \`${path}\` `));
    assert.equal(rows.length, 1, path);
    const cells = rows[0]?.split(" | ").map((cell) => cell.replace(/^\| |\|$/g, "").trim());
    const standard = required ? "required" : defaultText === "" ? "" : `\`${defaultText}\``;
    assert.deepEqual(cells, [`\`${path}\``, type, standard, description]);
  }
  for (const table of reference.split(/^### .*$/m).slice(1)) {
    const widths = table.trim().split("\n").map((line) => line.length);
    assert.equal(new Set(widths).size, 1);
  }
});
