/**
 * A quorum queue drops a message that was returned too often, also one of which nothing can be done but
 * to park it, while its parking queue refuses.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { Buffer } from "node:buffer";
import { connect } from "amqplib";
import { Connector, queuesOf } from "../../../src/vumi/mod.ts";
import { until } from "../../support/until.ts";
import { amqpUrl } from "../../support/rabbitmq.ts";
import {
  amqpAdapter,
  openThrough,
  sendTo,
  startProxy,
  untilFound,
  withChannel,
} from "./support.ts";
import { bench, DONE, Held, text } from "../bench.ts";

/** How often RabbitMQ lets a message be returned here; by itself 20. */
const LIMIT = 5;

function quorum(more = {}) {
  return {
    durable: true,
    arguments: { "x-queue-type": "quorum", "x-delivery-limit": LIMIT, ...more },
  };
}

/** Waits for a moment only. */
async function comes(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 4000 && !condition(); waited += 50) await delay(50);
}

Deno.test("what can't be read, nor be parked for now, is not lost with our connections", async () => {
  const name = `test.${crypto.randomUUID()}`;
  const { inbound, inboundParked, event, eventParked, outbound, lead } = queuesOf(name);
  const locking = await connect(amqpUrl());
  const locked = await locking.createChannel();
  await locked.assertQueue(inboundParked, {
    exclusive: true,
    durable: true,
    arguments: { "x-queue-type": "classic" },
  });
  await withChannel((channel) => channel.assertQueue(inbound, quorum()));
  await using proxy = startProxy();
  const broker = openThrough(proxy);
  try {
    const connector = new Connector({ name, broker, inboundPrefetch: 4, eventPrefetch: 4 });
    let unreadable = 0;
    const never = () => assert.fail("it can't be read");
    connector.start({
      inbound: never,
      event: never,
      held: never,
      onLead: () => {},
      unreadable: () => void unreadable++,
      parked: never,
    });
    await sendTo(inbound, ["not a message"]);
    for (let losses = 0; losses < LIMIT + 3; losses++) {
      // A bridge that takes nothing while it can't park would be as good.
      await comes(() => unreadable > losses);
      proxy.cut();
    }
    await locking.close();
    assert.equal((await untilFound(inboundParked)).content.toString(), "not a message");
  } finally {
    await broker[Symbol.asyncDispose]();
    await locking.close().catch(() => {});
    await withChannel(async (channel) => {
      for (const queue of [inbound, inboundParked, event, eventParked, outbound, lead]) {
        await channel.deleteQueue(queue);
      }
    });
  }
});

Deno.test("what was returned too often is not lost with our connections while its queue is full", async () => {
  await using proxy = startProxy();
  await using made = await bench(amqpAdapter, () => openThrough(proxy));
  const { broker, queue, parkingQueue } = made;
  await withChannel(async (channel) => {
    await channel.deleteQueue(queue);
    await channel.assertQueue(
      queue,
      quorum({ "x-max-length": 10, "x-overflow": "reject-publish" }),
    );
  });
  const full = await Filler.start(queue);
  const held = new Held();
  let isTurnDown = true;
  const done = new Set<string>();
  let parkedInstead = 0;
  const onParked = (isNew: boolean): void => void (parkedInstead += isNew ? 0 : 1);
  broker.consume(queue, { prefetch: 20, parkingQueue, onParked }, (message) => {
    if (!isTurnDown) {
      done.add(text(message));
      return Promise.resolve(DONE);
    }
    const answer = held.handler(message);
    // As bridge/delivery.ts decides.
    if (message.returns >= 3) held.answer(held.messages.length - 1, { kind: "again", headers: {} });
    return answer;
  });
  for (let losses = 0; losses < 2 * LIMIT + 2; losses++) {
    const before = held.messages.length;
    await comes(() => held.messages.length >= before + 20);
    // Long enough, on a slow machine too, to park twenty.
    await delay(1_500);
    proxy.cut();
  }
  await full.stop();
  isTurnDown = false;
  proxy.cut();
  await until("the queue to be empty", async () => await broker.depth(queue).catch(() => 1) === 0);
  await comes(() => full.confirmed.every((each) => done.has(each)));
  const parked = new Set<string>();
  await broker.browse(parkingQueue, ({ body }) => {
    parked.add(new TextDecoder().decode(body));
    return "keep";
  });
  for (const each of parked) done.add(each);
  assert.ok(parkedInstead >= parked.size, `${parkedInstead} were told of, ${parked.size} parked`);
  const lost = full.confirmed.filter((each) => !done.has(each));
  assert.equal(lost.length, 0, `${lost.length} of ${full.confirmed.length} are lost`);
});

/** Keeps a queue full, as a transport does while nobody takes what it puts there. */
class Filler {
  readonly confirmed: string[] = [];
  readonly #connection: Awaited<ReturnType<typeof connect>>;
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(connection: Awaited<ReturnType<typeof connect>>) {
    this.#connection = connection;
  }

  static async start(queue: string): Promise<Filler> {
    const filler = new Filler(await connect(amqpUrl()));
    const channel = await filler.#connection.createConfirmChannel();
    filler.#running = (async () => {
      for (let count = 0; !filler.#isStopping; count++) {
        const id = `${count}`;
        channel.sendToQueue(queue, Buffer.from(id), { persistent: true }, (refused) => {
          if (!refused) filler.confirmed.push(id);
        });
        await delay(5);
      }
      await channel.waitForConfirms().catch(() => {});
    })();
    return filler;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    await this.#connection.close();
  }
}
