/**
 * Secrets in files of their own, and several secrets to sign with.
 *
 * @module
 */

import assert from "node:assert/strict";
import { amqpUrls, type Fault, loadConfig, redactedConfig } from "../../src/config/mod.ts";
import { type Given, load, REQUIRED } from "./support.ts";

/** What is required, without these. */
function without(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(REQUIRED).filter(([name]) => !names.includes(name)));
}

async function faultsOf(given: Given): Promise<readonly Fault[]> {
  const loaded = await load(given);
  return loaded.kind === "faulty" ? loaded.faults : [];
}

Deno.test("each secret may stand in a file, named in the file, the environment or by a flag", async () => {
  const loaded = await load({
    file: "auth_token_file: ./token\n",
    files: { "./token": "t0ken-in-a-file\n", "/run/hmac": "new\r\nold\r\n\r\n", "/pw": "a b" },
    env: { ...without("AUTH_TOKEN", "TURN_HMAC_SECRET"), TURN_HMAC_SECRET_FILE: "/run/hmac" },
    flags: { "amqp-password-file": "/pw" },
  });
  assert.ok(loaded.kind === "ok", JSON.stringify(loaded));
  const { config, sources } = loaded;
  assert.equal(config.auth_token, "t0ken-in-a-file");
  assert.deepEqual(config.turn_hmac_secret, ["new", "old"]);
  assert.match(amqpUrls(config)[0] ?? "", /:a%20b@/);
  assert.equal(sources.auth_token, "file ./token, which auth_token_file names");
  const shown = redactedConfig(config);
  assert.equal(shown.turn_hmac_secret_file, "/run/hmac");
  for (const key of ["auth_token", "turn_hmac_secret", "amqp.password"]) {
    assert.equal(shown[key], "********");
  }
});

Deno.test("several secrets to sign with are a list in the file, or the lines of their own file", async () => {
  const file = "turn_hmac_secret: [0815, 'b, c']\n";
  const loaded = await load({ file, env: without("TURN_HMAC_SECRET") });
  assert.ok(loaded.kind === "ok");
  assert.deepEqual(loaded.config.turn_hmac_secret, ["0815", "b, c"]);
});

for (const list of ["[]", "[a, '']", "['a\n']", "[a, true]", "[a, [b]]", `[${"a,".repeat(11)}]`]) {
  Deno.test(`turn_hmac_secret: ${JSON.stringify(list)} is refused`, async () => {
    const file = `turn_hmac_secret: ${list.replace("\n", "\n\n\n  ")}\n`;
    const [fault, ...others] = await faultsOf({ file, env: without("TURN_HMAC_SECRET") });
    assert.match(fault?.key ?? "", /^turn_hmac_secret(\[\d\])?$/);
    assert.match(fault?.value ?? "", /^(\*{8}|"")$/);
    assert.deepEqual(others, []);
  });
}

Deno.test("a secret and its file are a fault, which names both places", async () => {
  const [fault, ...others] = await faultsOf({
    file: "auth_token_file: /t\n",
    files: { "/t": "in-the-file" },
    env: REQUIRED,
  });
  assert.deepEqual(others, []);
  assert.deepEqual(fault, {
    key: "auth_token_file",
    value: "/t",
    expected: "either auth_token or auth_token_file, not both",
    source: "file config.yaml; auth_token is in environment variable AUTH_TOKEN",
  });
});

Deno.test("an empty name of a file counts as none", async () => {
  const loaded = await load({ env: { ...REQUIRED, AUTH_TOKEN_FILE: "" } });
  assert.equal(loaded.kind, "ok");
});

/** What the file holds, and what is expected instead. */
const UNUSABLE: readonly (readonly [string, string | undefined, RegExp])[] = [
  ["is not there", undefined, /^a file that can be read; there is none$/],
  ["is empty", "\n\n", /^a file that is not empty$/],
  ["is larger than 64 KiB", "x".repeat(65_537), /^a file of at most 64 KiB$/],
];

for (const [name, text, expected] of UNUSABLE) {
  Deno.test(`a file of a secret that ${name} is one fault, with key and path`, async () => {
    const [fault, ...others] = await faultsOf({
      files: text === undefined ? {} : { "/run/token": text },
      env: { ...without("AUTH_TOKEN"), AUTH_TOKEN_FILE: "/run/token" },
    });
    assert.deepEqual(others, []);
    assert.deepEqual([fault?.key, fault?.value], ["auth_token_file", "/run/token"]);
    assert.match(fault?.expected ?? "", expected);
    assert.equal(fault?.source, "environment variable AUTH_TOKEN_FILE");
  });
}

Deno.test("what a file holds is held to its key's rule, and never shown", async () => {
  for (const text of ["Bearer hunter2", "hunter2\nhunter2", "hünter2"]) {
    const faults = await faultsOf({
      files: { "/run/token": text },
      env: { ...without("AUTH_TOKEN"), AUTH_TOKEN_FILE: "/run/token" },
    });
    assert.deepEqual(faults.map(({ key, value }) => [key, value]), [["auth_token", "********"]]);
    assert.equal(faults[0]?.source, "file /run/token, which auth_token_file names");
    assert.doesNotMatch(JSON.stringify(faults), /hunter|hünter/);
  }
});

Deno.test("a secret where the path of its file belongs is not shown", async () => {
  const env = { ...without("AUTH_TOKEN"), AUTH_TOKEN_FILE: "hunter2/+" };
  const [fault] = await faultsOf({ env });
  assert.deepEqual([fault?.key, fault?.value], ["auth_token_file", "********"]);
  assert.match(fault?.expected ?? "", /path with \/ or \.\/; a secret itself is auth_token$/);
});

Deno.test("files are read from the disk only as far as they may be large", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/token`;
  await Deno.writeTextFile(path, `${"t".repeat(65_000)}\n`);
  const env = without("AUTH_TOKEN");
  const loaded = await loadConfig({ flags: { "auth-token-file": path }, env });
  assert.ok(loaded.kind === "ok");
  assert.equal(loaded.config.auth_token.length, 65_000);
  await Deno.writeFile(path, new Uint8Array([0x74, 0xff]));
  for (
    const [file, expected] of [
      ["/dev/zero", "a file of at most 64 KiB"],
      [path, "a file with text in UTF-8"],
      [folder, /^a file that can be read/],
    ] as const
  ) {
    const faulty = await loadConfig({ flags: { "auth-token-file": file }, env });
    assert.ok(faulty.kind === "faulty");
    assert.match(faulty.faults[0]?.expected ?? "", new RegExp(expected));
  }
  await Deno.remove(folder, { recursive: true });
});
