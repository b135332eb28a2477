/**
 * What a user's answer to a menu means, on a real broker.
 *
 * @module
 */

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { startLogging } from "../../src/telemetry/mod.ts";
import { until } from "../support/until.ts";
import { BUTTONS, LIST, TEMPLATE } from "../support/turn_messages.ts";
import { ask, bodies, start, told, write } from "./content_support.ts";

Deno.test("buttons on USSD: an answer by number goes back as the button, once", async () => {
  await using bridge = await start();
  await told(bridge, await write(bridge, null));
  const asked = await ask(bridge, BUTTONS);
  await bridge.transport.received(1);
  const picked = await told(bridge, await write(bridge, " 2. "));
  assert.deepEqual(picked.interactive, {
    type: "button_reply",
    button_reply: { id: "b-no", title: "No, thanks" },
  });
  assert.deepEqual([picked.type, picked.context], ["interactive", {
    id: asked.body.messages[0].id,
  }]);
  // The menu is done with.
  assert.deepEqual((await told(bridge, await write(bridge, "2"))).text, { body: "2" });
  await bridge.counted('turn_channels_choices_total{by="number"} 1');
});

Deno.test("a list by SMS: an answer by title goes back as the row, with its description", async () => {
  await using bridge = await start();
  await ask(bridge, LIST);
  await bridge.transport.received(1);
  const sms = { transport_type: "sms", session_event: null };
  const text = await told(bridge, await write(bridge, "Wednesday", sms));
  assert.deepEqual(text.text, { body: "Wednesday" });
  const picked = await told(bridge, await write(bridge, "monday!", sms));
  assert.deepEqual(picked.interactive, {
    type: "list_reply",
    list_reply: { id: "mon", title: "Monday", description: "morning only" },
  });
});

Deno.test("a template's quick reply goes back as its payload", async () => {
  await using bridge = await start();
  await ask(bridge, TEMPLATE);
  await bridge.transport.received(1);
  const picked = await told(bridge, await write(bridge, "I come"));
  assert.deepEqual([picked.type, picked.button], ["button", {
    payload: "p-coming",
    text: "I come",
  }]);
});

Deno.test("a question without options ends the menu; other texts don't", async () => {
  await using bridge = await start();
  const say = (body: string, waiting_for_user_input: boolean) =>
    ask(bridge, { type: "text", text: { body } }, { waiting_for_user_input });
  await ask(bridge, BUTTONS);
  await say("By the way", false);
  await bridge.transport.received(2);
  const sms = { transport_type: "sms", session_event: null };
  assert.equal((await told(bridge, await write(bridge, "1", sms))).type, "interactive");
  await ask(bridge, BUTTONS);
  await say("What is your name?", true);
  await bridge.transport.received(4);
  assert.deepEqual((await told(bridge, await write(bridge, "1", sms))).text, { body: "1" });
});

Deno.test("a long text that asks nothing leaves a menu by SMS", async () => {
  await using bridge = await start();
  await ask(bridge, BUTTONS);
  await bridge.transport.received(1);
  await told(bridge, await write(bridge, null));
  const text = { type: "text", text: { body: "Wash your hands. ".repeat(30) } };
  await ask(bridge, text, { waiting_for_user_input: false });
  await bridge.transport.received(2);
  const sms = { transport_type: "sms", session_event: null };
  assert.equal((await told(bridge, await write(bridge, "1", sms))).type, "interactive");
});

Deno.test("menu_reply text tells Turn the title, and menu_timeout ends a menu", async () => {
  await using bridge = await start({ "menu-reply": "text", "menu-timeout": "1" });
  const sms = { transport_type: "sms", session_event: null };
  await ask(bridge, BUTTONS);
  assert.deepEqual((await told(bridge, await write(bridge, "2", sms))).text, {
    body: "No, thanks",
  });
  await ask(bridge, BUTTONS);
  await delay(1_500);
  assert.deepEqual((await told(bridge, await write(bridge, "2", sms))).text, { body: "2" });
});

Deno.test("the log says which option was picked, and not what it says", async () => {
  const lines: string[] = [];
  const decoder = new TextDecoder();
  const write_ = (bytes: Uint8Array): Promise<number> => {
    lines.push(decoder.decode(bytes));
    return Promise.resolve(bytes.length);
  };
  {
    const output = { write: write_, isTerminal: () => false };
    await using _logging = startLogging({ level: "DEBUG", output });
    await using bridge = await start();
    await ask(bridge, BUTTONS);
    const sms = { transport_type: "sms", session_event: null };
    await told(bridge, await write(bridge, "No, thanks", sms));
    await bridge.counted('{flow="inbound",result="delivered"} 1');
  }
  assert.match(lines.join(""), /"picked":"2 of 2"/);
  assert.doesNotMatch(lines.join(""), /thanks|agree/);
});

Deno.test("where Turn refuses choices the same message goes as its title", async () => {
  await using bridge = await start();
  const { answer } = bridge.turn;
  bridge.turn.answer = (call) =>
    JSON.stringify(call.body).includes('"interactive"')
      ? new Response("no", { status: 400 })
      : answer(call);
  await ask(bridge, BUTTONS);
  await bridge.transport.received(1);
  const id = await write(bridge, "1");
  const posts = () => bodies(bridge).flatMap(({ message }) => message?.id === id ? message : []);
  await until("the text", () => posts().length > 1);
  assert.deepEqual(posts().map(({ type }) => type), ["interactive", "text"]);
  assert.deepEqual(posts()[1].text, { body: "Yes" });
  await bridge.counted('{flow="inbound",result="delivered"} 1');
  await bridge.counted("turn_channels_choices_refused_total 1");
  assert.equal(await bridge.transport.depth("inbound.parked"), 0);
});
