import { connect } from "amqplib";
import { AmqpBroker } from "../../src/broker/amqp.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { type Adapter, brokerContract } from "./contract.ts";

const adapter: Adapter = {
  name: "AmqpBroker",
  open: () => AmqpBroker.open({ url: amqpUrl(), exchange: "vumi" }),
  async remove(queues) {
    const model = await connect(amqpUrl());
    const channel = await model.createChannel();
    for (const queue of queues) await channel.deleteQueue(queue);
    await model.close();
  },
};

brokerContract(adapter);
