/**
 * Menus and pages in screens that carry several of Turn's messages, and what becomes of each of those,
 * on a real broker.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestBridge } from "../support/bridge.ts";
import { BUTTONS, LIST } from "../support/turn_messages.ts";
import {
  ask,
  Network,
  type Phone,
  say,
  statuses,
  together,
  told,
  untilStatus,
} from "./ussd_support.ts";

const BOTH = [
  "Clinic\nDo you agree?\n1. Yes\n2. No, thanks\nReply STOP to end",
  "Pick one\nDays\n3. Monday\nNights\n4. Tuesday",
].join("\n");

/** What a user types, and of which of the two menus that is which option. */
const PICKS = [
  ["1", 0, { type: "button_reply", button_reply: { id: "b-yes", title: "Yes" } }],
  ["2.", 0, { type: "button_reply", button_reply: { id: "b-no", title: "No, thanks" } }],
  ["03", 1, {
    type: "list_reply",
    list_reply: { id: "mon", title: "Monday", description: "morning only" },
  }],
  ["4", 1, { type: "list_reply", list_reply: { id: "tue", title: "Tuesday" } }],
  ["tuesday", 1, { type: "list_reply", list_reply: { id: "tue", title: "Tuesday" } }],
  ["no thanks", 0, { type: "button_reply", button_reply: { id: "b-no", title: "No, thanks" } }],
  ["5", undefined, undefined],
] as const;

Deno.test("two menus in one screen are one, numbered through, and each option has its own message", async () => {
  await using bridge = await TestBridge.start();
  const network = new Network(bridge.transport);
  await together(PICKS.map(async ([types, menu, interactive], n) => {
    const phone = network.phone(`+278200${n}`);
    await told(bridge.turn, await phone.dial());
    const ids = [await say(bridge, phone, BUTTONS), await ask(bridge, phone, LIST)];
    const screen = await phone.screen();
    assert.deepEqual([screen.text, screen.open, screen.id], [BOTH, true, ids[0]]);
    const picked = await told(bridge.turn, await phone.type(types));
    if (menu === undefined) return assert.deepEqual(picked.text, { body: types });
    assert.deepEqual([picked.interactive, picked.context], [interactive, { id: ids[menu] }], types);
  }));
  network.assertAllShown();
});

Deno.test("menus are numbered as they are shown: what waits for the user comes last", async () => {
  await using bridge = await TestBridge.start({ "ussd-settle": "1" });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  const list = await ask(bridge, phone, LIST);
  const buttons = await say(bridge, phone, BUTTONS);
  const hint = await say(bridge, phone, "1 is a number that counts for nothing here");
  const screen = await phone.screen();
  const [first = "", last = ""] = screen.text.split(
    "\n1 is a number that counts for nothing here\n",
  );
  assert.equal(`${first}\n${last}`, BOTH);
  assert.ok([list, buttons, hint].includes(screen.id));
  const picked = await told(bridge.turn, await phone.type("3"));
  assert.deepEqual([picked.interactive.list_reply.id, picked.context], ["mon", { id: list }]);
  await untilStatus(bridge.turn, "sent", list, buttons, hint);
});

Deno.test("an explanation beside a menu leaves the menu its own numbers and message", async () => {
  await using bridge = await TestBridge.start();
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  const ids = [await say(bridge, phone, "1. This is typed by an author.")];
  ids.push(await ask(bridge, phone, LIST));
  assert.equal(
    (await phone.screen()).text,
    "1. This is typed by an author.\nPick one\nDays\n1. Monday\nNights\n2. Tuesday",
  );
  const picked = await told(bridge.turn, await phone.type("1"));
  assert.deepEqual([picked.interactive.list_reply.id, picked.context], ["mon", { id: ids[1] }]);
  // The next screen has no menu: a number is a text.
  await ask(bridge, phone, "How many children?");
  await phone.screen();
  assert.deepEqual((await told(bridge.turn, await phone.type("1"))).text, { body: "1" });
});

const LONG = "Wash your hands with soap before you eat, and after. ".repeat(5).trim();

/** Turn says a long text and asks with a menu; answers the ids. */
async function longTurn(bridge: TestBridge, phone: Phone): Promise<string[]> {
  await told(bridge.turn, await phone.dial());
  return [await say(bridge, phone, LONG), await ask(bridge, phone, BUTTONS)];
}

Deno.test("a merged screen that is too long becomes pages, and the menu counts on each", async () => {
  await using bridge = await TestBridge.start();
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  const ids = await longTurn(bridge, phone);
  const pages = [await phone.screen()];
  while (pages.at(-1)?.text.endsWith("\n98. More")) {
    assert.ok(pages.length < 6);
    await phone.type("98");
    pages.push(await phone.screen());
  }
  assert.ok(pages.length > 1 && pages.every(({ open }) => open));
  assert.deepEqual(
    pages.map(({ id }) => id),
    pages.map((_, n) => n ? `${ids[0]}-p${n + 1}` : ids[0]),
  );
  const words = pages.map(({ text }) => text.replace(/\n98\. More$/, "")).join(" ");
  const whole = `${LONG}\nClinic\nDo you agree?\n1. Yes\n2. No, thanks\nReply STOP to end`;
  assert.equal(words.replace(/\s+/g, " "), whole.replace(/\s+/g, " "));
  await untilStatus(bridge.turn, "sent", ...ids);
  assert.deepEqual(statuses(bridge.turn, ...ids), [["sent"], ["sent"]]);
  const picked = await told(bridge.turn, await phone.type("2"));
  assert.deepEqual([picked.interactive.button_reply.id, picked.context], ["b-no", { id: ids[1] }]);
  network.assertAllShown();

  // Of another one the first page is enough.
  const hasty = network.phone("+27820002222");
  const others = await longTurn(bridge, hasty);
  await hasty.screen();
  const at1 = await told(bridge.turn, await hasty.type("1"));
  assert.deepEqual([at1.interactive.button_reply.id, at1.context], ["b-yes", { id: others[1] }]);
});

Deno.test("a page that fails is a failure of each message in it", async () => {
  await using bridge = await TestBridge.start({ "failed-status": "failed" });
  const network = new Network(bridge.transport, { acks: false });
  const phone = network.phone("+27820001111");
  const ids = await longTurn(bridge, phone);
  const first = await phone.screen();
  await network.ack(first.id);
  await untilStatus(bridge.turn, "sent", ...ids);
  await phone.type("98");
  await network.nack((await phone.screen()).id);
  await untilStatus(bridge.turn, "failed", ...ids);
});

/** Events about a merged screen, and what Turn is told of each of its messages. */
const EVENTS = [
  ["an ack", [{ event_type: "ack", sent_message_id: "p" }], ["sent"]],
  ["a nack", [{ event_type: "nack", nack_reason: "No matching request" }], ["failed"]],
  ["a report", [{ event_type: "delivery_report", delivery_status: "delivered" }], ["delivered"]],
  [
    "an ack and a report",
    [{ event_type: "ack", sent_message_id: "p" }, {
      event_type: "delivery_report",
      delivery_status: "delivered",
    }],
    ["sent", "delivered"],
  ],
] as const;

Deno.test("an event about a screen is a status for each of the ids that it carried", async () => {
  await using bridge = await TestBridge.start({ "failed-status": "failed" });
  const network = new Network(bridge.transport, { acks: false });
  await together(EVENTS.map(async ([label, events, wanted], n) => {
    const phone = network.phone(`+278200${n}`);
    await told(bridge.turn, await phone.dial());
    const ids = [await say(bridge, phone, "One"), await say(bridge, phone, "Two")];
    ids.push(await ask(bridge, phone, "Three?"));
    const { id } = await phone.screen();
    for (const [nth, event] of events.entries()) {
      await network.transport.sendEvent({ ...event, user_message_id: id });
      await untilStatus(bridge.turn, wanted[nth] ?? "", ...ids);
    }
    assert.deepEqual(statuses(bridge.turn, ...ids), ids.map(() => [...wanted]), label);
  }));
});
