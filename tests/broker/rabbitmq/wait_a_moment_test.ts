/**
 * Publishing while the connection is away: for a moment it is waited for, in an outage it is not.
 *
 * @module
 */

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { type AwaitedConnection, waitAMoment } from "../../../src/broker/rabbitmq/publisher.ts";
import { within } from "../../../src/async/mod.ts";
import { until } from "../../support/until.ts";
import { openThrough, proxiedBench, startProxy } from "./support.ts";
import { bytes } from "../bench.ts";

/** Whether `work` is done in so many milliseconds: by timers alone, however slow the machine is. */
async function isDoneIn(ms: number, work: Promise<unknown>): Promise<boolean> {
  return await within(work.then(() => true), ms) === true;
}

/** How long `work` takes, in milliseconds. */
async function timed(work: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work;
  return performance.now() - begun;
}

Deno.test("AmqpBroker.publish() waits for a connection that was lost a moment ago", async () => {
  await using made = await proxiedBench();
  const { broker, queue, proxy } = made;
  await broker.publish(queue, bytes("before"));
  await proxy.refuse();
  proxy.cut();
  await until("the loss", () => broker.status().state === "connecting");
  const texts = ["a", "b", "c"];
  const published = Promise.all(texts.map((text) => broker.publish(queue, bytes(text))));
  await delay(500);
  await proxy.accept();
  await published;
  await until("the broker to be open", () => broker.status().state === "open");
  assert.equal(await broker.depth(queue), 4);
});

Deno.test("AmqpBroker.publish() waits at a start, and in an outage says so at once", async () => {
  await using proxy = startProxy();
  await proxy.refuse();
  await using broker = openThrough(proxy);
  broker.declare("any");
  const refused = () => assert.rejects(broker.publish("any", bytes("a")), { fault: "unavailable" });
  const begun = performance.now();
  assert.ok(await isDoneIn(4_400, refused())); // Turn is told in time.
  assert.ok(performance.now() - begun > 3_900);
  await delay(1_200);
  assert.ok(await isDoneIn(500, refused()));
});

Deno.test("AmqpBroker.publish() waits no longer when the broker is closed", async () => {
  await using proxy = startProxy();
  await proxy.refuse();
  await using broker = openThrough(proxy);
  const refused = assert.rejects(broker.publish("any", bytes("a")), { fault: "unavailable" });
  assert.ok(await isDoneIn(3_500, Promise.all([broker[Symbol.asyncDispose](), refused])));
});

/** What does not become ready by itself. */
function awaited(awayMs: number, ready = false): AwaitedConnection {
  return {
    ready,
    awayMs,
    model: () => new Promise(() => {}),
    closing: new AbortController().signal,
  };
}

Deno.test("waitAMoment() has no timer for what is there, or has been away for 5 seconds", async () => {
  // Were there one, Deno would find that it leaks.
  void waitAMoment(awaited(0, true));
  void waitAMoment(awaited(5_000));
  assert.ok(await timed(waitAMoment(awaited(4_999))) > 3_900);
});
