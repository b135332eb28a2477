/**
 * Two hundred phones at once, each through a flow of six screens, with turns of several messages, menus
 * and a page, on a real broker.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestBridge } from "../support/bridge.ts";
import { BUTTONS, LIST } from "../support/turn_messages.ts";
import { ask, Network, type Phone, say, together, told } from "./ussd_support.ts";

const PHONES = 200;

const LONG = "Wash your hands with soap before you eat, and after. ".repeat(4).trim();

/** Of a user's message, what a flow looks at: the text, or the id of what was picked. */
type Told = Awaited<ReturnType<typeof told>>;

/** One of the flow's turns. */
interface Turn {
  /** What Turn is told that begins it, and the id that its menu has, if it was picked from one. */
  readonly begins: (message: Told, menu: string | undefined, name: string) => void;
  /** Turn's posts; answers the id of the menu. */
  readonly says: (bridge: TestBridge, phone: Phone, name: string) => Promise<string>;
  /** What the phone shows, and whether it takes an answer. */
  readonly shows: (name: string) => string;
  readonly open: boolean;
  /** What the user types then. */
  readonly types: string;
}

const FLOW: readonly Turn[] = [
  {
    begins: ({ text }) => assert.equal(text.body, "*120*8864#"),
    says: async (bridge, phone, name) => {
      await say(bridge, phone, `Welcome ${name}`);
      return await ask(bridge, phone, "Your name?");
    },
    shows: (name) => `Welcome ${name}\nYour name?`,
    open: true,
    types: "x",
  },
  {
    begins: ({ text }) => assert.equal(text.body, "x"),
    says: async (bridge, phone, name) => {
      await say(bridge, phone, `${name}, that is no name.`);
      await say(bridge, phone, "Once more.");
      return await ask(bridge, phone, "Your name?");
    },
    shows: (name) => `${name}, that is no name.\nOnce more.\nYour name?`,
    open: true,
    types: "Anna",
  },
  {
    begins: ({ text }) => assert.equal(text.body, "Anna"),
    says: async (bridge, phone, name) => {
      await say(bridge, phone, `Thank you ${name}`);
      return await ask(bridge, phone, BUTTONS);
    },
    shows: (name) =>
      `Thank you ${name}\nClinic\nDo you agree?\n1. Yes\n2. No, thanks\nReply STOP to end`,
    open: true,
    types: "1",
  },
  {
    begins: ({ interactive, context }, menu) => {
      assert.equal(interactive.button_reply.id, "b-yes");
      assert.deepEqual(context, { id: menu });
    },
    says: async (bridge, phone, name) => {
      await say(bridge, phone, `${name}: ${LONG}`);
      return await ask(bridge, phone, LIST);
    },
    // Pages are put together.
    shows: (name) => `${name}: ${LONG}\nPick one\nDays\n1. Monday\nNights\n2. Tuesday`,
    open: true,
    types: "2",
  },
  {
    begins: ({ interactive, context }, menu) => {
      assert.equal(interactive.list_reply.id, "tue");
      assert.deepEqual(context, { id: menu });
    },
    says: async (bridge, phone, name) => {
      const menu = await say(bridge, phone, BUTTONS);
      await ask(bridge, phone, `And ${name}?`);
      return menu;
    },
    shows: (name) =>
      `Clinic\nDo you agree?\n1. Yes\n2. No, thanks\nReply STOP to end\nAnd ${name}?`,
    open: true,
    types: "no thanks",
  },
  {
    begins: ({ interactive, context }, menu) => {
      assert.equal(interactive.button_reply.id, "b-no");
      assert.deepEqual(context, { id: menu });
    },
    says: async (bridge, phone, name) => {
      await say(bridge, phone, `Goodbye ${name}`);
      return await say(bridge, phone, "It was a pleasure.");
    },
    shows: (name) => `Goodbye ${name}\nIt was a pleasure.`,
    open: false,
    types: "",
  },
];

/** Walks through all of it; answers how many screens there were. */
async function walk(bridge: TestBridge, phone: Phone, name: string): Promise<number> {
  let screens = 0;
  let menu: string | undefined;
  let request = await phone.dial();
  for (const [nth, turn] of FLOW.entries()) {
    turn.begins(await told(bridge.turn, request), menu, name);
    menu = await turn.says(bridge, phone, name);
    const pages: string[] = [];
    let screen = await phone.screen();
    for (; screen.text.endsWith("\n98. More"); screen = await phone.screen()) {
      assert.ok(screen.open, `${name}: page ${pages.length} of screen ${nth} is closed`);
      pages.push(screen.text.slice(0, -"\n98. More".length));
      await phone.type("98");
    }
    pages.push(screen.text);
    screens += pages.length;
    const [shown, wanted] = [pages.join(" "), turn.shows(name)];
    if (nth === 3) assert.ok(pages.length > 1);
    assert.equal(shown.replace(/\s+/g, " "), wanted.replace(/\s+/g, " "));
    if (nth !== 3) assert.equal(shown, wanted);
    assert.equal(screen.open, turn.open, `${name}: screen ${nth}`);
    assert.equal(screen.message["to_addr"], phone.address);
    if (screen.open) request = await phone.type(turn.types);
  }
  return screens;
}

Deno.test(`${PHONES} phones at once: every screen its own, none lost, none closed early`, async () => {
  await using bridge = await TestBridge.start({
    "ussd-settle": "0.5",
    // A machine that is slow, or busy, takes its time between two posts of one turn.
    "ussd-merge-window": "20",
    "ussd-answer-deadline": "120",
    "worker-concurrency": "100",
  });
  const network = new Network(bridge.transport, { acks: false });
  const names = Array.from({ length: PHONES }, (_, n) => `Phone ${n}`);
  const screens = await together(
    names.map((name, n) => walk(bridge, network.phone(`+27820${1000 + n}`), name)),
  );
  network.assertAllShown();
  assert.equal(network.screens.length, screens.reduce((sum, count) => sum + count, 0));
  assert.equal(await bridge.transport.depth("inbound.parked"), 0);
  assert.equal(network.sms.length, 0);
});
