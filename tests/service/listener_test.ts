/**
 * What clients can't do to a bridge: keep it from listening, and keep it from stopping. Each bridge is a
 * program of its own, with real limits.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SECRET } from "../support/bridge.ts";
import { send } from "../support/fake_turn.ts";
import { freePort } from "../support/free_port.ts";
import { Program, type Running } from "../support/program.ts";
import { STUCK, StuckClients } from "../support/stuck_clients.ts";
import { until } from "../support/until.ts";

const REQUEST = { to: "+26612345678", turn: { type: "text", text: { body: "Hi" } } };
/** Enough for a bridge with nothing to do, and for some clients. */
const FILES = 80;

async function start(
  flags: Readonly<Record<string, string>>,
  files = 1000,
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const all = {
    "connector-name": "c",
    "http-bind": "127.0.0.1:0",
    "turn-api-url": "http://127.0.0.1:9",
    "auth-token": "t",
    "turn-hmac-secret": SECRET,
    "default-from-addr": "8110",
    "amqp-url": "memory:",
    ...flags,
  };
  const args = Object.entries(all).map(([flag, value]) => `--${flag}=${value}`);
  return await Program.fromSource().limited(files).start(["run", ...args], env);
}

Deno.test("clients that have taken all descriptors are closed, and it listens again", async () => {
  await using running = await start({}, FILES);
  for (const [what, text] of Object.entries(STUCK)) {
    using clients = new StuckClients();
    await clients.connect(running.address, 2 * FILES, text);
    await until(`it to take a message after ${what}`, () => takesMessage(running));
  }
  assert.equal(await running.stop("SIGTERM"), 0);
  assert.match(running.stderr(), /ERROR.*No connection is taken /);
});

Deno.test("a socket in the file system is made anew when it was removed, and after a failed accept", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/socket`;
    await using running = await start({ "http-bind": `unix:${path}` }, FILES);
    await Deno.remove(path);
    await until("a new one", () => takesConnection(path));
    using clients = new StuckClients();
    await clients.connect(running.address, 2 * FILES, "");
    await until("another", () => takesConnection(path));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an address that can't be listened on any more ends the program with 70, and is named", async () => {
  const folder = await Deno.makeTempDir();
  const moved = `${folder}-moved`;
  try {
    const path = `${folder}/socket`;
    await using running = await start({ "http-bind": `unix:${path}` });
    await Deno.rename(folder, moved);
    assert.equal(await running.ended(), 70);
    assert.match(running.stderr(), /FATAL.*Cannot listen on http_bind unix:.*No such file/);
    assert.match(running.stderr(), /"Stopped"/);
  } finally {
    await Deno.remove(moved, { recursive: true });
  }
});

Deno.test("DENO_SERVE_ADDRESS moves no address", async () => {
  const [bind, other] = [freePort(), freePort()];
  const env = { DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${other}` };
  await using running = await start({ "http-bind": `127.0.0.1:${bind}` }, 1000, env);
  assert.equal(await (await fetch(`http://127.0.0.1:${bind}/livez`)).text(), "ok\n");
  Deno.listen({ hostname: "127.0.0.1", port: other }).close();
  assert.equal(await running.stop("SIGTERM"), 0);
});

Deno.test("no client keeps it from stopping", async () => {
  await using running = await start({ "admin-bind": "127.0.0.1:0", "shutdown-timeout": "3600" });
  const [, admin = assert.fail()] = /"admin":"([^"]+)"/.exec(running.stderr()) ?? [];
  using clients = new StuckClients();
  for (const text of Object.values(STUCK)) {
    await clients.connect(running.address, 2, text);
    await clients.connect(admin, 2, text);
  }
  await until("a half body to be given up", () => running.stderr().includes("Not done within"));
  assert.equal(await running.stop("SIGTERM"), 0);
});

async function takesMessage({ address }: Running): Promise<boolean> {
  const response = await send(`${address}/messages`, REQUEST, { secret: SECRET }).catch(() => {});
  await response?.body?.cancel();
  return response?.status === 200;
}

async function takesConnection(path: string): Promise<boolean> {
  const connection = await Deno.connect({ transport: "unix", path }).catch(() => {});
  connection?.close();
  return connection !== undefined;
}
