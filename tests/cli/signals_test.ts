/**
 * Signals that come while the program starts: a configuration that does not come (a pipe nobody writes
 * to) makes that last as long as the test needs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Program, type Running } from "../support/program.ts";
import { until } from "../support/until.ts";

/** A pipe in the place of a configuration file. */
class ConfigPipe implements AsyncDisposable {
  private constructor(readonly path: string, readonly folder: string) {}

  static async make(): Promise<ConfigPipe> {
    const folder = await Deno.makeTempDir({ prefix: "turn-channels-signals-" });
    const path = `${folder}/config.json`;
    await new Deno.Command("mkfifo", { args: [path] }).output();
    return new ConfigPipe(path, folder);
  }

  /** Waits until it is opened to be read. */
  async opened(): Promise<Deno.FsFile> {
    return await Deno.open(this.path, { write: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

const CONFIG = new TextEncoder().encode(JSON.stringify({
  connector_name: "c",
  http_bind: "127.0.0.1:0",
  turn_api_url: "http://127.0.0.1:9",
  auth_token: "token",
  turn_hmac_secret: "secret",
  default_from_addr: "8110",
  amqp_url: "memory:",
}));

/** Starts it, and does not wait until it has started. */
async function starting(args: readonly string[]): Promise<Running> {
  return await Program.fromSource().start(args, {}, "unknown yet");
}

Deno.test("SIGHUP while run starts does not end it: it reads the configuration when it has started", async () => {
  await using pipe = await ConfigPipe.make();
  await using running = await starting(["run", `--config=${pipe.path}`]);
  {
    using file = await pipe.opened();
    // It is read again from a file: Deno 2.6 does nothing else while it waits for a pipe.
    await Deno.remove(pipe.path);
    await Deno.writeFile(pipe.path, CONFIG);
    running.signal("SIGHUP");
    await file.write(CONFIG);
  }
  await until("the start", () => running.stderr().includes("Bridging"));
  await until("the reload", () => running.stderr().includes("Configuration reloaded"));
  assert.equal(await running.stop("SIGTERM"), 0);
});

for (const [command, code] of [["run", 0], ["check", 143]] as const) {
  Deno.test(`SIGTERM while ${command} starts ends it, exit code ${code}`, async () => {
    await using pipe = await ConfigPipe.make();
    await using running = await starting([command, `--config=${pipe.path}`]);
    using _file = await pipe.opened();
    assert.equal(await running.stop("SIGTERM"), code);
  });
}

Deno.test("nothing is loaded before signals are heeded", async () => {
  const loaded: string[] = [];
  const load = async (url: URL): Promise<void> => {
    loaded.push(url.pathname.replace(/^.*\/src\//, ""));
    const text = await Deno.readTextFile(url);
    for (const [, path = ""] of text.matchAll(/^(?:im|ex)port\b[^;"]*"([^"]+)"/gm)) {
      await load(new URL(path, url));
    }
  };
  await load(new URL("../../src/main.ts", import.meta.url));
  assert.deepEqual(loaded, ["main.ts", "cli/mod.ts", "cli/entry.ts", "service/signals.ts"]);
});
