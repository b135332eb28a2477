/**
 * Publishing that hangs is found out: by a frozen server of several, and by what is watched.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ChannelModel } from "amqplib";
import { AmqpBroker } from "../../src/broker/amqp.ts";
import { HangWatch } from "../../src/broker/amqp_hang.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";
import { DELAYS, startProxy, withChannel } from "./amqp_support.ts";
import { bytes } from "./bench.ts";

Deno.test("AmqpBroker leaves a node that has frozen when a message waits", async () => {
  await using stack = new AsyncDisposableStack();
  const proxies = [1, 2, 3].map(() => stack.use(startProxy()));
  // Without heartbeats nothing else would tell.
  const urls = proxies.map(({ port }) =>
    Object.assign(new URL(amqpUrl()), { port, search: "?heartbeat=0" }).href
  );
  const queue = `test-${crypto.randomUUID()}`;
  await using broker = AmqpBroker.open({ urls, exchange: "vumi", ...DELAYS });
  try {
    broker.declare(queue);
    await broker.ready(30_000);
    await broker.publish(queue, bytes("before"));
    for (const proxy of proxies) if (proxy.sockets > 0) proxy.stall();
    const begun = performance.now();
    const publish = () => broker.publish(queue, bytes("after")).then(() => true, () => false);
    while (!await publish()) assert.ok(performance.now() - begun < 60_000);
  } finally {
    for (const proxy of proxies) proxy.resume();
    await withChannel((channel) => channel.deleteQueue(queue));
  }
});

/** Something to watch, as it is set. */
function watched() {
  const state = { read: 0, waitedForFirstMs: 0, waitedMs: 0, blocked: false };
  const hangs: { reason: string; isFine: boolean }[] = [];
  const stream = Object.defineProperty({}, "bytesRead", { get: () => state.read });
  const options = {
    // All of them that is looked at.
    model: { connection: { stream, heartbeat: 0 } } as unknown as ChannelModel,
    channel: state,
    isBlocked: () => state.blocked,
    onHang: (reason: string, isFine: boolean) => void hangs.push({ reason, isFine }),
  };
  return { state, hangs, options };
}

const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000));

/** What is told of channels that confirm nothing, one after the other, after so many milliseconds. */
async function firstConfirms(watch: HangWatch, afterMs: readonly number[]): Promise<void> {
  for (const waitedMs of afterMs) {
    const { state, hangs, options } = watched();
    const unwatch = watch.watch(options);
    state.waitedMs = state.waitedForFirstMs = waitedMs - 1;
    await seconds(0.6);
    assert.deepEqual(hangs, []);
    state.waitedMs = state.waitedForFirstMs = waitedMs;
    await until("the hang", () => hangs.length > 0);
    const reason = `no message was confirmed within ${(waitedMs / 1000).toFixed(1)} s`;
    assert.deepEqual(hangs, [{ reason, isFine: true }]);
    unwatch();
  }
}

Deno.test("HangWatch tells of a channel that confirms nothing, in a cluster sooner after the first", async () => {
  const cluster = new HangWatch({ isCluster: true });
  await firstConfirms(cluster, [4_500, 750, 900, 1_080]);
  // One that does not hang.
  cluster.watch(watched().options)();
  await firstConfirms(cluster, [1_080]);
  await firstConfirms(new HangWatch({ isCluster: false }), [4_500, 4_500]);
});

Deno.test("HangWatch tells of a server that is silent while a message waits, and only then", async () => {
  const watch = new HangWatch({ isCluster: true });
  const idle = watched();
  const busy = watched();
  const blocked = watched();
  const silent = watched();
  const all = [idle, busy, blocked, silent];
  const unwatch = all.map(({ options }) => watch.watch(options));
  blocked.state.blocked = true;
  for (let n = 0; n < 25 || silent.hangs.length === 0; n++) {
    assert.ok(n < 500);
    for (const { state } of [busy, blocked, silent]) state.waitedMs = n * 250;
    busy.state.read++;
    await seconds(0.25);
  }
  for (const end of unwatch) end();
  assert.deepEqual([idle, busy, blocked].map(({ hangs }) => hangs), [[], [], []]);
  assert.equal(silent.hangs.length, 1);
  assert.equal(silent.hangs[0]?.isFine, false);
});
