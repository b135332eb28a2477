/**
 * `turn-channels systemd-unit`: what it takes from the configuration, and what systemd says of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { missingCommand } from "../support/debian.ts";
import { Program } from "../support/program.ts";

const CONFIG = {
  connector_name: "c",
  default_from_addr: "8110",
  http_bind: "0.0.0.0:8080",
  turn_api_url: "https://turn.example",
  auth_token: "t0ken-in-config",
  turn_hmac_secret: "hmac-in-config",
};

interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly folder: string;
}

/** What is printed for this configuration; `files` are beside it, by their names. */
async function print(
  config: Readonly<Record<string, unknown>> | undefined,
  files: Readonly<Record<string, string>> = {},
  ...args: readonly string[]
): Promise<Printed> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const path = `${folder}/config.json`;
    const text = JSON.stringify(config)?.replaceAll("FOLDER", folder);
    if (text !== undefined) await Deno.writeTextFile(path, text);
    const flags = config === undefined ? [] : [`--config=${path}`];
    const output = await Program.fromSource().output(["systemd-unit", ...flags, ...args]);
    return { ...output, folder };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function pem(label: string): string {
  return `-----BEGIN ${label}-----\n${btoa("planted")}\n-----END ${label}-----\n`;
}

Deno.test("systemd-unit hands over the configuration and the files with secrets", async () => {
  const { auth_token: _, turn_hmac_secret: __, ...rest } = CONFIG;
  const { code, stdout, stderr, folder } = await print({
    ...rest,
    auth_token_file: "FOLDER/token",
    turn_hmac_secret_file: "FOLDER/hmac",
    amqp: {
      password_file: "FOLDER/pw",
      tls: { ca_file: "FOLDER/ca", cert_file: "FOLDER/cert", key_file: "FOLDER/key" },
    },
    shutdown_timeout: 59.5,
  }, {
    token: "planted-token",
    hmac: "planted-hmac",
    pw: "planted-pw",
    ca: pem("CERTIFICATE"),
    cert: pem("CERTIFICATE"),
    key: pem("PRIVATE KEY"),
  });
  assert.deepEqual([code, stderr], [0, ""]);
  for (
    const line of [
      "ExecStart=/usr/local/bin/turn-channels run \\",
      "  --config=${CREDENTIALS_DIRECTORY}/config.json \\",
      "  --auth-token-file=${CREDENTIALS_DIRECTORY}/auth-token \\",
      "  --turn-hmac-secret-file=${CREDENTIALS_DIRECTORY}/turn-hmac-secret \\",
      "  --amqp-password-file=${CREDENTIALS_DIRECTORY}/amqp-password \\",
      "  --amqp-tls-ca-file=${CREDENTIALS_DIRECTORY}/amqp-tls-ca.pem \\",
      "  --amqp-tls-cert-file=${CREDENTIALS_DIRECTORY}/amqp-tls-cert.pem \\",
      "  --amqp-tls-key-file=${CREDENTIALS_DIRECTORY}/amqp-tls-key.pem",
      `LoadCredential=config.json:${folder}/config.json`,
      `LoadCredential=auth-token:${folder}/token`,
      `LoadCredential=turn-hmac-secret:${folder}/hmac`,
      `LoadCredential=amqp-password:${folder}/pw`,
      `LoadCredential=amqp-tls-key.pem:${folder}/key`,
      "TimeoutStopSec=75",
      "LimitNOFILE=4136",
      "PrivateUsers=yes",
    ]
  ) assert.ok(stdout.split("\n").includes(line), `${line} is not in\n${stdout}`);
  assert.doesNotMatch(stdout, /planted/);
});

Deno.test("systemd-unit without a configuration is for the usual places", async () => {
  const { code, stdout } = await print(undefined);
  assert.equal(code, 0);
  assert.match(stdout, /^BindReadOnlyPaths=-%t\/turn-channels\/etc:\/etc\/turn-channels$/m);
  assert.match(stdout, /^ {2}--config=\/etc\/turn-channels\/config\.yaml$/m);
  assert.match(stdout, /^ExecReload=\/bin\/sh -c 'kill -HUP \$MAINPID'$/m);
  assert.doesNotMatch(stdout, /^LoadCredential/m);
  assert.match(stdout, /^TimeoutStopSec=40$/m);
  assert.match(stdout, /^LimitNOFILE=4136$/m);
});

Deno.test("systemd-unit gives the right for a port below 1024, and no other", async () => {
  const low = await print({ ...CONFIG, http_bind: "0.0.0.0:443" });
  assert.match(low.stdout, /^CapabilityBoundingSet=CAP_NET_BIND_SERVICE$/m);
  assert.doesNotMatch(low.stdout, /^PrivateUsers/m);
  const high = await print(CONFIG);
  assert.match(high.stdout, /^CapabilityBoundingSet=$/m);
  assert.doesNotMatch(high.stdout, /in-config/);
});

Deno.test("systemd-unit names faults of the configuration, and paths that a unit can't have", async () => {
  const faulty = await print({ ...CONFIG, http_bind: "x" });
  assert.deepEqual([faulty.code, faulty.stdout], [78, ""]);
  assert.match(faulty.stderr, /http_bind/);
  for (const binary of ["/opt/my programs/t", "/opt/%n", "turn-channels"]) {
    const odd = await print(CONFIG, {}, `--binary=${binary}`);
    assert.deepEqual([odd.code, odd.stdout], [64, ""]);
    assert.ok(odd.stderr.includes(binary));
  }
});

Deno.test("systemd-unit hands over the secrets of several channels, each one's for itself", async () => {
  const { auth_token: _, ...shared } = CONFIG;
  const channels = [{ connector_name: "a", worker_concurrency: 500 }, {
    connector_name: "b",
    vumi_api_path: "/b",
  }];
  const files = { a: "planted-a", b: "planted-b" };
  const credentials = (unit: string): (string | undefined)[][] =>
    [...unit.matchAll(/^(?:LoadCredential|Environment)=((?!config)[^:=]+)[:=](.*)$/gm)]
      .map(([, name, value]) => [name, value]);
  const variables = [
    ["CHANNELS_0_AUTH_TOKEN_FILE", "%d/auth-token-0"],
    ["CHANNELS_1_AUTH_TOKEN_FILE", "%d/auth-token-1"],
  ];
  // One file for all, and one of each.
  for (const names of [["a", "a"], ["a", "b"]]) {
    const own = channels.map((channel, index) => ({
      ...channel,
      auth_token_file: `FOLDER/${names[index]}`,
    }));
    const { code, stdout, stderr, folder } = await print({ ...shared, channels: own }, files);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^LimitNOFILE=5136$/m);
    assert.deepEqual(credentials(stdout), [
      ...names.map((name, index) => [`auth-token-${index}`, `${folder}/${name}`]),
      ...variables,
    ]);
    // A flag would be for all.
    assert.doesNotMatch(stdout, /--auth-token|planted/);
  }
});

const missing = await missingCommand("systemd-analyze", "systemd");

/** What systemd says of a unit's file. */
async function analyze(unit: string, ...args: readonly string[]): Promise<[number, string]> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/turn-channels.service`;
  await Deno.writeTextFile(path, unit);
  const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
    args: [...args, path],
  }).output();
  await Deno.remove(folder, { recursive: true });
  const decoder = new TextDecoder();
  return [code, `${decoder.decode(stdout)}${decoder.decode(stderr)}`];
}

/** The most exposure that is let pass, in tenths: what there is; systemd calls up to 2.0 safe. */
const MOST_EXPOSURE = [["0.0.0.0:8080", 11], ["0.0.0.0:443", 14]] as const;

for (const [bind, threshold] of MOST_EXPOSURE) {
  Deno.test({
    name: `systemd finds nothing wrong with the unit for ${bind}, and little exposed` +
      (missing === undefined ? "" : ` (not run: ${missing})`),
    ignore: missing !== undefined,
    fn: async () => {
      // A program that exists, which is looked at too.
      const binary = `--binary=${await Deno.realPath("/bin/true")}`;
      const { stdout } = await print({ ...CONFIG, http_bind: bind }, {}, binary);
      assert.deepEqual(await analyze(stdout, "verify"), [0, ""]);
      const usual = await print(undefined, {}, binary);
      assert.deepEqual(await analyze(usual.stdout, "verify"), [0, ""]);
      const [code, report] = await analyze(
        stdout,
        "security",
        "--offline=true",
        `--threshold=${threshold}`,
      );
      assert.equal(code, 0, report);
    },
  });
}
