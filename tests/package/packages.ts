/**
 * What `deno task package` makes, made once for the tests of a file.
 *
 * @module
 */

import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { run } from "../support/install.ts";

export const VERSION = manifest.version;

/** The folder that it was made in; or why it can't be made here. */
export const { dist, fault } = await makePackages();
/** What a test is called that is not run for it. */
export const suffix = fault === undefined ? "" : ` (can't be packaged here: ${fault})`;
/** On a developer's machine without the network it may be so; in CI it may not. */
export const ignore = fault !== undefined && Deno.env.get("CI") !== "true";

/** A configuration that runs with nothing else, with a secret in a file as root keeps it. */
export const CONFIG = `connector_name: c
default_from_addr: "8110"
http_bind: 127.0.0.1:8080
turn_api_url: http://127.0.0.1:9
auth_token_file: /etc/turn-channels/token
turn_hmac_secret: s3cret
amqp_url: "memory:"
message_cache_class: DenoKvMessageCache
message_cache_config: { path: /var/lib/turn-channels/cache.kv }
`;

/** Runs a program that must end well; returns what it printed. */
export async function succeed(program: string, ...args: readonly string[]): Promise<string> {
  const { success, output } = await run(program, args);
  assert.ok(success, `${program} ${args.join(" ")}: ${output}`);
  return output;
}

async function makePackages(): Promise<{ dist: string; fault: string | undefined }> {
  const dist = await Deno.makeTempDir({ prefix: "turn-channels-dist-" });
  addEventListener("unload", () => Deno.removeSync(dist, { recursive: true }));
  const script = new URL("../../src/package/main.ts", import.meta.url).pathname;
  const args = ["run", "--quiet", "--no-check", "--allow-all", script, dist, "--no-check"];
  const { success, output } = await run(Deno.execPath(), args);
  return { dist, fault: success ? undefined : output };
}
