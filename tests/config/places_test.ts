/**
 * Where the configuration file is looked for.
 *
 * @module
 */

import assert from "node:assert/strict";
import { findPlace } from "../../src/config/mod.ts";

/** The file that is found if these are there; what can't be read is there, too. */
async function found(
  there: readonly string[],
  env: Readonly<Record<string, string>> = {},
  flags: Readonly<Record<string, string>> = {},
  fault: Error = new Deno.errors.NotFound(),
): Promise<string> {
  const readFile = (path: string) =>
    there.includes(path) ? Promise.resolve(new Uint8Array()) : Promise.reject(fault);
  const place = await findPlace({ flags, env, readFile });
  return place === undefined ? "none" : `${place.path}: ${place.source}`;
}

const BOTH = ["config.yaml", "/etc/turn-channels/config.yaml"];

Deno.test("findPlace() takes --config, then a variable, then what is there", async () => {
  const env = { TURN_CHANNELS_CONFIG: "ours", VUMI_CONFIG_FILE: "vumis" };
  assert.equal(await found(BOTH, env, { config: "flag" }), "flag: flag --config");
  assert.equal(await found(BOTH, env), "ours: environment variable TURN_CHANNELS_CONFIG");
  const vumi = { ...env, TURN_CHANNELS_CONFIG: "" };
  assert.equal(await found(BOTH, vumi), "vumis: environment variable VUMI_CONFIG_FILE");
  assert.equal(await found(BOTH), "config.yaml: a usual place");
  const [, etc = ""] = BOTH;
  assert.equal(await found([etc]), `${etc}: a usual place`);
  assert.equal(await found([]), "none");
});

Deno.test("findPlace() passes over no file that can't be read", async () => {
  const denied = new Deno.errors.PermissionDenied();
  assert.equal(await found([], {}, {}, denied), "config.yaml: a usual place");
});
