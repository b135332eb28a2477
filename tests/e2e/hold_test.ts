/**
 * `ussd.hold_text`, on a real broker: when Turn has said nothing by the deadline the user is asked to
 * wait, and reads Turn's answer at the next input.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestBridge } from "../support/bridge.ts";
import { BUTTONS } from "../support/turn_messages.ts";
import { until } from "../support/until.ts";
import {
  ask,
  Network,
  type Phone,
  post,
  QUICK,
  say,
  SMS_CONTENT,
  told,
  untilStatus,
  wasTold,
} from "./ussd_support.ts";

const HOLD = "Please wait. Reply 1 to continue.";
const SORRY = "Sorry, please dial again.";
const FLAGS = {
  ...QUICK,
  "ussd-answer-deadline": "1",
  "ussd-hold-text": HOLD,
  "ussd-sorry-text": SORRY,
  "failed-status": "failed",
};

/** What the phone shows next, and whether it takes an answer. */
async function shows(phone: Phone): Promise<readonly [string, boolean]> {
  const { text, open } = await phone.screen();
  return [text, open];
}

Deno.test("a Turn that is slow: a hold screen, and the answer at the next input, of which Turn is not told", async () => {
  await using bridge = await TestBridge.start(FLAGS);
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  assert.deepEqual(await shows(phone), [HOLD, true]);
  const ids = [await say(bridge, phone, "Welcome"), await ask(bridge, phone, BUTTONS)];
  const next = await phone.type("1");
  assert.deepEqual(await shows(phone), [
    "Welcome\nClinic\nDo you agree?\n1. Yes\n2. No, thanks\nReply STOP to end",
    true,
  ]);
  await untilStatus(bridge.turn, "sent", ...ids);
  // The one after it is the answer.
  const picked = await told(bridge.turn, await phone.type("1"));
  assert.deepEqual([picked.interactive.button_reply.id, picked.context], ["b-yes", { id: ids[1] }]);
  assert.ok(!wasTold(bridge.turn, next));
  await say(bridge, phone, "Goodbye");
  assert.deepEqual(await shows(phone), ["Goodbye", false]);
  network.assertAllShown();
});

Deno.test("a Turn that is slow and ends the session: the words come at the next input, and close it", async () => {
  await using bridge = await TestBridge.start(FLAGS);
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  assert.deepEqual(await shows(phone), [HOLD, true]);
  const id = await say(bridge, phone, "Goodbye");
  await phone.type("anything");
  assert.deepEqual(await shows(phone), ["Goodbye", false]);
  await untilStatus(bridge.turn, "sent", id);
  assert.equal(bridge.turn.calls.filter(({ path }) => path === "/messages").length, 1);
});

for (const [label, flags] of [["by SMS", SMS_CONTENT], ["a 422", {}]] as const) {
  Deno.test(`a Turn that is silent for ever: hold, sorry, closed; what comes then is late: ${label}`, async () => {
    const channel = { "transport-type": "ussd" };
    await using bridge = await TestBridge.start({ ...channel, ...FLAGS, ...flags });
    const network = new Network(bridge.transport);
    const phone = network.phone("+27820001111");
    const dialled = await phone.dial();
    await told(bridge.turn, dialled);
    for (let nth = 1; nth <= 2; nth++) {
      assert.deepEqual(await shows(phone), [HOLD, true]);
      assert.ok(!wasTold(bridge.turn, await phone.type("1")));
    }
    assert.deepEqual(await shows(phone), [SORRY, false]);
    const late = await post(bridge, phone, "Here I am");
    if (label === "by SMS") {
      assert.equal(late.status, 200);
      assert.equal((await network.sentBySms(1))[0]?.["content"], "Here I am");
    } else assert.deepEqual([late.status, late.error], [422, "session_over"]);
    // Turn was told of the dial only; and the next one begins anew.
    assert.equal(bridge.turn.calls.filter(({ path }) => path === "/messages").length, 1);
    await told(bridge.turn, await phone.dial());
    await ask(bridge, phone, "Welcome back?");
    assert.deepEqual(await shows(phone), ["Welcome back?", true]);
    network.assertAllShown();
  });
}

Deno.test("the answer comes while the user is held for the second time", async () => {
  await using bridge = await TestBridge.start(FLAGS);
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  assert.deepEqual(await shows(phone), [HOLD, true]);
  await phone.type("1");
  assert.deepEqual(await shows(phone), [HOLD, true]);
  await ask(bridge, phone, "Name?");
  await phone.type("1");
  assert.deepEqual(await shows(phone), ["Name?", true]);
  const answer = await phone.type("Anna");
  assert.deepEqual((await told(bridge.turn, answer)).text, { body: "Anna" });
  network.assertAllShown();
});

Deno.test("ussd.hold_max is how often; each slow answer is held for so often again", async () => {
  await using bridge = await TestBridge.start({ ...FLAGS, "ussd-hold-max": "1" });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  for (let round = 0; round < 2; round++) {
    await told(bridge.turn, await (round === 0 ? phone.dial() : phone.type("Anna")));
    assert.deepEqual(await shows(phone), [HOLD, true]);
    await ask(bridge, phone, `Question ${round}?`);
    await phone.type("1");
    assert.deepEqual(await shows(phone), [`Question ${round}?`, true]);
  }
  await told(bridge.turn, await phone.type("27"));
  assert.deepEqual(await shows(phone), [HOLD, true]);
  await phone.type("1");
  assert.deepEqual(await shows(phone), [SORRY, false]);
  network.assertAllShown();
});

for (const [label, flags] of [["by SMS", SMS_CONTENT], ["as failed", {}]] as const) {
  Deno.test(`who goes away from a hold screen: what Turn said is told of, ${label}`, async () => {
    const channel = { "transport-type": "ussd", "ussd-session-timeout": "3" };
    await using bridge = await TestBridge.start({ ...channel, ...FLAGS, ...flags });
    const network = new Network(bridge.transport);
    const phone = network.phone("+27820001111");
    await told(bridge.turn, await phone.dial());
    assert.deepEqual(await shows(phone), [HOLD, true]);
    const id = await say(bridge, phone, "Nobody reads this");
    if (label === "as failed") await untilStatus(bridge.turn, "failed", id);
    else {
      await until("the SMS", () => network.sms.length > 0, 30_000);
      assert.equal(network.sms[0]?.["content"], "Nobody reads this");
    }
    network.assertAllShown();
  });
}

Deno.test("without ussd.hold_text nothing is shown at the deadline", async () => {
  await using bridge = await TestBridge.start({ "ussd-answer-deadline": "1" });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  const other = network.phone("+27820002222");
  await told(bridge.turn, await other.dial());
  await until("the deadline", () => performance.now() - phone.since > 2_000);
  await ask(bridge, other, "Name?");
  await other.screen();
  assert.equal(phone.shown, undefined);
  await ask(bridge, phone, "Name?");
  assert.deepEqual(await shows(phone), ["Name?", true]);
});
