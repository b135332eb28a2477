import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { sign, SIGNATURE_HEADER } from "../../src/turn/mod.ts";
import { SECRET } from "../support/bridge.ts";
import { Live, requestOf } from "../support/live.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";

/** A way to the broker that can be stalled. */
function proxied(): { proxy: TcpProxy; url: string } {
  const url = new URL(amqpUrl());
  const proxy = TcpProxy.start({ hostname: url.hostname, port: Number(url.port || 5672) });
  url.host = `127.0.0.1:${proxy.port}`;
  return { proxy, url: url.href };
}

/** Sends what {@linkcode Live.send} would, and hangs up before it is answered. */
async function hangUp(live: Live, proxy: TcpProxy, text: string): Promise<void> {
  const { hostname, port } = new URL(live.address);
  const body = new TextEncoder().encode(JSON.stringify(requestOf(text)));
  const head = [
    "POST /messages HTTP/1.1",
    `Host: ${hostname}:${port}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    `${SIGNATURE_HEADER}: ${sign(SECRET, body)}`,
  ].join("\r\n");
  proxy.stall();
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new Uint8Array([...new TextEncoder().encode(`${head}\r\n\r\n`), ...body]));
  // What was asked later on another connection is answered: it has come, and then its end.
  for (let n = 0; n < 20; n++) await live.health();
  connection.close();
  for (let n = 0; n < 50; n++) await live.health();
  proxy.resume();
}

const ids = async (live: Live, count: number) =>
  (await live.transport.received(count)).map(({ message }) => message["message_id"]);

Deno.test("outbound_dedupe_window: a request repeated because its caller hung up is answered as the first", async () => {
  const { proxy, url } = proxied();
  await using _ = proxy;
  await using live = await Live.prepare({ "amqp-url": url, "outbound-dedupe-window": "600" });
  await using running = await live.start();
  await hangUp(live, proxy, "Hi");
  const [first] = await ids(live, 1);
  const repeated = await live.send("Hi");
  assert.deepEqual([repeated.status, repeated.id], [200, first]);
  // Now somebody was there to take the answer: the next equal one is meant.
  const meant = await live.send("Hi");
  assert.equal(meant.status, 200);
  assert.notEqual(meant.id, first);
  // And one with another text always is.
  await hangUp(live, proxy, "Ho");
  const other = await live.send("Hum");
  const all = await ids(live, 4);
  assert.deepEqual(all.length, 4);
  assert.ok(all.includes(meant.id) && all.includes(other.id));
  assert.equal(await running.stop("SIGTERM"), 0);
  assert.equal(live.transport.outbound.length, 4);
  assert.match(running.stderr(), /Turn repeated a request/);
});

Deno.test("outbound_dedupe_window: equal requests that were answered are as many messages", async () => {
  await using live = await Live.prepare({ "outbound-dedupe-window": "600" });
  await using running = await live.start();
  const one = [await live.send("Hi"), await live.send("Hi")];
  const beside = await Promise.all(["Hi", "Hi", "Hi"].map((text) => live.send(text)));
  const answered = [...one, ...beside].map(({ id }) => id);
  assert.equal(new Set(answered).size, 5);
  assert.deepEqual((await ids(live, 5)).toSorted(), answered.toSorted());
  assert.equal(await running.stop("SIGTERM"), 0);
  // Each line of the log is JSON: the runtime has put in no word of its own.
  for (const line of running.stderr().trim().split("\n")) JSON.parse(line);
});

Deno.test("outbound_dedupe_window: killed before it is noted that the caller has its answer", async () => {
  await using live = await Live.prepare({ "outbound-dedupe-window": "600" });
  await using first = await live.start();
  // What is forgotten when the answer is given stays, as after a kill in between.
  using database = new DatabaseSync(`${live.folder}/cache.kv`);
  database.exec(`
    create trigger remember before delete on kv when instr(old.k, cast('answer' as blob)) > 0
    begin select raise(abort, 'killed before'); end
  `);
  const { id } = await live.send("Hi");
  await first.stop("SIGKILL");
  database.exec("drop trigger remember");
  await using second = await live.start();
  assert.equal((await live.send("Hi")).id, id);
  assert.notEqual((await live.send("Hi")).id, id);
  await live.transport.received(2);
  assert.equal(await second.stop("SIGTERM"), 0);
  assert.equal(live.transport.outbound.length, 2);
});

Deno.test("outbound_dedupe_window 0: each request is a message, also a repeated one", async () => {
  const { proxy, url } = proxied();
  await using _ = proxy;
  await using live = await Live.prepare({ "amqp-url": url });
  await using running = await live.start();
  await hangUp(live, proxy, "Hi");
  const [first] = await ids(live, 1);
  assert.notEqual((await live.send("Hi")).id, first);
  await live.transport.received(2);
  assert.equal(await running.stop("SIGTERM"), 0);
});

Deno.test("outbound_dedupe_window: a repetition after it is another message", async () => {
  const { proxy, url } = proxied();
  await using _ = proxy;
  await using live = await Live.prepare({ "amqp-url": url, "outbound-dedupe-window": "1" });
  await using running = await live.start();
  await hangUp(live, proxy, "Hi");
  const [first] = await ids(live, 1);
  const over = Date.now() + 1_500;
  await until("the end of the window", () => Date.now() > over);
  assert.notEqual((await live.send("Hi")).id, first);
  assert.equal(await running.stop("SIGTERM"), 0);
});
