/**
 * What is answered at which address: to the public, and to operators.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Service, startService } from "../../src/service/service.ts";
import { send } from "../support/fake_turn.ts";
import { SECRET, TestBridge, testConfig } from "../support/bridge.ts";
import { freePort } from "../support/free_port.ts";
import { until } from "../support/until.ts";

const OPERATORS = ["/health", "/readyz", "/status", "/metrics", "/openapi.json"];
const BODY = { to: "+26612345678", turn: { type: "text", text: { body: "Hi" } } };

async function start(flags: Record<string, string> = {}): Promise<Service> {
  const quiet = { "amqp-url": "memory:", ...flags };
  return await startService(await testConfig("c", "http://127.0.0.1:9", quiet));
}

async function get(address: string, path: string, method = "GET"): Promise<[number, string]> {
  const response = await fetch(`${address}${path}`, { method });
  return [response.status, await response.text()];
}

async function status(address: string, path: string): Promise<number> {
  return (await get(address, path))[0];
}

Deno.test("without admin_bind everything is on http_bind", async () => {
  await using service = await start();
  assert.equal(service.adminAddress, undefined);
  for (const path of [...OPERATORS, "/livez"]) {
    assert.equal(await status(service.address, path), 200, path);
    assert.equal((await get(service.address, path, "HEAD"))[0], 200, path);
    assert.equal((await get(service.address, path, "POST"))[0], 405, path);
  }
});

Deno.test("with admin_bind the public has /livez and /messages, and operators have the rest", async () => {
  await using service = await start({ "admin-bind": "127.0.0.1:0" });
  const { address, adminAddress = assert.fail() } = service;
  assert.notEqual(adminAddress, address);
  for (const path of OPERATORS) {
    assert.equal(await status(address, path), 404, path);
    assert.equal(await status(adminAddress, path), 200, path);
  }
  for (const any of [address, adminAddress]) assert.equal(await status(any, "/livez"), 200);
  const posted = async (base: string): Promise<number> => {
    const response = await send(`${base}/messages`, BODY, { secret: SECRET });
    await response.body?.cancel();
    return response.status;
  };
  assert.deepEqual([await posted(address), await posted(adminAddress)], [200, 404]);
});

Deno.test("an admin_bind that is taken is named, and nothing is left listening", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = freePort();
  const flags = { "http-bind": `127.0.0.1:${port}`, "admin-bind": `127.0.0.1:${taken.addr.port}` };
  await assert.rejects(start(flags), {
    name: "ListenError",
    message: new RegExp(`admin_bind 127\\.0\\.0\\.1:${taken.addr.port}: another program`),
  });
  Deno.listen({ hostname: "127.0.0.1", port }).close();
});

Deno.test("/readyz names the reasons while the broker is away; /livez says that we live", async () => {
  await using service = await start({ "amqp-url": "amqp://127.0.0.1:9" });
  const [code, body] = await get(service.address, "/readyz");
  assert.equal(code, 503);
  assert.deepEqual(JSON.parse(body), { ready: false, reasons: ["the broker is connecting"] });
  assert.equal(await status(service.address, "/livez"), 200);
});

Deno.test("/readyz says that we are ready when the queues are consumed, and no more when we stop", async () => {
  await using bridge = await TestBridge.start({ "admin-bind": "127.0.0.1:0" }, false);
  const admin = bridge.service.adminAddress ?? assert.fail();
  await until("ready", async () => await status(admin, "/readyz") === 200);
  await bridge.transport.consumed("inbound");
  await bridge.transport.consumed("event");
  // RabbitMQ knows of a consumer a moment before we do.
  await until("us to be ready", async () => await status(admin, "/readyz") === 200);
  const ready = await get(admin, "/readyz");
  assert.deepEqual(ready, [200, '{"ready":true,"reasons":[]}']);
  bridge.turn.answer = () => "hang";
  await bridge.transport.sendInbound({ message_id: "m1" });
  await bridge.turn.received(1);
  const deadline = new AbortController();
  const drained = bridge.service.drain(deadline.signal);
  const [code, body] = await get(admin, "/readyz");
  assert.deepEqual([code, JSON.parse(body).reasons.at(-1)], [503, "the program is stopping"]);
  assert.equal(await status(admin, "/livez"), 200);
  deadline.abort();
  await drained;
});
