import assert from "node:assert/strict";
import { AmqpBroker } from "../../src/broker/amqp.ts";
import { amqpAdapter } from "./amqp_support.ts";
import { brokerContract } from "./contract.ts";

brokerContract(amqpAdapter);

const UNREADABLE = [
  "",
  "localhost",
  "http://u:secret@host",
  "amqp://",
  "amqp://u:secret@host:port",
];
for (const url of UNREADABLE) {
  Deno.test(`AmqpBroker.open() refuses the address "${url}" without repeating it`, () => {
    assert.throws(() => AmqpBroker.open({ url, exchange: "vumi" }), (error) => {
      assert.ok(error instanceof TypeError);
      assert.doesNotMatch(`${error.message}${error.stack}`, /secret/);
      return true;
    });
  });
}
