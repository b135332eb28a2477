/**
 * A text of several screens of USSD that one bridge has begun, and another one goes on with: they share a
 * RabbitMQ and a Redis.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SECRET } from "../support/bridge.ts";
import { Live } from "../support/live.ts";
import { counted, machine, sharedRedis } from "../support/machines.ts";
import { sendTo } from "../support/several.ts";
import { facts, report, statusesOf, told, USER, write } from "./content_support.ts";

/** Three screens. */
const TEXT = facts(11);

for (const [how, signal] of [["stopped", "SIGTERM"], ["killed", "SIGKILL"]] as const) {
  Deno.test(`when a bridge is ${how} another one sends the pages of its text, and Turn is told nothing`, async () => {
    const { server, flags } = await sharedRedis();
    await using _server = server;
    await using live = await Live.prepare({ ...flags, "ussd-session-timeout": "3600" });
    await using first = await machine(live);
    const dialled = await write(live, null);
    await told(live, dialled);
    const more = { to: USER, waiting_for_user_input: false };
    const { id = assert.fail() } = await sendTo(
      first.address,
      { path: "", secret: SECRET },
      TEXT,
      more,
    );
    await live.transport.received(1);
    await counted(first, "inbound", ["delivered"], 1);
    await using second = await machine(live);
    await first.stop(signal);

    const keys = [await write(live, "98")];
    await live.transport.received(2);
    keys.push(await write(live, "98"));
    await live.transport.received(3);
    await counted(second, "inbound", ["paged"], 2);
    const pages = live.transport.outbound.map(({ message }) => message);
    const ids = [id, `${id}-p2`, `${id}-p3`];
    assert.deepEqual(pages.map(({ message_id }) => message_id), ids);
    assert.deepEqual(pages.map(({ in_reply_to }) => in_reply_to), [dialled, ...keys]);
    const events = pages.map(({ session_event }) => session_event);
    assert.deepEqual(events, ["resume", "resume", "close"]);
    for (const { to_addr, from_addr, transport_name, transport_type } of pages) {
      assert.deepEqual([to_addr, from_addr], [USER, "*120*8864#"]);
      assert.deepEqual([transport_name, transport_type], ["ussd_transport", "ussd"]);
    }
    const texts = pages.map(({ content }) => String(content));
    assert.equal(texts.join(" ").replaceAll("\n98. More", ""), TEXT);
    assert.deepEqual(texts.map((text) => text.endsWith("\n98. More")), [true, true, false]);

    for (const page of ids) await report(live, page, "ack");
    await counted(second, "status", ["delivered", "skipped"], 3);
    for (const page of ids) await report(live, page, "delivery_report");
    await counted(second, "status", ["delivered", "skipped"], 6);
    assert.deepEqual(statusesOf(live, id), ["sent", "delivered"]);
    assert.equal(live.turn.calls.length, 3);
  });
}
