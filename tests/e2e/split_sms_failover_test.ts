/**
 * A text that is split into several SMS, of which one bridge has sent the first ones, and another one sends
 * the others: they share a RabbitMQ and a Redis.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SECRET } from "../support/bridge.ts";
import { Live } from "../support/live.ts";
import { counted, machine, sharedRedis } from "../support/machines.ts";
import { sendTo } from "../support/several.ts";
import { until } from "../support/until.ts";
import { facts, report, statusesOf, USER } from "./content_support.ts";

/** Three SMS. */
const TEXT = facts(10);

for (const [how, signal] of [["stopped", "SIGTERM"], ["killed", "SIGKILL"]] as const) {
  Deno.test(`when a bridge is ${how} another one sends what is left of its SMS, and Turn is told of one message`, async () => {
    const { server, flags } = await sharedRedis();
    await using _server = server;
    await using live = await Live.prepare({ ...flags, "sms-long": "split" });
    await using first = await machine(live);
    const { id = assert.fail() } = await sendTo(
      first.address,
      { path: "", secret: SECRET },
      TEXT,
      { to: USER },
    );
    const ids = [1, 2, 3].map((nth) => id.replace(/1$/, `${nth}`));
    const say = (nth: number, event: "ack" | "delivery_report") =>
      report(live, ids[nth - 1] ?? assert.fail(), event);
    await say(1, "ack");
    await live.transport.received(2);
    await counted(first, "status", ["skipped"], 1);
    await using second = await machine(live);
    await first.stop(signal);

    await say(2, "ack");
    await live.transport.received(3);
    assert.deepEqual(statusesOf(live, id), []);
    // In another order than they were sent in, and some before all were acked.
    for (const nth of [2, 1]) await say(nth, "delivery_report");
    await say(3, "ack");
    await until("the first status", () => statusesOf(live, id).length > 0);
    await say(3, "delivery_report");
    await counted(second, "status", ["delivered"], 2);
    // Of one message's events each is worked on after those before it: there is nothing to come.
    assert.deepEqual(statusesOf(live, id), ["sent", "delivered"]);
    assert.equal(live.turn.calls.length, 2);
    const sent = live.transport.outbound.map(({ message }) => message);
    assert.deepEqual(sent.map(({ message_id }) => message_id), ids);
    const texts = sent.map(({ content }) => String(content));
    for (const [n, text] of texts.entries()) assert.ok(text.endsWith(` (${n + 1}/3)`), text);
    assert.equal(texts.map((text) => text.slice(0, -6)).join(" "), TEXT);
  });
}
