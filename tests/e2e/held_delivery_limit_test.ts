/**
 * What is held for a user of USSD outlives more lost connections than a quorum queue lets a message be
 * returned.
 *
 * @module
 */

import assert from "node:assert/strict";
import { connect } from "amqplib";
import { Live } from "../support/live.ts";
import { areQuorum } from "../support/queues.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { ask, endpointAt, Network, say, statuses, told } from "./ussd_support.ts";

/** RabbitMQ's own is 20. */
const LIMIT = 16;

Deno.test({
  name: "what is held outlives more lost connections than RabbitMQ lets it be returned",
  ignore: !areQuorum(),
  async fn() {
    const url = new URL(amqpUrl());
    await using proxy = TcpProxy.start({ hostname: url.hostname, port: Number(url.port || 5672) });
    url.host = `127.0.0.1:${proxy.port}`;
    await using live = await Live.prepare({
      "amqp-url": url.href,
      "transport-type": "ussd",
      "ussd-session-timeout": "3000",
      "ussd-answer-deadline": "2000",
      "ussd-merge-window": "60",
    });
    const connection = await connect(amqpUrl());
    const channel = await connection.createChannel();
    await channel.assertQueue(`${live.connector}.held`, {
      durable: true,
      arguments: { "x-queue-type": "quorum", "x-delivery-limit": LIMIT },
    });
    await connection.close();
    const network = new Network(live.transport);
    await using running = await live.start();
    const phone = network.phone("+27820000001");
    await told(live.turn, await phone.dial());
    const bridge = endpointAt(running.address);
    const first = await say(bridge, phone, "Welcome");
    const inHand = () =>
      until("it in hand", async () => {
        const { transport } = live;
        return await transport.passiveDepth("held") === 0 && await transport.consumers("held") > 0;
      });
    for (let losses = 0; losses < LIMIT + 3; losses++) {
      await inHand();
      proxy.cut();
      await until("the loss to be seen", async () => await live.transport.consumers("held") === 0);
    }
    await inHand();
    await until("health", async () => (await live.health()).status === 200);
    const second = await ask(bridge, phone, "Age?");
    assert.equal((await phone.screen()).text, "Welcome\nAge?");
    await until("the statuses", () => {
      return statuses(live.turn, first, second).every((all) => all.length > 0);
    });
    network.assertAllShown();
  },
});
