/**
 * Texts of several screens of USSD, on a real broker.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ask, show, start, statusesOf, told, write } from "./content_support.ts";

/** Ten rows with titles of 22 characters: three screens. */
const LONG_LIST = {
  type: "interactive",
  interactive: {
    type: "list",
    body: { text: `${"Which clinic is the nearest one to where you live? ".repeat(3)}` },
    action: {
      sections: [{
        rows: Array.from({ length: 10 }, (_, n) => ({
          id: `row${n + 1}`,
          title: `Clinic at street no. ${n + 1}`,
        })),
      }],
    },
  },
};

Deno.test("a long list on USSD: pages by 98, an answer from any, and the status of the first", async () => {
  await using bridge = await start();
  await told(bridge, await write(bridge, null));
  const asked = await show(bridge, LONG_LIST, { waiting_for_user_input: false });
  assert.equal(asked.status, 200);
  const asking = await write(bridge, "98");
  await bridge.transport.received(2);
  await write(bridge, "098.");
  const pages = await bridge.transport.received(3);
  const id = asked.body.messages[0].id;
  assert.deepEqual(pages.map(({ message }) => message["session_event"]), [
    ...["resume", "resume", "close"],
  ]);
  assert.deepEqual(pages.map(({ message }) => message["message_id"]), [id, `${id}-p2`, `${id}-p3`]);
  assert.equal(pages[1]?.message["in_reply_to"], asking);
  for (const { message } of pages) assert.ok(String(message["content"]).length <= 182);
  for (const { message } of pages.slice(0, 2)) {
    assert.match(String(message["content"]), /\n98\. More$/);
  }
  const whole = pages.map(({ message }) => String(message["content"]).replace(/\n98\. More$/, ""));
  for (let n = 1; n <= 10; n++) assert.match(whole.join("\n"), new RegExp(`^${n}\\. `, "m"));
  const picked = await told(bridge, await write(bridge, "7"));
  assert.equal(picked.interactive.list_reply.id, "row7");
  await bridge.counted('{flow="inbound",result="paged"} 2');
  await bridge.counted("turn_channels_pages_total 2");

  for (const nth of ["", "-p2", "-p3"]) {
    const user_message_id = `${id}${nth}`;
    await bridge.transport.sendEvent({ event_type: "ack", user_message_id, sent_message_id: "s" });
  }
  await bridge.counted('{flow="status",result="skipped"} 2');
  assert.deepEqual(statusesOf(bridge, id), ["sent"]);
});

Deno.test("a screen is as ussd.* says", async () => {
  await using bridge = await start({
    "ussd-page-chars": "160",
    "ussd-more-key": "0",
    "ussd-more-text": "Next",
    "ussd-max-pages": "2",
  });
  await told(bridge, await write(bridge, null));
  await show(bridge, LONG_LIST);
  await write(bridge, "0");
  const pages = (await bridge.transport.received(2)).map(({ message }) =>
    String(message["content"])
  );
  assert.match(pages[0] ?? "", /\n0\. Next$/);
  assert.match(pages[1] ?? "", /\.\.\.$/);
  for (const page of pages) assert.ok(page.length <= 160);
});

Deno.test("a page that fails is a message that failed", async () => {
  await using bridge = await start({ "failed-status": "failed" });
  await told(bridge, await write(bridge, null));
  const { body } = await show(bridge, LONG_LIST);
  const { id } = body.messages[0];
  await write(bridge, "98");
  await bridge.transport.received(2);
  await bridge.transport.sendEvent({
    event_type: "nack",
    user_message_id: `${id}-p2`,
    nack_reason: "no session",
  });
  await bridge.counted('{flow="status",result="delivered"} 1');
  assert.deepEqual(statusesOf(bridge, id), ["failed"]);
});

Deno.test("a page that fails is told also when the first one was delivered", async () => {
  await using bridge = await start({ "failed-status": "failed" });
  await told(bridge, await write(bridge, null));
  const { body } = await show(bridge, LONG_LIST);
  const { id } = body.messages[0];
  const report = { event_type: "delivery_report", delivery_status: "delivered" };
  await bridge.transport.sendEvent({ ...report, user_message_id: id });
  await bridge.counted('{flow="status",result="delivered"} 1');
  for (const nth of [2, 3]) {
    const user_message_id = `${id}-p${nth}`;
    await bridge.transport.sendEvent({ event_type: "nack", user_message_id, nack_reason: "no" });
  }
  await bridge.counted('{flow="status",result="skipped"} 1');
  assert.deepEqual(statusesOf(bridge, id), ["delivered", "failed"]);
});

Deno.test("Turn's message for a user who reads on is no answer to what asked for the page", async () => {
  await using bridge = await start({ "transport-type": "ussd" });
  await told(bridge, await write(bridge, null));
  await show(bridge, LONG_LIST);
  await write(bridge, "98");
  await bridge.transport.received(2);
  await bridge.counted('{flow="inbound",result="paged"} 1');
  const late = await ask(bridge, { type: "text", text: { body: "Late" } });
  assert.deepEqual([late.status, late.body.errors[0].title], [422, "session_over"]);
});

Deno.test("a page comes also where the transport has lost its clock", async () => {
  await using bridge = await start();
  const lost = { timestamp: "1970-01-01 00:00:05.000000" };
  await told(bridge, await write(bridge, null, lost));
  await show(bridge, LONG_LIST);
  const asking = await write(bridge, "98", lost);
  const [, page] = await bridge.transport.received(2);
  assert.equal(page?.message["in_reply_to"], asking);
});
