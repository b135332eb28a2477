/**
 * What only a server of our own can be asked for: to be restarted, to run out of memory, to refuse.
 */
import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { AmqpBroker } from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { delayQueue, PublishError } from "../../../src/broker/mod.ts";
import { noRabbitmqctl, type RabbitMqServer, startRabbitMq } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { adapterAt, DELAYS, withChannel } from "./support.ts";
import { type Bench, bench, bytes, DONE, Held, text } from "../bench.ts";

const why = noRabbitmqctl();
let server: RabbitMqServer;

Deno.test.beforeAll(async () => {
  if (!why) server = await startRabbitMq();
});
Deno.test.afterAll(async () => {
  if (!why) await server[Symbol.asyncDispose]();
});

function test(name: string, run: (made: Bench) => Promise<void>): void {
  testIfOurs(name, async () => {
    await using made = await bench(adapterAt(() => server.url));
    await run(made);
  });
}

function testIfOurs(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: why ? `${name} (${why})` : name, ignore: why !== undefined, fn });
}

/** Blocks publishing until disposed. */
async function alarm({ broker, queue }: Bench): Promise<AsyncDisposable> {
  await server.rabbitmqctl("set_vm_memory_high_watermark", "0");
  // The server tells those who publish, and no one else.
  const publishing = broker.publish(queue, bytes("held")).catch(() => {});
  await until("the block", () => broker.status().state === "blocked");
  return {
    async [Symbol.asyncDispose]() {
      await server.rabbitmqctl("set_vm_memory_high_watermark", "0.8");
      await publishing;
    },
  };
}

test("AmqpBroker consumes while publishing is blocked, and publishes when it is over", async (made) => {
  const { broker, queue, parkingQueue } = made;
  await broker.publish(queue, bytes("a"));
  const held = new Held();
  {
    await using _alarm = await alarm(made);
    await assert.rejects(broker.publish(queue, bytes("b")), { fault: "unavailable" });
    broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
    await held.count(1);
    assert.equal(broker.status().state, "blocked");
    held.answer(0, DONE);
  }
  await until("the end of the block", () => broker.status().state === "open");
  await broker.publish(queue, bytes("c"));
  await held.count(3);
  assert.deepEqual(held.texts, ["a", "held", "c"]);
});

test("AmqpBroker acks a parked message no sooner than its copy is confirmed", async (made) => {
  const { broker, queue, parkingQueue } = made;
  await broker.publish(queue, bytes("a"));
  const held = new Held();
  broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  await held.count(1);
  {
    await using _alarm = await alarm(made);
    held.answer(0, { kind: "park", reason: "bad" });
    await held.count(1);
    await broker[Symbol.asyncDispose]();
  }
  const left = await withChannel((channel) => channel.get(queue), server.url);
  assert.equal(left && left.content.toString(), "a");
  const parked = await withChannel((channel) => channel.get(parkingQueue), server.url);
  assert.equal(parked, false);
});

test("AmqpBroker parks when publishing is possible again", async (made) => {
  const { broker, queue, parkingQueue } = made;
  await broker.publish(queue, bytes("a"));
  const held = new Held();
  const parked = new Held();
  broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  broker.consume(parkingQueue, { prefetch: 9, parkingQueue }, parked.handler);
  await held.count(1);
  {
    await using _alarm = await alarm(made);
    held.answer(0, { kind: "park", reason: "bad" });
  }
  await parked.count(1);
  assert.deepEqual(parked.texts, ["a"]);
});

/** Publishes when memory has run out already, but before the server says so: it does on a publish. */
async function publishIntoAlarm({ broker, queue }: Bench): Promise<AsyncDisposable> {
  await server.rabbitmqctl("set_vm_memory_high_watermark", "0");
  let failure: unknown;
  broker.publish(queue, bytes("under way")).catch((error) => failure = error);
  return {
    async [Symbol.asyncDispose]() {
      await until("the publish to fail", () => failure !== undefined);
      assert.ok(failure instanceof PublishError);
      assert.equal(failure.fault, "unconfirmed");
      assert.equal(broker.status().state, "blocked");
      await server.rabbitmqctl("set_vm_memory_high_watermark", "0.8");
      await until("the end of the block", () => broker.status().state === "open");
    },
  };
}

test("AmqpBroker.publish() is unconfirmed soon when the server blocks, and a late confirm is harmless", async (made) => {
  const { broker, queue, parkingQueue } = made;
  {
    await using _alarm = await publishIntoAlarm(made);
  }
  await broker.publish(queue, bytes("after"));
  const held = new Held();
  broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  await held.count(2);
  assert.deepEqual(held.texts, ["under way", "after"]);
});

test("AmqpBroker makes one copy of a message that is parked when the server blocks", async (made) => {
  const { broker, queue, parkingQueue } = made;
  const held = new Held();
  const consumer = broker.consume(queue, { prefetch: 1, parkingQueue }, held.handler);
  await broker.publish(queue, bytes("a"));
  await held.count(1);
  {
    await using _alarm = await publishIntoAlarm(made);
    held.answer(0, { kind: "park", reason: "bad" });
  }
  await held.count(2); // With a prefetch of 1 the first is answered then.
  held.answer(1, { kind: "requeue" });
  await consumer.cancel();
  assert.equal(await broker.depth(parkingQueue), 1);
});

test("AmqpBroker closes the channels of consumers that are cancelled", async (made) => {
  const { broker, queue, parkingQueue } = made;
  const channels = async () =>
    (await server.rabbitmqctl("-q", "list_channels", "pid")).split("\n").length;
  const before = await channels();
  const held = new Held();
  await broker.publish(queue, bytes("a"));
  const inWork = broker.consume(queue, { prefetch: 1, parkingQueue }, held.handler);
  await held.count(1);
  await inWork.cancel();
  const idle = broker.consume(queue, { prefetch: 1, parkingQueue }, held.handler);
  await until("the consumer", () => broker.status().state === "open");
  await idle.cancel();
  await until("one channel", async () => await channels() === before + 1);
  held.answer(0, DONE);
  await until("no channel", async () => await channels() === before);
});

test("AmqpBroker closes while publishing is blocked", async (made) => {
  await using _alarm = await alarm(made);
  await made.broker[Symbol.asyncDispose]();
  assert.equal(made.broker.status().state, "closed");
});

test("AmqpBroker.publish() is refused when the server says no", async ({ broker, queue }) => {
  const rule = '{"max-length":1,"overflow":"reject-publish"}';
  await server.rabbitmqctl("set_policy", "full", `^${queue}$`, rule, "--apply-to", "queues");
  const faults = new Set<string>();
  await until("a refusal", async () => {
    // The policy takes a moment to reach the queue.
    await broker.publish(queue, bytes("a")).catch((error) => faults.add(error.fault));
    return faults.size > 0;
  });
  assert.deepEqual([...faults], ["refused"]);
  await server.rabbitmqctl("clear_policy", "full");
});

test("AmqpBroker keeps trying while its user is refused, and logs that once", async () => {
  const records: LogRecord[] = [];
  await configure({
    sinks: { list: (record) => void records.push(record) },
    loggers: [
      { category: "turn-channels", sinks: ["list"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  await server.rabbitmqctl("add_user", "late", "another");
  await server.rabbitmqctl("set_permissions", "late", ".*", ".*", ".*");
  const url = server.url.replace("guest:guest", "late:s%C3%A9cr%25t");
  await using broker = AmqpBroker.open({ urls: [url], exchange: "vumi", ...DELAYS });
  await until("some attempts", () => records.length > 6);
  assert.equal(broker.status().state, "connecting");
  await server.rabbitmqctl("change_password", "late", "sécr%t");
  await until("the broker to be open", () => broker.status().state === "open");
  const warnings = records.filter(({ level }) => level === "warning");
  assert.deepEqual(warnings.map(({ properties }) => properties["reason"]), [
    "RabbitMQ refused the user or the password",
    "RabbitMQ refused the user or the password",
  ]);
  assert.equal(records.filter(({ level }) => level === "info").length, 2);
  assert.doesNotMatch(JSON.stringify(records), /s(é|%C3%A9)cr/);
  await reset();
});

testIfOurs("AmqpBroker keeps what is delayed when the server is restarted", async () => {
  await using restarting = await startRabbitMq();
  await using made = await bench(adapterAt(() => restarting.url));
  const { broker, queue, parkingQueue } = made;
  const [shortMs, longMs] = [1000, 3_600_000];
  const options = { prefetch: 99, parkingQueue };
  const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
  for (const each of texts) await broker.publish(queue, bytes(each));
  const held = new Held();
  const consumer = broker.consume(queue, options, held.handler);
  await held.count(texts.length);
  for (const index of texts.keys()) {
    const delayMs = index % 2 ? shortMs : longMs;
    held.answer(index, { kind: "later", delayMs, headers: { "x-attempts": 1 } });
  }
  await consumer.settled();
  // The short delay is over while the server is down, or has just been.
  await restarting.stop();
  await restarting.start();
  // What was acked just before the end may come once more: without the headers.
  const short = texts.filter((_, index) => index % 2);
  const back = (): string[] => [
    ...new Set(
      held.messages.slice(texts.length)
        .filter(({ headers }) => headers["x-attempts"] === 1)
        .map(text),
    ),
  ];
  await until("the short ones", () => back().length >= short.length);
  assert.deepEqual(back(), short);
  assert.equal(await broker.depth(delayQueue(longMs)), texts.length / 2);
});

testIfOurs("AmqpBroker keeps what is queued when the server is restarted", async () => {
  await using restarting = await startRabbitMq();
  await using made = await bench(adapterAt(() => restarting.url));
  const { broker, queue, parkingQueue } = made;
  for (const each of ["finished", "parked", "kept"]) await broker.publish(queue, bytes(each));
  const held = new Held();
  broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  await held.count(3);
  held.answer(0, DONE);
  held.answer(1, { kind: "park", reason: "bad" });
  const parked = new Held();
  broker.consume(parkingQueue, { prefetch: 9, parkingQueue }, parked.handler);
  await parked.count(1);
  // A copy can be consumed before it is confirmed, and only then is the message acked.
  await until("all acks but that of the last", async () => {
    const list = await restarting.rabbitmqctl("-q", "list_queues", "name", "messages");
    return list.split("\n").includes(`${queue}\t1`);
  });
  await restarting.stop();
  await until("the loss", () => broker.status().state === "connecting");
  await restarting.start();
  await held.count(4);
  await parked.count(2);
  assert.deepEqual(held.texts.slice(3), ["kept"]);
  assert.deepEqual(parked.messages.map(text), ["parked", "parked"]);
  await until("the broker to be open", () => broker.status().state === "open");
  await broker.publish(queue, bytes("after"));
});
