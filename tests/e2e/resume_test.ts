/**
 * How a USSD session starts, and how it is taken up again, on a real broker.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestBridge } from "../support/bridge.ts";
import { BUTTONS, LIST } from "../support/turn_messages.ts";
import { facts } from "./content_support.ts";
import {
  ask,
  CODE,
  Network,
  pause,
  type Phone,
  QUICK,
  say,
  SMS_NOTICE,
  told,
  wasTold,
} from "./ussd_support.ts";

const ASKED = "1. Continue\n2. Start again";

/** Keys, what is dialled and what the transport says then, and what Turn is told. */
const STARTS = [
  [{}, CODE, CODE, CODE],
  [{ "ussd-start-text": "hi" }, CODE, CODE, "hi"],
  [{ "ussd-start-text": "hi" }, CODE, null, "hi"],
  [{ "ussd-start-text": "hi" }, "*120*8864*3#", "*120*8864*3#", "hi"],
  [
    { "ussd-start-texts": { "*120*8864*3#": "register" } },
    "*120*8864*3#",
    "*120*8864*3#",
    "register",
  ],
  [{ "ussd-start-texts": { "*120*8864*3#": "register" } }, CODE, CODE, CODE],
  [
    { "ussd-start-text": "hi", "ussd-start-texts": { "*120*8864*3#": "register" } },
    ...["*120*8864*3#", "*120*8864*3#", "register"],
  ],
  [
    { "ussd-start-text": "hi", "ussd-start-texts": { "*120*8864*3#": "register" } },
    ...[CODE, CODE, "hi"],
  ],
] as const;

Deno.test("ussd.start_text and start_texts are what Turn is told when somebody dials", async () => {
  for (const [keys, code, content, wanted] of STARTS) {
    const flags = Object.entries(keys).map(([flag, value]) =>
      [flag, typeof value === "string" ? value : JSON.stringify(value)] as const
    );
    await using bridge = await TestBridge.start(Object.fromEntries(flags));
    const network = new Network(bridge.transport);
    const phone = network.phone("+27820001111");
    const start = await told(bridge.turn, await phone.dial(code, { content }));
    assert.deepEqual(start.text, { body: wanted }, JSON.stringify(keys));
    await ask(bridge, phone, "Name?");
    await phone.screen();
    // What is typed is told as it was.
    const typed = await told(bridge.turn, await phone.type("register"));
    assert.deepEqual(typed.text, { body: "register" });
  }
});

/** Starts a bridge, and a session in which Turn has asked with a merged screen. Answers the menu's id. */
async function asked(bridge: TestBridge, phone: Phone): Promise<{ menu: string; text: string }> {
  await told(bridge.turn, await phone.dial());
  await say(bridge, phone, "Welcome");
  const menu = await ask(bridge, phone, BUTTONS);
  const { text } = await phone.screen();
  return { menu, text };
}

const RESUME = { "ussd-resume-window": "60", "ussd-start-text": "hi" };

Deno.test("who dials again may go on: 1 shows the last screen, and Turn is told of neither", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, ...RESUME });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  const { menu, text } = await asked(bridge, phone);
  // Twice over: the session was lost again.
  for (let round = 0; round < 2; round++) {
    const dialled = await phone.dial();
    const question = await phone.screen();
    assert.deepEqual([question.text, question.open], [ASKED, true]);
    const went = await phone.type("1");
    const again = await phone.screen();
    assert.deepEqual([again.text, again.open], [text, true]);
    assert.ok(!wasTold(bridge.turn, dialled) && !wasTold(bridge.turn, went));
  }
  const picked = await told(bridge.turn, await phone.type("2"));
  assert.deepEqual([picked.interactive.button_reply.id, picked.context], ["b-no", { id: menu }]);
  await ask(bridge, phone, "Name?");
  assert.equal((await phone.screen()).text, "Name?");
  network.assertAllShown();
});

Deno.test("2 starts again: Turn is told what a dial says, and the old menu counts no more", async () => {
  await using bridge = await TestBridge.start({
    ...QUICK,
    ...RESUME,
    "ussd-continue-text": "Go on",
    "ussd-restart-text": "From the top",
    "ussd-start-texts": JSON.stringify({ "*120*8864*3#": "register" }),
  });
  const network = new Network(bridge.transport);
  for (const [code, start] of [[CODE, "hi"], ["*120*8864*3#", "register"]] as const) {
    const phone = network.phone(`+2782000${start.length}`);
    await asked(bridge, phone);
    const dialled = await phone.dial(code);
    assert.equal((await phone.screen()).text, "1. Go on\n2. From the top");
    const restart = await told(bridge.turn, await phone.type("2", { to_addr: code }));
    assert.deepEqual(restart.text, { body: start }, JSON.stringify(restart));
    assert.ok(!wasTold(bridge.turn, dialled));
    await ask(bridge, phone, "How many?");
    assert.equal((await phone.screen()).text, "How many?");
    assert.deepEqual((await told(bridge.turn, await phone.type("1"))).text, { body: "1" });
  }
  network.assertAllShown();
});

Deno.test("nobody is asked who did not leave a question, or left it before ussd.resume_window", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, ...RESUME, "ussd-resume-window": "1" });
  const network = new Network(bridge.transport);
  const [first, closed, late] = ["1", "2", "3"].map((n) => network.phone(`+2782000111${n}`));
  assert.ok(first && closed && late);
  await told(bridge.turn, await first.dial());
  await asked(bridge, closed);
  await told(bridge.turn, await closed.type("1"));
  await say(bridge, closed, "Goodbye");
  assert.equal((await closed.screen()).open, false);
  assert.deepEqual((await told(bridge.turn, await closed.dial())).text, { body: "hi" });
  await asked(bridge, late);
  await pause(1500);
  assert.deepEqual((await told(bridge.turn, await late.dial())).text, { body: "hi" });
  network.assertAllShown();
});

Deno.test("resume_window 0, the default, asks nobody", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, "ussd-start-text": "hi" });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await asked(bridge, phone);
  assert.deepEqual((await told(bridge.turn, await phone.dial())).text, { body: "hi" });
});

Deno.test("a page is where one goes on, and reads on", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, ...RESUME });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  await say(bridge, phone, "Wash your hands with soap before you eat, and after. ".repeat(5));
  const list = await ask(bridge, phone, LIST);
  const first = await phone.screen();
  assert.match(first.text, /\n98\. More$/);
  await phone.dial();
  assert.equal((await phone.screen()).text, ASKED);
  await phone.type("1");
  assert.equal((await phone.screen()).text, first.text);
  await phone.type("98");
  assert.match((await phone.screen()).text, /2\. Tuesday/);
  const picked = await told(bridge.turn, await phone.type("2"));
  assert.deepEqual([picked.interactive.list_reply.id, picked.context], ["tue", { id: list }]);
  network.assertAllShown();
});

Deno.test("what is pending comes before the question whether to go on", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, ...RESUME, ...SMS_NOTICE });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  const { menu, text } = await asked(bridge, phone);
  await say(bridge, phone, "Your result is here: negative.");
  await network.sentBySms(1);
  const dialled = await phone.dial();
  const first = await phone.screen();
  assert.match(first.text, /^Your result is here: negative\./);
  // The question stands on the same screen, or comes with the next.
  if (!first.text.includes(ASKED)) {
    await (first.open ? phone.type("1") : phone.dial());
    assert.equal((await phone.screen()).text, ASKED);
  }
  await phone.type("1");
  assert.equal((await phone.screen()).text, text);
  const picked = await told(bridge.turn, await phone.type("2"));
  assert.deepEqual(picked.context, { id: menu });
  assert.ok(!wasTold(bridge.turn, dialled));
  network.assertAllShown();
});

Deno.test("what is pending is read to its end, however long, before the question whether to go on", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, ...RESUME, ...SMS_NOTICE });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  const { text } = await asked(bridge, phone);
  const advice = facts(10);
  await say(bridge, phone, advice);
  await network.sentBySms(1);
  await phone.dial();
  const pages = [(await phone.screen()).text];
  while (pages.at(-1)?.endsWith("\n98. More")) {
    await phone.type("98");
    pages.push((await phone.screen()).text);
  }
  const read = pages.join(" ").replaceAll("\n98. More", "");
  assert.deepEqual([pages.length, read], [3, `${advice}\n${ASKED}`]);
  await phone.type("1");
  assert.equal((await phone.screen()).text, text);
  network.assertAllShown();
});
