/**
 * What comes too late for its USSD session, on a real broker: refused, failed, or sent by SMS; and never
 * published as a reply for which nobody waits.
 *
 * @module
 */

import assert from "node:assert/strict";
import { formatTimestamp } from "../../src/vumi/mod.ts";
import { TestBridge } from "../support/bridge.ts";
import { BUTTONS, LIST } from "../support/turn_messages.ts";
import { until } from "../support/until.ts";
import {
  ask,
  Network,
  type Phone,
  post,
  QUICK,
  say,
  SMS_CONTENT,
  statuses,
  told,
  untilStatus,
  wasTold,
} from "./ussd_support.ts";

/** So many seconds ago, as vumi writes it. */
function ago(seconds: number): string {
  return formatTimestamp(new Date(Date.now() - seconds * 1000));
}

/** Ways in which a session is over; each resolves when the bridge knows. */
const OVER: readonly (readonly [
  label: string,
  end: (bridge: TestBridge, phone: Phone, network: Network) => Promise<void>,
])[] = [
  ["was ten minutes ago, unanswered", async (bridge, phone, network) => {
    const request = await phone.dial(undefined, { timestamp: ago(600) });
    network.closes(request);
    await told(bridge.turn, request);
  }],
  ["was answered, and closed", async (bridge, phone) => {
    await told(bridge.turn, await phone.dial());
    await say(bridge, phone, "Goodbye");
    await phone.screen();
  }],
  ["waits for the user's answer", async (bridge, phone) => {
    await told(bridge.turn, await phone.dial());
    await ask(bridge, phone, "Name?");
    await phone.screen();
  }],
  ["was hung up", async (bridge, phone) => {
    await told(bridge.turn, await phone.dial());
    await phone.hangUp();
    await bridge.counted('{flow="inbound",result="skipped"} 1');
  }],
];

Deno.test("a reminder to a session that is over is a 422 with ussd.late fail, and nothing is published", async () => {
  await using bridge = await TestBridge.start({
    ...QUICK,
    ...SMS_CONTENT,
    "ussd-late": "fail",
    "transport-type": "ussd",
  });
  await eachOver(bridge, async (phone, label) => {
    const { status, error, id } = await post(bridge, phone, "Your visit is tomorrow");
    assert.deepEqual([status, error, id], [422, "session_over", ""], label);
  });
});

Deno.test("on a channel of USSD without sms_fallback it is a 422 by default", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, "transport-type": "ussd" });
  await eachOver(bridge, async (phone, label) => {
    const { status, error } = await post(bridge, phone, "Your visit is tomorrow");
    assert.deepEqual([status, error], [422, "session_over"], label);
  });
});

Deno.test("with sms_fallback it goes by SMS: as a new message, of all types", async () => {
  await using bridge = await TestBridge.start({
    ...QUICK,
    ...SMS_CONTENT,
    "sms-fallback-from-addr": "8119",
    "transport-type": "ussd",
  });
  const network = await eachOver(bridge, async (phone, label, network) => {
    const before = network.sms.length;
    const ids = [await say(bridge, phone, "Your *visit* is tomorrow")];
    const text = (await network.sentBySms(before + 1))[before];
    assert.ok(text);
    // The user's next one waits for that.
    await network.ack(String(text["message_id"]));
    ids.push(await ask(bridge, phone, LIST));
    const list = (await network.sentBySms(before + 2))[before + 1];
    assert.ok(list);
    for (const sms of [text, list]) {
      const { in_reply_to, from_addr, to_addr, transport_name, transport_type } = sms;
      assert.deepEqual({ in_reply_to, from_addr, to_addr, transport_name, transport_type }, {
        in_reply_to: null,
        from_addr: "8119",
        to_addr: phone.address,
        transport_name: "smpp_transport",
        transport_type: "sms",
      }, label);
    }
    assert.equal(text["content"], "Your *visit* is tomorrow");
    // As a list is on SMS.
    assert.match(String(list["content"]), /^1\. Monday - morning only$/m);
    await network.ack(String(list["message_id"]));
    await untilStatus(bridge.turn, "sent", ...ids);
    assert.deepEqual(statuses(bridge.turn, ...ids), [["sent"], ["sent"]]);
    // And by SMS it can be answered.
    const answer = { message_id: `sms-${phone.address}`, from_addr: phone.address };
    await bridge.transport.sendInbound({ ...answer, content: "2", transport_type: "sms" });
    assert.deepEqual((await told(bridge.turn, answer.message_id)).context, { id: ids[1] });
  });
  assert.equal(network.sms.length, 2 * OVER.length);
});

/** Has each session end, and then this done. Nothing is published that nobody waits for. */
async function eachOver(
  bridge: TestBridge,
  then: (phone: Phone, label: string, network: Network) => Promise<void>,
): Promise<Network> {
  const network = new Network(bridge.transport);
  for (const [n, [label, end]] of OVER.entries()) {
    const phone = network.phone(`+278200${n}`);
    await end(bridge, phone, network);
    await then(phone, label, network);
  }
  // One after the other on one queue: what was published before it has come.
  const last = network.phone("+27829999");
  await told(bridge.turn, await last.dial());
  await ask(bridge, last, "Last?");
  await last.screen();
  network.assertAllShown();
  return network;
}

/** The forms of addresses, the user's as the network has it, and as the SMS is addressed. */
const ADDRESSES = [
  ["as_is", "+27821234567", "+27821234567"],
  ["as_is", "27821234567", "27821234567"],
  ["e164", "27821234567", "+27821234567"],
  ["e164", "+27821234567", "+27821234567"],
  ["digits", "+27821234567", "27821234567"],
  ["digits", "27821234567", "27821234567"],
] as const;

for (const form of ["as_is", "e164", "digits"] as const) {
  Deno.test(`sms_fallback.address ${form} is how the SMS is addressed, whoever writes it how`, async () => {
    await using bridge = await TestBridge.start({
      ...QUICK,
      ...SMS_CONTENT,
      "sms-fallback-address": form,
    });
    const network = new Network(bridge.transport);
    const cases = ADDRESSES.filter(([of]) => of === form);
    for (const [n, [, theirs, addressed]] of cases.entries()) {
      const phone = network.phone(theirs);
      await told(bridge.turn, await phone.dial());
      await ask(bridge, phone, "Name?");
      await phone.screen();
      // As the transport has it in both of Turn's forms.
      await say(bridge, phone.address, "Late");
      const sms = (await network.sentBySms(n + 1))[n];
      assert.equal(sms?.["to_addr"], addressed);
    }
    network.assertAllShown();
  });
}

for (const late of ["fail", "sms"] as const) {
  Deno.test(`who hangs up with something held: ${late === "fail" ? "it failed" : "it goes by SMS"}`, async () => {
    await using bridge = await TestBridge.start({
      ...QUICK,
      ...SMS_CONTENT,
      "ussd-late": late,
      "transport-type": "ussd",
      "failed-status": "failed",
    });
    const network = new Network(bridge.transport);
    const phone = network.phone("+27820001111");
    await told(bridge.turn, await phone.dial());
    const ids = [await say(bridge, phone, "One"), await say(bridge, phone, "Two")];
    await phone.hangUp();
    if (late === "fail") await untilStatus(bridge.turn, "failed", ...ids);
    else {
      const texts = () => network.sms.map(({ content }) => content).join("\n");
      await until("both by SMS", () => texts().includes("One") && texts().includes("Two"));
      for (const { message_id } of network.sms) await network.ack(String(message_id));
      await untilStatus(bridge.turn, "sent", ...ids);
    }
    assert.equal(phone.shown, undefined);
    network.assertAllShown();
  });
}

Deno.test("an operator's message in mid-session goes by SMS, and the session goes on", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, ...SMS_CONTENT });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  const menu = await ask(bridge, phone, BUTTONS);
  await phone.screen();
  const operators = await say(bridge, phone, "Nurse Thandi will call you at 10.");
  const [sms] = await network.sentBySms(1);
  assert.equal(sms?.["content"], "Nurse Thandi will call you at 10.");
  await network.ack(String(sms?.["message_id"]));
  await untilStatus(bridge.turn, "sent", operators);
  const picked = await told(bridge.turn, await phone.type("2"));
  assert.deepEqual(picked.context, { id: menu });
  await say(bridge, phone, "Goodbye");
  assert.deepEqual([(await phone.screen()).text, phone.shown?.open], ["Goodbye", false]);
  network.assertAllShown();
  assert.equal(network.sms.length, 1);
});

Deno.test("an operator's message in mid-session is a 422 without sms_fallback, and the session goes on", async () => {
  await using bridge = await TestBridge.start({ ...QUICK, "transport-type": "ussd" });
  const network = new Network(bridge.transport);
  const phone = network.phone("+27820001111");
  await told(bridge.turn, await phone.dial());
  const menu = await ask(bridge, phone, BUTTONS);
  await phone.screen();
  assert.equal((await post(bridge, phone, "Nurse Thandi will call you at 10.")).status, 422);
  const request = await phone.type("2");
  assert.deepEqual((await told(bridge.turn, request)).context, { id: menu });
  await say(bridge, phone, "Goodbye");
  await phone.screen();
  assert.ok(wasTold(bridge.turn, request));
  network.assertAllShown();
});
