/**
 * Several requests of one user, and how addresses are written, on a real broker.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestBridge } from "../support/bridge.ts";
import { BUTTONS } from "../support/turn_messages.ts";
import { until } from "../support/until.ts";
import {
  ask,
  CODE,
  Network,
  post,
  say,
  SMS_CONTENT,
  statuses,
  told,
  untilStatus,
} from "./ussd_support.ts";

Deno.test("who dials again while a request is open is answered on the new one, and nothing is lost", async () => {
  await using bridge = await TestBridge.start(SMS_CONTENT);
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  const first = await phone.dial();
  await told(bridge.turn, first);
  const held = await say(bridge, phone, "Of the first");
  // The network has given the first one up.
  network.closes(first);
  const second = await phone.dial();
  await told(bridge.turn, second);
  const ids = [held, await say(bridge, phone, "Welcome"), await ask(bridge, phone, "Name?")];
  const screen = await phone.screen(second);
  assert.match(screen.text, /Welcome\nName\?$/);
  assert.ok(screen.open);
  // On the new screen, or late; or it was on its way to the request that was given up.
  const isShown = screen.text.startsWith("Of the first\n");
  if (!isShown) {
    const [sms] = await network.sentBySms(1);
    assert.equal(sms?.["content"], "Of the first");
    await network.ack(String(sms?.["message_id"]));
  }
  await untilStatus(bridge.turn, "sent", ...ids);
  assert.deepEqual(network.dead, []);
  assert.equal(network.screens.length, 1);
});

Deno.test("who dials again and again is answered once, on the last request", async () => {
  await using bridge = await TestBridge.start({ "transport-type": "ussd" });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  for (let nth = 0; nth < 4; nth++) {
    network.closes(phone.request);
    await told(bridge.turn, await phone.dial());
  }
  const asked = await ask(bridge, phone, "Name?");
  assert.equal((await phone.screen()).text, "Name?");
  // Turn was told four times, and says something each time.
  for (let nth = 0; nth < 3; nth++) {
    assert.equal((await post(bridge, phone, `Name, again ${nth}?`)).status, 422);
  }
  await told(bridge.turn, await phone.type("Anna"));
  await ask(bridge, phone, "Age?");
  await phone.screen();
  network.assertAllShown();
  assert.equal(network.screens.length, 2);
  assert.deepEqual(statuses(bridge.turn, asked), [["sent"]]);
});

Deno.test("two sessions of one user on two codes: each request gets one answer, from its own code", async () => {
  await using bridge = await TestBridge.start({ "transport-type": "ussd" });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  const codes = [CODE, "*134*550#"];
  for (let round = 0; round < 2; round++) {
    for (const code of codes) {
      const request = round === 0
        ? await phone.dial(code)
        : await phone.type(`answer on ${code}`, { to_addr: code });
      await told(bridge.turn, request);
      await say(bridge, phone, `On ${code}`);
      await ask(bridge, phone, BUTTONS);
      const { text, message } = await phone.screen(request);
      assert.match(text, new RegExp(`^On ${code.replaceAll("*", "\\*")}\nClinic\n`));
      assert.deepEqual([message["from_addr"], message["to_addr"]], [code, phone.address]);
    }
  }
  network.assertAllShown();
  assert.equal(network.screens.length, 4);
});

Deno.test("two sessions of one user whose requests are both open: Turn says by reply_to which it answers", async () => {
  // Both are there before the screen is, however busy this machine is.
  const patient = { "ussd-settle": "2", "ussd-merge-window": "5" };
  await using bridge = await TestBridge.start({ ...SMS_CONTENT, ...patient });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  const [one, two] = [await phone.dial(CODE), await phone.dial("*134*550#")];
  await told(bridge.turn, one);
  await told(bridge.turn, two);
  const ids = [
    await ask(bridge, phone, "One?", { reply_to: one }),
    await ask(bridge, phone, "Two?", { reply_to: two }),
  ];
  // A phone has one screen: what was said to the one that it left may come late, but is not mixed in.
  const second = await phone.screen(two);
  assert.match(second.text, /^(One\?\n)?Two\?$/);
  assert.equal(second.message["from_addr"], "*134*550#");
  await until("the first", () => {
    return network.answerTo(one) !== undefined || network.sms.length > 0 ||
      second.text.startsWith("One?");
  });
  const first = network.answerTo(one);
  if (first) assert.deepEqual([first.text, first.message["from_addr"]], ["One?", CODE]);
  for (const { content, message_id } of network.sms) {
    assert.equal(content, "One?");
    await network.ack(String(message_id));
  }
  await untilStatus(bridge.turn, "sent", ...ids);
  network.assertAllShown();
});

/** The form that Turn is told of a user's address, as the network has it. */
const CONTACTS = [
  ["as_is", "+27821234567", "+27821234567", {}],
  ["as_is", "27821234567", "27821234567", {}],
  ["e164", "27821234567", "+27821234567", {}],
  ["e164", "+27821234567", "+27821234567", {}],
  ["as_is", "0821234567", "0821234567", { "default-country": "ZA" }],
  ["e164", "0821234567", "+27821234567", { "default-country": "ZA" }],
] as const;

for (const [form, theirs, contact, flags] of CONTACTS) {
  Deno.test(`contact_ids ${form}: Turn is told ${contact} of ${theirs}, and either form finds the session`, async () => {
    await using bridge = await TestBridge.start({ ...SMS_CONTENT, "contact-ids": form, ...flags });
    const network = new Network(bridge.transport, { acks: false });
    const phone = network.phone(theirs);
    const request = await phone.dial();
    await told(bridge.turn, request);
    const call = bridge.turn.calls.find(({ path }) => path === "/messages")?.body;
    // deno-lint-ignore no-explicit-any -- the fake Turn has looked at its form.
    const { message, contact: known } = call as any;
    assert.deepEqual([message.from, known.id, known.profile.name], [contact, contact, contact]);
    // Both forms are one user, within one turn.
    const ids = [
      await say(bridge, "+27821234567", "Welcome"),
      await ask(bridge, "27821234567", BUTTONS),
    ];
    const screen = await phone.screen();
    assert.match(screen.text, /^Welcome\nClinic\n/);
    assert.equal(screen.message["to_addr"], theirs);
    await network.ack(screen.id);
    await untilStatus(bridge.turn, "sent", ...ids);
    const picked = await told(bridge.turn, await phone.type("1"));
    assert.deepEqual([picked.interactive.button_reply.id, picked.from], ["b-yes", contact]);
    await ask(bridge, contact, "Name?");
    assert.equal((await phone.screen()).message["to_addr"], theirs);
    network.assertAllShown();
    assert.equal(network.sms.length, 0);
  });
}

for (const theirs of ["27821234567", "+27821234567"]) {
  Deno.test(`contact_ids e164: who wrote too long ago to be remembered is sent to as ${theirs}`, async () => {
    await using bridge = await TestBridge.start({
      ...{ "contact-ids": "e164", "transport-type": "sms" },
      "message-cache-config-timeout": "0.001",
    });
    const network = new Network(bridge.transport);
    // Another network's, which writes numbers in its own way.
    const others = { from_addr: "+27821234560", transport_type: "ussd", message_id: "by-ussd" };
    const sms = { from_addr: theirs, transport_type: "sms", message_id: "by-sms" };
    for (const each of [sms, { ...others, from_addr: others.from_addr.slice(1) }, others]) {
      await bridge.transport.sendInbound({ ...each, content: "Hi" });
      await told(bridge.turn, each.message_id);
    }
    await say(bridge, "+27820001111", "A reminder");
    const [{ to_addr, in_reply_to } = assert.fail()] = await network.sentBySms(1);
    assert.deepEqual([to_addr, in_reply_to], [theirs.replace("27821234567", "27820001111"), null]);
  });
}

Deno.test("contact_ids e164 makes one contact of SMS and USSD, and each transport gets its own form", async () => {
  await using bridge = await TestBridge.start({
    "contact-ids": "e164",
    "status-format": "nested",
  });
  const network = new Network(bridge.transport);
  const phone = network.phone("27821234567");
  const sms = {
    from_addr: "+27821234567",
    transport_type: "sms",
    transport_name: "smpp_transport",
  };
  await bridge.transport.sendInbound({ ...sms, message_id: "by-sms", content: "Hi" });
  assert.equal((await told(bridge.turn, "by-sms")).from, "+27821234567");
  await say(bridge, "+27821234567", "By SMS");
  assert.equal((await network.sentBySms(1))[0]?.["to_addr"], "+27821234567");
  const request = await phone.dial();
  assert.equal((await told(bridge.turn, request)).from, "+27821234567");
  await ask(bridge, "+27821234567", "Name?");
  const { id, message } = await phone.screen();
  assert.equal(message["to_addr"], "27821234567");
  // deno-lint-ignore no-explicit-any -- the fake Turn has looked at its form.
  const statusesTold = () => bridge.turn.calls.map(({ body }) => (body as any).status);
  await until("the status", () => statusesTold().some((status) => status?.id === id));
  const status = statusesTold().find((status) => status?.id === id);
  assert.deepEqual([status.status, status.recipient_id], ["sent", "+27821234567"]);
  network.assertAllShown();
});
