/**
 * RabbitMQ for tests of the AMQP adapter: with nothing in between, and through a proxy.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Channel, connect, type GetMessage, type Options } from "amqplib";
import { AmqpBroker } from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { getRaw, type RawMessage } from "../../support/raw_amqp.ts";
import { isByHand, makeByHand } from "../../support/queues.ts";
import { amqpUrl } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { TcpProxy } from "../../support/tcp_proxy.ts";
import { type Adapter, type Bench, bench } from "../bench.ts";

/** Short pauses: tests wait for many reconnects. */
export const DELAYS = { initialDelayMs: 10, maxDelayMs: 200 };

/** The adapter on the shared server. */
export const amqpAdapter: Adapter = adapterAt(amqpUrl);

/** The adapter on a server. */
export function adapterAt(url: () => string): Adapter {
  return {
    name: "AmqpBroker",
    // A quorum queue without a limit of returns; RabbitMQ has one by default since 4.0.
    putsBackAtEnd: isByHand(),
    open: () => AmqpBroker.open({ urls: [url()], exchange: "vumi", ...DELAYS, ...ownQueueType() }),
    prepare: async (queues) => {
      if (!isByHand()) return;
      const model = await connect(url());
      await makeByHand(model, queues);
      await model.close();
    },
    remove: (queues, exchanges) =>
      withChannel(async (channel) => {
        for (const queue of queues) await channel.deleteQueue(queue);
        for (const exchange of exchanges) await channel.deleteExchange(exchange);
      }, url()),
  };
}

/** As an operator sets it who has made quorum queues by hand. */
function ownQueueType(): { readonly queueType?: "quorum" } {
  return isByHand() ? { queueType: "quorum" } : {};
}

/** A bench whose broker connects through a proxy. */
export interface ProxiedBench extends Bench {
  readonly proxy: TcpProxy;
}

/** Makes a bench with a proxy before the shared server. */
export async function proxiedBench(): Promise<ProxiedBench> {
  const proxy = startProxy();
  const made = await bench(amqpAdapter, () => openThrough(proxy));
  return {
    ...made,
    proxy,
    [Symbol.asyncDispose]: async () => {
      await made[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

/** Starts a proxy before the shared server. */
export function startProxy(): TcpProxy {
  const { hostname, port } = new URL(amqpUrl());
  return TcpProxy.start({ hostname, port: Number(port) || 5672 });
}

/** Opens a broker that connects through the proxy. */
export function openThrough(proxy: TcpProxy): AmqpBroker {
  const url = new URL(amqpUrl());
  url.hostname = "127.0.0.1";
  url.port = `${proxy.port}`;
  return AmqpBroker.open({ urls: [url.href], exchange: "vumi", ...DELAYS });
}

/** Does something to a server as another client would. */
export async function withChannel<T>(
  work: (channel: Channel) => Promise<T>,
  url = amqpUrl(),
): Promise<T> {
  const model = await connect(url);
  const ended = new Promise<never>((_resolve, reject) => model.on("error", reject));
  try {
    return await Promise.race([ended, model.createChannel().then(work)]);
  } finally {
    await model.close();
  }
}

/** Publishes to a queue of the shared server as another client would; it is there when it resolves. */
export async function sendTo(
  queue: string,
  texts: readonly string[],
  properties: Options.Publish = {},
): Promise<void> {
  const model = await connect(amqpUrl());
  try {
    const channel = await model.createConfirmChannel();
    for (const text of texts) channel.sendToQueue(queue, Buffer.from(text), properties);
    await channel.waitForConfirms();
  } finally {
    await model.close();
  }
}

/** What {@linkcode ownExchange} has named. */
export interface Names {
  readonly exchange: string;
  readonly queue: string;
  readonly parkingQueue: string;
}

/** An exchange of the test's own, and queues named after it; all are removed in the end. */
export function ownExchange(): AsyncDisposable & Names {
  const exchange = `test.${crypto.randomUUID()}`;
  const [queue, parkingQueue] = [`${exchange}.q`, `${exchange}.q.parked`];
  return {
    exchange,
    queue,
    parkingQueue,
    [Symbol.asyncDispose]: () =>
      withChannel(async (channel) => {
        await channel.deleteQueue(queue);
        await channel.deleteQueue(parkingQueue);
        await channel.deleteExchange(exchange);
      }),
  };
}

/** Opens a broker with an exchange of its own on the shared server. */
export function openWithExchange(exchange: string): AmqpBroker {
  return AmqpBroker.open({ urls: [amqpUrl()], exchange, ...DELAYS });
}

/**
 * Waits for a message in a queue of the shared server, and takes it. What a quorum queue says of how
 * often it has handed a message out is left out.
 */
export async function untilFound(queue: string): Promise<GetMessage> {
  let found: GetMessage | false = false;
  await until(`a message in ${queue}`, async () => {
    // A queue that is not there yet closes the channel.
    found = await withChannel((channel) => {
      channel.on("error", () => {});
      return channel.get(queue, { noAck: true });
    }).catch(() => false as const);
    return found !== false;
  });
  assert.ok(found);
  const { properties } = found as GetMessage;
  for (const counted of ["x-delivery-count", "x-acquired-count"]) {
    delete properties.headers?.[counted];
  }
  return found;
}

/** Waits for a message in a queue of the shared server, and takes it as it is on the wire. */
export async function untilRaw(queue: string): Promise<RawMessage> {
  let found: RawMessage | undefined;
  await until(`a message in ${queue}`, async () => {
    found = await getRaw(amqpUrl(), queue);
    return found !== undefined;
  });
  assert.ok(found);
  return found;
}

/** All properties of a message, but headers, that a copy of it keeps. */
export const KEPT = {
  contentType: "application/json",
  contentEncoding: "utf-8",
  deliveryMode: 2,
  priority: 3,
  correlationId: "c1",
  replyTo: "somewhere",
  messageId: "m1",
  timestamp: 1_700_000_000,
  type: "t",
  appId: "vumi",
};

/** The properties of such a copy, as amqplib reads them. */
export const ONLY_KEPT = {
  ...KEPT,
  expiration: undefined,
  userId: undefined,
  clusterId: undefined,
};
