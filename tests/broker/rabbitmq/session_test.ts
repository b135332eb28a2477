import assert from "node:assert/strict";
import { AmqpSession } from "../../../src/broker/rabbitmq/session.ts";
import { withChannel } from "./support.ts";

Deno.test("AmqpSession.orLost() rejects, also when the channel has ended before", async () => {
  await withChannel(async (channel) => {
    const session = new AmqpSession(channel);
    const never = new Promise<never>(() => {});
    const waiting = assert.rejects(session.orLost(never), /the channel has ended/);
    await session.close();
    await waiting;
    await assert.rejects(session.orLost(never), /the channel has ended/);
  });
});
