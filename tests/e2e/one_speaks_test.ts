/**
 * One bridge speaks for a channel, and another one takes over when it ends, however it ends: the order
 * holds, nothing is lost, and nothing is told twice but what was in hand.
 *
 * @module
 */

import assert from "node:assert/strict";
import { connect } from "amqplib";
import { Buffer } from "node:buffer";
import { Live } from "../support/live.ts";
import { machine, sharedRedis, speaker, speaks } from "../support/machines.ts";
import type { Running } from "../support/program.ts";
import { queuesOf } from "../../src/vumi/mod.ts";
import { areQuorum, makeByHand, workersQueue } from "../support/queues.ts";
import { amqpUrl, startRabbitMq } from "../support/rabbitmq.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { inboundMessage } from "../support/transport.ts";
import { until } from "../support/until.ts";

/** What one has in hand at most: `worker_concurrency`. */
const IN_HAND = 20;
const USERS = Array.from({ length: 10 }, (_, n) => `+2661234567${n}`);

/** Each user's message of that number. */
function messages(number: number): unknown[] {
  return USERS.map((from_addr) =>
    inboundMessage({ message_id: `${from_addr}-${number}`, from_addr })
  );
}

/** Users who go on writing, and a Turn that takes its time, so that there always is something in hand. */
class Crowd implements AsyncDisposable {
  readonly #live: Live;
  readonly #over = new AbortController();
  readonly #writing: Promise<void>;
  #takesMs = 50;
  #written = 0;
  #calls = 0;

  constructor(
    live: Live,
    publish = (all: unknown[]) => live.transport.publishAll("inbound", all, {}),
  ) {
    this.#live = live;
    live.turn.answer = async () => {
      this.#calls++;
      await pause(this.#takesMs);
      this.#calls--;
      return Response.json({});
    };
    this.#writing = this.#write(publish);
  }

  async #write(publish: (all: unknown[]) => Promise<void>): Promise<void> {
    while (!this.#over.signal.aborted) {
      await publish(messages(this.#written));
      this.#written++;
      await pause(150);
    }
  }

  /** Resolves when that many more have been told, and Turn has some in its hands. */
  async goesOn(more = 50): Promise<void> {
    const before = this.#live.told().length;
    await until("more to be told", () => {
      return this.#live.told().length >= before + more && this.#calls > 2;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#writing;
  }

  /** How many have been told once more. */
  toldTwice(): number {
    const told = this.#live.told();
    return told.length - new Set(told).size;
  }

  /** Ends it. All has been told then, in order, and no more than `most` twice. */
  async ends(most: number): Promise<void> {
    this.#over.abort();
    this.#takesMs = 1;
    await this.#writing;
    const count = this.#written * USERS.length;
    await until("all to be told", () => new Set(this.#live.told()).size === count);
    await until("the last call to end", () => this.#calls === 0);
    const told = this.#live.told();
    for (const user of USERS) {
      const ids = Array.from({ length: this.#written }, (_, number) => `${user}-${number}`);
      assert.deepEqual([...new Set(told.filter((id) => id.startsWith(`${user}-`)))], ids);
    }
    assert.ok(this.toldTwice() <= most, `${this.toldTwice()} told twice, of ${count}`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves when it has logged this about its channel. */
async function logged(running: Running, live: Live, text: string): Promise<void> {
  await until(text, () => hasLogged(running, live, text));
}

function hasLogged(running: Running, live: Live, text: string): boolean {
  return running.stderr().split("\n").some((line) =>
    line.includes(text) && line.includes(live.connector)
  );
}

const BEGINS = "This bridge now speaks for";
const ENDS = "This bridge no longer speaks for";

Deno.test("of three bridges one speaks for a channel: one is stopped, one is killed, the last goes on", async () => {
  const { server, flags } = await sharedRedis();
  await using _server = server;
  await using live = await Live.prepare(flags);
  await using parts = new AsyncDisposableStack();
  const three = await Promise.all([1, 2, 3].map(async () => parts.use(await machine(live))));
  const first = await speaker(three);
  await logged(first, live, BEGINS);
  assert.deepEqual(three.filter((one) => hasLogged(one, live, BEGINS)), [first]);
  const { stdout } = await live.command(["check"]);
  const plain = stdout.replace(/\s+/g, " ");
  const others = areQuorum() ? "; how many stand" : ", 2 stand by";
  assert.ok(plain.includes(`channel ${live.connector}: one bridge speaks for it${others}`), plain);

  await using crowd = new Crowd(live);
  await crowd.goesOn();
  assert.equal(await first.stop("SIGTERM"), 0);
  await logged(first, live, ENDS);
  const two = three.filter((one) => one !== first);
  const second = await speaker(two);
  await logged(second, live, BEGINS);
  await crowd.goesOn();
  assert.equal(crowd.toldTwice(), 0, "to stop it has made nothing be told twice");
  assert.notEqual(await second.stop("SIGKILL"), 0);
  await speaker(two.filter((one) => one !== second));
  await crowd.goesOn();
  await crowd.ends(IN_HAND);
});

Deno.test("when the one that speaks for a channel loses its connection the other takes over, and back", async () => {
  const { server, flags } = await sharedRedis();
  await using _server = server;
  await using live = await Live.prepare(flags);
  await using parts = new AsyncDisposableStack();
  const two = await Promise.all([1, 2].map(async () => {
    const url = new URL(amqpUrl());
    const proxy = parts.use(
      TcpProxy.start({ hostname: url.hostname, port: Number(url.port || 5672) }),
    );
    url.host = `127.0.0.1:${proxy.port}`;
    return { proxy, running: parts.use(await machine(live, { "amqp-url": url.href })) };
  }));
  const all = two.map(({ running }) => running);
  await using crowd = new Crowd(live);
  for (let turn = 0; turn < 2; turn++) {
    const before = await speaker(all);
    const { proxy } = two.find(({ running }) => running === before) ?? assert.fail();
    await crowd.goesOn();
    await proxy.refuse();
    proxy.cut();
    assert.notEqual(await speaker(all), before);
    await logged(before, live, ENDS);
    await crowd.goesOn();
    await proxy.accept();
    await until("it to stand by", async () => await live.transport.consumers("event") === 1);
  }
  await crowd.ends(2 * IN_HAND);
});

Deno.test("when the one that speaks for a channel hangs another takes over within 30 s, and keeps it", async () => {
  const { server, flags } = await sharedRedis();
  await using _server = server;
  await using live = await Live.prepare(flags);
  await using parts = new AsyncDisposableStack();
  const three = await Promise.all([1, 2, 3].map(async () => parts.use(await machine(live))));
  const hanging = await speaker(three);
  await using crowd = new Crowd(live);
  await crowd.goesOn();
  hanging.signal("SIGSTOP");
  const since = performance.now();
  const heir = await speaker(three.filter((one) => one !== hanging));
  const seconds = (performance.now() - since) / 1000;
  assert.ok(seconds < 30, `${seconds} s`);
  // What the one before has in hand has been told, by the other one.
  await crowd.goesOn(5 * IN_HAND);
  hanging.signal("SIGCONT");
  await until("it to know", async () => await speaks(hanging) === false);
  assert.equal(await speaker(three), heir);
  await logged(hanging, live, ENDS);
  await crowd.goesOn();
  await crowd.ends(IN_HAND);
});

Deno.test("when RabbitMQ is restarted one of three bridges speaks for a channel again", async () => {
  const { server, flags } = await sharedRedis();
  await using _server = server;
  await using rabbitmq = await startRabbitMq();
  await using live = await Live.prepare({ ...flags, "amqp-url": rabbitmq.url });
  const queue = `${live.connector}.inbound`;
  const making = await connect(rabbitmq.url);
  // A lead queue has arguments of its own.
  const { lead: _, ...queues } = queuesOf(live.connector);
  await makeByHand(making, Object.values(queues));
  await making.close();
  // Live's own transport is at the server that all tests share.
  async function publish(all: readonly unknown[]): Promise<void> {
    const connection = await connect(rabbitmq.url);
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue(queue, workersQueue());
    for (const message of all) {
      channel.sendToQueue(queue, Buffer.from(JSON.stringify(message)), { persistent: true });
    }
    await channel.waitForConfirms();
    await connection.close();
  }
  await using parts = new AsyncDisposableStack();
  const three = await Promise.all([1, 2, 3].map(async () => parts.use(await machine(live))));
  await speaker(three);
  let up = Promise.withResolvers<void>();
  up.resolve();
  let publishing = Promise.resolve();
  await using crowd = new Crowd(live, async (all) => {
    await up.promise;
    await (publishing = publish(all));
  });
  await crowd.goesOn();
  up = Promise.withResolvers();
  await pause(50);
  await publishing;
  try {
    await rabbitmq.stop();
    await until(
      "none to speak",
      async () => (await Promise.all(three.map(speaks))).every((does) => does === false),
    );
    await rabbitmq.start();
  } finally {
    up.resolve();
  }
  await speaker(three);
  await crowd.goesOn();
  await crowd.ends(IN_HAND);
});
