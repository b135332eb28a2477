/**
 * The files of `amqp.tls`: what they may hold, and what is said of those that can't be used.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Fault, redactedConfig } from "../../src/config/mod.ts";
import { faults, type Given, load, REQUIRED, valid } from "./support.ts";

function pem(label: string, text: string): string {
  return `-----BEGIN ${label}-----\n${btoa(text)}\n-----END ${label}-----\n`;
}

const CERTIFICATE = pem("CERTIFICATE", "ours");
const KEY = pem("PRIVATE KEY", "hush");
const FILES = {
  "/ca": pem("CERTIFICATE", "one") + pem("CERTIFICATE", "two"),
  "/cert": CERTIFICATE,
};

Deno.test("the files of amqp.tls are read with the configuration, named at any layer", async () => {
  const { tlsFiles, ...config } = await valid({
    file: "amqp: {tls: {ca_file: certs/ca.pem}}\n",
    env: { AMQP_TLS_CERT_FILE: "/cert" },
    flags: { "amqp-tls-key-file": "/key" },
    files: { ...FILES, "certs/ca.pem": `of the house\n${FILES["/ca"]}`, "/key": KEY },
  });
  assert.deepEqual(tlsFiles, { ca: FILES["/ca"], cert: CERTIFICATE, key: KEY });
  const shown = redactedConfig({ ...config, tlsFiles });
  assert.equal(shown["amqp.tls.key_file"], "/key");
  assert.doesNotMatch(JSON.stringify(shown), /BEGIN|aHVza/);
});

Deno.test("cert_file may hold the key too", async () => {
  const key = pem("RSA PRIVATE KEY", "hush");
  const { tlsFiles } = await valid({
    env: { AMQP_TLS_CERT_FILE: "/both" },
    files: { "/both": key + CERTIFICATE },
  });
  assert.deepEqual(tlsFiles, { cert: CERTIFICATE, key });
});

Deno.test("without files there are none", async () => {
  assert.equal((await valid({ env: { AMQP_TLS_SERVER_NAME: "a" } })).tlsFiles, undefined);
});

/** What is named, and of the one fault the key, the value, and what is expected. */
const UNUSABLE: Readonly<Record<string, readonly [Given, string, string, RegExp]>> = {
  "a file that is not there": [
    { env: { AMQP_TLS_CA_FILE: "certs/ca.pem" } },
    "amqp.tls.ca_file",
    "certs/ca.pem",
    /^a file that can be read; there is none$/,
  ],
  "a file that is no PEM": [
    { env: { AMQP_TLS_CA_FILE: "/ca" }, files: { "/ca": "\x30\x82" } },
    "amqp.tls.ca_file",
    "/ca",
    /^a file with a certificate as PEM/,
  ],
  "a key where a certificate belongs": [
    { env: { AMQP_TLS_CA_FILE: "/ca" }, files: { "/ca": KEY } },
    "amqp.tls.ca_file",
    "/ca",
    /^a file with a certificate as PEM/,
  ],
  "a key with a passphrase": [
    {
      env: { AMQP_TLS_CERT_FILE: "/cert", AMQP_TLS_KEY_FILE: "/key" },
      files: { ...FILES, "/key": pem("ENCRYPTED PRIVATE KEY", "hush") },
    },
    "amqp.tls.key_file",
    "/key",
    /no passphrase/,
  ],
  "a key without a certificate": [
    { env: { AMQP_TLS_KEY_FILE: "/key" }, files: { "/key": KEY } },
    "amqp.tls.key_file",
    "/key",
    /^amqp.tls.cert_file beside it/,
  ],
  "a certificate without a key": [
    { env: { AMQP_TLS_CERT_FILE: "/cert" }, files: FILES },
    "amqp.tls.cert_file",
    "/cert",
    /^amqp.tls.key_file beside it/,
  ],
  "a key in place of the path of its file": [
    { env: { AMQP_TLS_CERT_FILE: "/cert", AMQP_TLS_KEY_FILE: KEY }, files: FILES },
    "amqp.tls.key_file",
    "********",
    /there is none/,
  ],
};

for (const [name, [given, key, value, expected]] of Object.entries(UNUSABLE)) {
  Deno.test(`${name} is one fault, with key and path`, async () => {
    const [fault, ...others] = await faults(given);
    assert.deepEqual(others, []);
    assert.deepEqual([fault?.key, fault?.value], [key, value]);
    assert.match(fault?.expected ?? "", expected);
    assert.match(fault?.source ?? "", /^environment variable AMQP_TLS_/);
  });
}

Deno.test("with several channels a fault of amqp.tls is told once", async () => {
  const channel = (name: string) =>
    `  - {connector_name: ${name}, vumi_api_path: /${name}, turn_api_url: "http://t/${name}"}\n`;
  const file = `amqp: {tls: {ca_file: /ca}}\nchannels:\n${channel("a")}${channel("b")}`;
  const { CONNECTOR_NAME: _, TURN_API_URL: __, ...env } = REQUIRED;
  const loaded = await load({ file, env });
  const found: readonly Fault[] = loaded.kind === "faulty" ? loaded.faults : [];
  assert.deepEqual(found.map(({ key, source }) => [key, source]), [
    ["amqp.tls.ca_file", "file config.yaml"],
  ]);
});
