/**
 * Several addresses: which is taken, how soon another one, and what is said of those that can't be
 * reached. Two proxies before one server stand for the nodes of a cluster.
 *
 * @module
 */

import assert from "node:assert/strict";
import { AmqpBroker } from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { checkAmqp } from "../../../src/broker/rabbitmq/check/check.ts";
import { amqpUrl } from "../../support/rabbitmq.ts";
import type { TcpProxy } from "../../support/tcp_proxy.ts";
import { until } from "../../support/until.ts";
import { startProxy } from "./support.ts";

/** Were one of these waited for, the test would not end in time. */
const NEVER = { initialDelayMs: 600_000, maxDelayMs: 600_000 };

function urlOf(proxy: TcpProxy): string {
  const url = new URL(amqpUrl());
  url.hostname = "127.0.0.1";
  url.port = `${proxy.port}`;
  return url.href;
}

function openAt(proxies: readonly TcpProxy[], delays = NEVER): AmqpBroker {
  return AmqpBroker.open({ urls: proxies.map(urlOf), exchange: "vumi", ...delays });
}

async function refusing(): Promise<TcpProxy> {
  const proxy = startProxy();
  await proxy.refuse();
  return proxy;
}

Deno.test("AmqpBroker tries the next address at once", async () => {
  await using first = await refusing();
  await using second = await refusing();
  await using live = startProxy();
  for (let open = 0; open < 5; open++) { // The order is random.
    await using broker = openAt([first, second, live]);
    await broker.ready(30_000);
  }
});

Deno.test("AmqpBroker takes addresses in random order", async () => {
  await using one = startProxy();
  await using other = startProxy();
  await using brokers = new AsyncDisposableStack();
  for (let open = 0; open < 15; open++) {
    await brokers.use(openAt([one, other])).ready(30_000);
  }
  assert.ok(one.sockets > 0 && other.sockets > 0, `${one.sockets}, ${other.sockets}`);
});

Deno.test("AmqpBroker leaves a node that says nothing for the next one within seconds", async () => {
  await using silent = startProxy();
  silent.stall();
  await using live = startProxy();
  await using brokers = new AsyncDisposableStack();
  const begun = performance.now();
  // Of eight, each with two connections, one will have the silent one first.
  const opened = Array.from({ length: 8 }, () => brokers.use(openAt([silent, live])));
  await Promise.all(opened.map((broker) => broker.ready(30_000)));
  // Else it would be a minute, after which a silent connection is lost.
  assert.ok(performance.now() - begun < 20_000);
});

Deno.test("AmqpBroker goes to another node when its own is lost, not back to one that is frozen", async () => {
  await using one = startProxy();
  await using other = startProxy();
  await using broker = openAt([one, other], { initialDelayMs: 10, maxDelayMs: 10 });
  for (const [frozen, live] of [[one, other], [other, one], [one, other]] as const) {
    await broker.ready(30_000);
    frozen.stall();
    frozen.cut();
    const { accepted } = frozen;
    await until(
      "the other node is taken",
      () => broker.status().state === "open" && live.sockets === 4,
    );
    assert.equal(frozen.accepted, accepted);
    frozen.resume();
    await until("nothing is left of the frozen one", () => frozen.sockets === 0);
  }
});

Deno.test("AmqpBroker.ready() says of each address why it can't be reached", async () => {
  await using one = await refusing();
  await using other = await refusing();
  await using broker = openAt([one, other], { initialDelayMs: 10, maxDelayMs: 10 });
  await assert.rejects(broker.ready(1_000), (error: Error) => {
    for (const { port } of [one, other]) {
      assert.match(error.message, new RegExp(`at 127.0.0.1:${port}: [^;]*refused`, "i"));
    }
    assert.doesNotMatch(error.message, /guest/);
    return true;
  });
  assert.match(broker.status().reason ?? "", /refused/i);
});

Deno.test("AmqpBroker.consumersOf() asks the next address", async () => {
  await using dead = await refusing();
  await using live = startProxy();
  const queue = `test.${crypto.randomUUID()}`;
  await using broker = openAt([dead, live]);
  await broker.ready(10_000);
  assert.equal(await broker.consumersOf(queue), 0);
  await live.refuse();
  await using late = openAt([dead, live]);
  await assert.rejects(late.ready(1_000), { fault: "unavailable" });
});

async function check(proxies: readonly TcpProxy[]) {
  return await checkAmqp({
    urls: proxies.map(urlOf),
    exchange: "vumi",
    consumeQueues: [],
    publishQueues: [],
    ownQueues: [],
    leadQueues: [],
    delaysMs: [],
    timeoutMs: 30_000,
  });
}

Deno.test("checkAmqp() says of each address what it found; one that is away is no fault by itself", async () => {
  await using one = startProxy();
  await using other = startProxy();
  await using away = await refusing();
  const findings = await check([away, one, other]);
  const hosts = findings.slice(0, 3).map(({ subject, ok }) => [subject, ok]);
  assert.deepEqual(hosts, [
    [`RabbitMQ at 127.0.0.1:${away.port}`, undefined],
    [`RabbitMQ at 127.0.0.1:${one.port}`, true],
    [`RabbitMQ at 127.0.0.1:${other.port}`, true],
  ]);
  assert.match(findings[0]?.detail ?? "", /ECONNREFUSED/);
  assert.match(findings[0]?.fix ?? "", /start RabbitMQ/);
  assert.deepEqual(findings.slice(3).map(({ subject, ok }) => [subject, ok]), [
    ["exchange vumi: declare", true],
    ["delays: ", true],
    ["exchange vumi: publish", true],
    ["default exchange: publish", true],
  ]);
});

Deno.test("checkAmqp() finds a fault if no address can be reached", async () => {
  await using one = await refusing();
  await using other = await refusing();
  assert.deepEqual((await check([one, other])).map(({ ok }) => ok), [false, false]);
});
