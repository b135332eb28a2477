/**
 * `sms_fallback.mode: notice`, on a real broker: phones are shared, so an SMS says only that there is a
 * message, and who dials reads it first.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestBridge } from "../support/bridge.ts";
import { BUTTONS } from "../support/turn_messages.ts";
import {
  ask,
  Network,
  NOTICE,
  type Phone,
  QUICK,
  say,
  type Screen,
  SMS_FALLBACK,
  SMS_NOTICE,
  statuses,
  told,
  untilStatus,
  wasTold,
} from "./ussd_support.ts";
import { until } from "../support/until.ts";

const SECRET_WORDS = "Your test result is here: negative.";

/** A session that was answered, and closed. */
async function session(bridge: TestBridge, phone: Phone): Promise<void> {
  await told(bridge.turn, await phone.dial());
  await say(bridge, phone, "Goodbye");
  await phone.screen();
}

/**
 * What a phone shows that dials, on until it is asked "Name?" by a Turn that asks so whenever it is told
 * anything.
 */
async function dialOn(bridge: TestBridge, phone: Phone): Promise<Screen[]> {
  const screens: Screen[] = [];
  let request = await phone.dial();
  for (;;) {
    const here = request;
    await until("Turn to be told, or a screen", () => {
      return wasTold(bridge.turn, here) || phone.shown !== undefined;
    });
    if (phone.shown === undefined) await ask(bridge, phone, "Name?");
    const screen = await phone.screen();
    screens.push(screen);
    if (screen.text.endsWith("Name?")) return screens;
    assert.ok(screens.length < 5, "it is never asked");
    if (screen.open) request = await phone.type("1");
    else request = await phone.dial();
  }
}

Deno.test("the words are not in the SMS; the next dial shows them first", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, ...SMS_NOTICE });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await session(bridge, phone);
  const ids = [await say(bridge, phone, SECRET_WORDS), await say(bridge, phone, "See you at 10.")];
  const [sms] = await network.sentBySms(1);
  assert.deepEqual(
    [sms?.["content"], sms?.["in_reply_to"], sms?.["from_addr"], sms?.["transport_name"]],
    [NOTICE, null, "8110", "smpp_transport"],
  );
  for (const { message_id } of network.sms) await network.ack(String(message_id));
  const screens = await dialOn(bridge, phone);
  const shown = screens.map(({ text }) => text).join("\n");
  assert.ok(shown.startsWith(`${SECRET_WORDS}\nSee you at 10.\n`), shown);
  assert.ok(screens.at(-1)?.open);
  await untilStatus(bridge.turn, "sent", ...ids);
  assert.ok(network.sms.every(({ content }) => content === NOTICE));
  network.assertAllShown();

  // They are shown once.
  await told(bridge.turn, await phone.type("Anna"));
  await say(bridge, phone, "Thank you");
  await phone.screen();
  const again = await dialOn(bridge, phone);
  assert.equal(again[0]?.text, "Name?");
  network.assertAllShown();
});

Deno.test("notice is the default", async () => {
  const { "sms-fallback-notice-text": text } = SMS_NOTICE;
  await using bridge = await TestBridge.start({
    ...QUICK,
    ...SMS_FALLBACK,
    "sms-fallback-notice-text": text,
  });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await session(bridge, phone);
  await say(bridge, phone, SECRET_WORDS);
  assert.equal((await network.sentBySms(1))[0]?.["content"], NOTICE);
});

Deno.test("a menu that waited for the dial can be picked from", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, ...SMS_NOTICE });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await session(bridge, phone);
  const menu = await ask(bridge, phone, BUTTONS);
  await network.sentBySms(1);
  const request = await phone.dial();
  await until("Turn to be told, or a screen", () => {
    return wasTold(bridge.turn, request) || phone.shown !== undefined;
  });
  if (phone.shown === undefined) await say(bridge, phone, "Hello again");
  const { text, open } = await phone.screen();
  assert.match(text, /^Clinic\nDo you agree\?\n1\. Yes\n2\. No, thanks\n/);
  assert.ok(open);
  const picked = await told(bridge.turn, await phone.type("2"));
  assert.deepEqual([picked.interactive?.button_reply.id, picked.context], ["b-no", { id: menu }]);
  network.assertAllShown();
});

Deno.test("a notice that can't be sent is no failure of what the next dial shows", async () => {
  await using bridge = await TestBridge.start({
    ...QUICK,
    ...SMS_NOTICE,
    "failed-status": "failed",
  });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await session(bridge, phone);
  const id = await say(bridge, phone, SECRET_WORDS);
  const [sms] = await network.sentBySms(1);
  await network.nack(String(sms?.["message_id"]));
  const [screen] = await dialOn(bridge, phone);
  assert.ok(screen?.text.startsWith(SECRET_WORDS));
  await untilStatus(bridge.turn, "sent", id);
  assert.deepEqual(statuses(bridge.turn, id), [["sent"]]);
});

Deno.test("the operator's message in mid-session is a notice too, and the session goes on", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, ...SMS_NOTICE });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  const menu = await ask(bridge, phone, BUTTONS);
  await phone.screen();
  await say(bridge, phone, SECRET_WORDS);
  assert.equal((await network.sentBySms(1))[0]?.["content"], NOTICE);
  const picked = await told(bridge.turn, await phone.type("2"));
  assert.deepEqual(picked.context, { id: menu });
  await say(bridge, phone, "Goodbye");
  // Whether the words come now or at the next dial: they are not lost.
  const first = await phone.screen();
  const next = first.text.includes(SECRET_WORDS) ? first : (await dialOn(bridge, phone))[0];
  assert.ok(next?.text.startsWith(SECRET_WORDS), next?.text);
  assert.ok(first.text.includes("Goodbye"));
  network.assertAllShown();
});
