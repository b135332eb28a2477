/**
 * One turn, one screen: what Turn says between two of a user's inputs is shown together, on a real
 * broker.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestBridge } from "../support/bridge.ts";
import {
  ask,
  Network,
  pause,
  type Phone,
  post,
  say,
  statuses,
  together,
  told,
  untilStatus,
} from "./ussd_support.ts";

/** One of Turn's posts: so many milliseconds after the one before, its text, whether it asks. */
type Step = readonly [afterMs: number, text: string, asks: boolean];

/** What Turn says in one turn, and what the phone shows of it. */
const TURNS: readonly {
  readonly label: string;
  readonly steps: readonly Step[];
  readonly shows: string;
  readonly open: boolean;
  /** How long after the last post it is shown at the earliest; timers are exact to some milliseconds. */
  readonly afterMs: number;
}[] = [
  {
    label: "a message, and 50 ms later a question",
    steps: [[0, "Welcome", false], [50, "Name?", true]],
    shows: "Welcome\nName?",
    open: true,
    afterMs: 190,
  },
  {
    label: "the same, and the two posts cross",
    steps: [[0, "Name?", true], [50, "Welcome", false]],
    shows: "Welcome\nName?",
    open: true,
    afterMs: 100,
  },
  {
    label: "three messages 1.5 s apart",
    steps: [[0, "One", false], [1500, "Two", false], [1500, "Three", false]],
    shows: "One\nTwo\nThree",
    open: false,
    afterMs: 1990,
  },
  {
    label: "two messages and a question 1.5 s apart",
    steps: [[0, "One", false], [1500, "Two", false], [1500, "Three?", true]],
    shows: "One\nTwo\nThree?",
    open: true,
    afterMs: 190,
  },
  {
    label: "a message alone",
    steps: [[0, "Goodbye", false]],
    shows: "Goodbye",
    open: false,
    afterMs: 1990,
  },
  {
    label: "a question alone",
    steps: [[0, "Age?", true]],
    shows: "Age?",
    open: true,
    afterMs: 190,
  },
  {
    label: "texts of several lines",
    steps: [[0, "One\n\n two ", false], [0, "Three?\n", true]],
    shows: "One\n\n two\nThree?",
    open: true,
    afterMs: 190,
  },
];

Deno.test("the texts of one turn are one screen, whose state is that of each of them", async () => {
  await using bridge = await TestBridge.start();
  const network = new Network(bridge.transport);
  await together(TURNS.map(async ({ label, steps, shows, open, afterMs }, n) => {
    const phone = network.phone(`+2782000${n}`);
    await told(bridge.turn, await phone.dial());
    const ids: string[] = [];
    let saidAt = 0;
    for (const [ms, text, asks] of steps) {
      await pause(ms);
      assert.equal(phone.shown, undefined, `${label}: shown before all was said`);
      saidAt = performance.now();
      ids.push(await (asks ? ask : say)(bridge, phone, text));
    }
    const screen = await phone.screen();
    assert.deepEqual([screen.text, screen.open], [shows, open], label);
    assert.equal(screen.id, ids[0], `${label}: it has the id of the first`);
    assert.equal(new Set(ids).size, ids.length, label);
    assert.ok(screen.at - saidAt >= afterMs, `${label}: after ${screen.at - saidAt} ms`);
    await untilStatus(bridge.turn, "sent", ...ids);
    assert.deepEqual(statuses(bridge.turn, ...ids), ids.map(() => ["sent"]), label);
  }));
  network.assertAllShown();
  assert.equal(network.screens.length, TURNS.length);
});

Deno.test("an error and the question again, five times over, in one session", async () => {
  await using bridge = await TestBridge.start();
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  await ask(bridge, phone, "How old are you?");
  await phone.screen();
  for (let round = 1; round <= 5; round++) {
    const { text } = await told(bridge.turn, await phone.type(`old ${round}`));
    assert.equal(text.body, `old ${round}`);
    await say(bridge, phone, `"${text.body}" is no number.`);
    await ask(bridge, phone, "How old are you?");
    const screen = await phone.screen();
    assert.equal(screen.text, `"old ${round}" is no number.\nHow old are you?`);
    assert.ok(screen.open);
  }
  await told(bridge.turn, await phone.type("27"));
  await say(bridge, phone, "Thank you.");
  assert.equal((await phone.screen()).open, false);
  network.assertAllShown();
  assert.equal(network.screens.length, 7);
});

Deno.test("who says something each 0.2 s is cut off at ussd.answer_deadline, or the provider's", async () => {
  await using bridge = await TestBridge.start({
    "ussd-merge-window": "1",
    "ussd-answer-deadline": "3",
    "ussd-answer-deadlines": JSON.stringify({ Vodacom: 1.5 }),
    "transport-type": "ussd",
  });
  const network = new Network(bridge.transport);
  const shown = await together(["Vodacom", "MTN"].map(async (provider, n) => {
    const phone = network.phone(`+2782000${n}`, { provider });
    await told(bridge.turn, await phone.dial());
    const said: string[] = [];
    while (phone.shown === undefined) {
      const text = `${said.length + 1}`;
      const { status, error } = await post(bridge, phone, text);
      // The screen may be on its way.
      if (status === 200) said.push(text);
      else assert.deepEqual([status, error], [422, "session_over"]);
      await pause(200);
    }
    const { text, open, at } = await phone.screen();
    const lines = text.split("\n");
    assert.deepEqual(lines, said.slice(0, lines.length));
    assert.ok(said.length - lines.length <= 1, `${said.length} were taken, ${lines.length} shown`);
    assert.equal(open, false);
    const late = await post(bridge, phone, "Too late");
    assert.deepEqual([late.status, late.error], [422, "session_over"]);
    return at - phone.since;
  }));
  const [vodacom = 0, mtn = 0] = shown;
  assert.ok(vodacom >= 1400 && mtn >= 2900 && mtn - vodacom > 700, `${vodacom} and ${mtn} ms`);
  network.assertAllShown();
});

Deno.test("what comes after the deadline, while the user still waits, is shown", async () => {
  await using bridge = await TestBridge.start({ "ussd-answer-deadline": "1" });
  const network = new Network(bridge.transport);
  const phones = [network.phone("+27820001"), network.phone("+27820002")];
  await together(phones.map(async (phone) => told(bridge.turn, await phone.dial())));
  await pause(1500);
  const [asked, said] = phones as [Phone, Phone];
  await ask(bridge, asked, "Name?");
  await say(bridge, said, "Goodbye");
  assert.deepEqual((({ text, open }) => [text, open])(await asked.screen()), ["Name?", true]);
  assert.deepEqual((({ text, open }) => [text, open])(await said.screen()), ["Goodbye", false]);
});

Deno.test("twenty turns at once: none mixes with another, nor loses its order", async () => {
  await using bridge = await TestBridge.start();
  const network = new Network(bridge.transport);
  const phones = Array.from({ length: 20 }, (_, n) => network.phone(`+278200${10 + n}`));
  await together(phones.map(async (phone) => told(bridge.turn, await phone.dial())));
  for (let nth = 1; nth <= 4; nth++) {
    await together(phones.map((phone) => say(bridge, phone, `${phone.address} ${nth}`)));
  }
  await together(phones.map((phone) => ask(bridge, phone, "And?")));
  for (const phone of phones) {
    const lines = [1, 2, 3, 4].map((nth) => `${phone.address} ${nth}`);
    const { text, message } = await phone.screen();
    assert.equal(text, [...lines, "And?"].join("\n"));
    assert.equal(message["to_addr"], phone.address);
  }
  network.assertAllShown();
  assert.equal(network.screens.length, phones.length);
});

Deno.test("a post that Turn repeats is shown once, and a user's message that comes again is told once", async () => {
  await using bridge = await TestBridge.start({ "outbound-dedupe-window": "60" });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  const ids = [await say(bridge, phone, "Welcome"), await say(bridge, phone, "Welcome")];
  const asked = await ask(bridge, phone, "Name?");
  assert.equal(ids[0], ids[1]);
  assert.equal((await phone.screen()).text, "Welcome\nName?");
  // After it was shown, too.
  assert.equal(await ask(bridge, phone, "Name?"), asked);
  await told(bridge.turn, await phone.type("Anna"));
  await ask(bridge, phone, "Age?");
  assert.equal((await phone.screen()).text, "Age?");
  network.assertAllShown();
  assert.equal(network.screens.length, 2);
});

Deno.test("Turn is answered before the screen is out", async () => {
  await using bridge = await TestBridge.start({ "ussd-settle": "1" });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  await ask(bridge, phone, "Name?");
  assert.equal(phone.shown, undefined);
  assert.equal((await phone.screen()).text, "Name?");
});
