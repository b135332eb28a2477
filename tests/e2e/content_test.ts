/**
 * What each of Turn's messages says on a phone, on a real broker.
 *
 * @module
 */

import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { SHOWN } from "../support/turn_messages.ts";
import { randomOf } from "../chaos/random.ts";
import { ask, start, statusesOf, told, write } from "./content_support.ts";

for (const [name, turn, ussd, sms, content] of SHOWN) {
  Deno.test(`on a phone a message is words: ${name}`, async () => {
    for (const [type, words] of [["ussd", ussd], ["sms", sms]] as const) {
      await using bridge = await start({ "transport-type": type });
      const { status, body } = await ask(bridge, turn, { content });
      assert.equal(status, 200, JSON.stringify(body));
      const [{ message } = assert.fail()] = await bridge.transport.received(1);
      assert.deepEqual(
        [message["content"], message["message_id"], message["transport_type"]],
        [words, body.messages[0].id, type],
      );
    }
  });
}

Deno.test("what is shown, by SMS how long, and what is replaced is counted; words are the operator's", async () => {
  await using bridge = await start({ "text-encoding": "gsm7", "words-video": "Film" });
  await ask(bridge, { type: "video", video: {} });
  await ask(bridge, { type: "text", text: { body: "“x”" + "y".repeat(160) } });
  await ask(bridge, { type: "text", text: { body: "ሰላም" } });
  const [{ message } = assert.fail()] = await bridge.transport.received(2);
  assert.equal(message["content"], "[Film]");
  const metrics = await bridge.metrics();
  for (
    const line of [
      'shown_total{type="video",medium="sms"} 1',
      'shown_total{type="text",medium="sms"} 1',
      "sms_segments_total 3",
      "substitutions_total 2",
      "not_encodable_total 1",
    ]
  ) assert.ok(metrics.includes(`turn_channels_${line}\n`), line);
});

for (
  const [name, turn, field] of [
    ["an unknown type", { type: "hologram" }, "turn.type"],
    ["a flow", { type: "interactive", interactive: { type: "flow" } }, "turn.interactive.type"],
    ["a template", { type: "template", template: { name: "none" } }, "turn.template.name"],
    ["nothing, on USSD", { text: { body: " " } }, "turn.text"],
    ["a location of nothing", { type: "location", location: {} }, "turn.location"],
  ] as const
) {
  Deno.test(`what has no words is a 422 that names the field: ${name}`, async () => {
    await using bridge = await start({ "transport-type": "ussd" });
    const { status, body } = await ask(bridge, turn);
    assert.equal(status, 422);
    assert.equal(body.errors[0].field, field);
    await bridge.counted('{flow="outbound",result="unsendable"} 1');
    assert.equal(bridge.transport.outbound.length, 0);
  });
}

Deno.test("a sticker is accepted and not shown, and the user's request stays open", async () => {
  await using bridge = await start({ "failed-status": "failed" });
  await told(bridge, await write(bridge, null));
  const { status, body } = await ask(bridge, { type: "sticker", sticker: { id: "1" } });
  assert.equal(status, 200);
  await bridge.counted('{flow="outbound",result="not_shown"} 1');
  const { id } = body.messages[0];
  await until("the status", () => statusesOf(bridge, id).length > 0);
  assert.deepEqual(statusesOf(bridge, id), ["failed"]);
  assert.equal((await ask(bridge, { type: "text", text: { body: "Hi" } })).status, 200);
  const [{ message } = assert.fail()] = await bridge.transport.received(1);
  assert.equal(message["content"], "Hi");
});

Deno.test("where failed_status is sent nothing is said of a sticker", async () => {
  await using bridge = await start();
  assert.equal((await ask(bridge, { type: "reaction", reaction: {} })).status, 200);
  await bridge.counted('{flow="outbound",result="not_shown"} 1');
  assert.equal(await bridge.transport.depth("event"), 0);
  assert.deepEqual([bridge.turn.calls.length, bridge.transport.outbound.length], [0, 0]);
});

Deno.test("sms.long split: each SMS when the one before is acked, and Turn is told of one message", async () => {
  await using bridge = await start({ "sms-long": "split" });
  const text = "Remember to drink clean water every day. ".repeat(10).trim();
  const { body } = await ask(bridge, { type: "text", text: { body: text } });
  const { id } = body.messages[0];
  const ack = async (nth: number, event_type: string) => {
    const user_message_id = id.replace(/1$/, String(nth));
    await bridge.transport.sendEvent({
      event_type,
      user_message_id,
      sent_message_id: "s",
      ...(event_type === "ack" ? {} : { delivery_status: "delivered" }),
    });
  };
  for (const nth of [1, 2, 3]) {
    const sent = await bridge.transport.received(nth);
    assert.equal(sent.length, nth);
    assert.match(String(sent[nth - 1]?.message["content"]), new RegExp(` \\(${nth}/3\\)$`));
    await ack(nth, "ack");
  }
  for (const nth of [3, 1, 2]) await ack(nth, "delivery_report");
  await until("the last status", () => statusesOf(bridge, id).length > 1);
  assert.deepEqual(statusesOf(bridge, id), ["sent", "delivered"]);
  assert.equal(
    bridge.transport.outbound.map(({ message }) => String(message["content"]).slice(0, -6))
      .join(" "),
    text,
  );
});

Deno.test("sms.long refuse and text_encoding gsm7 are a 422 that says why", async () => {
  await using bridge = await start({ "sms-long": "refuse", "text-encoding": "gsm7" });
  const long = await ask(bridge, { type: "text", text: { body: "x".repeat(161) } });
  assert.deepEqual([long.status, long.body.errors[0].field], [422, "turn"]);
  assert.match(long.body.errors[0].details, /2 SMS/);
  const odd = await ask(bridge, { type: "text", text: { body: "“Hi” ሰላም" } });
  assert.equal(odd.status, 422);
  assert.match(odd.body.errors[0].details, /^Character 6 .*U\+1230/);
  assert.doesNotMatch(odd.body.errors[0].details, /ሰ/);
  const plain = await ask(bridge, { type: "text", text: { body: "“Hé” 😀" } });
  assert.equal(plain.status, 200);
  const [{ message } = assert.fail()] = await bridge.transport.received(1);
  assert.equal(message["content"], '"Hé" ');
});

/** Things that stand where others belong. */
const ODD = [
  null,
  0,
  -1,
  true,
  "",
  " ",
  "x",
  [],
  {},
  [null],
  { a: 1 },
  "x".repeat(5_000),
  "\ud800",
];

Deno.test("2,000 malformed messages of all types are refused by a field, or sent, and none is a 5xx", async () => {
  await using bridge = await start();
  const seed = Number(Deno.env.get("CONTENT_SEED") ?? 20261130);
  const random = randomOf(seed, "content");
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const spoil = (value: unknown): unknown => {
    if (random() < 0.15 || typeof value !== "object" || value === null) {
      return random() < 0.5 ? one(ODD) : value;
    }
    if (Array.isArray(value)) {
      const all = value.map(spoil);
      return random() < 0.1 ? Array(50).fill(all).flat() : all;
    }
    const entries = Object.entries(value).filter(() => random() > 0.05);
    return Object.fromEntries(entries.map(([key, each]) => [key, spoil(each)]));
  };
  const turns = SHOWN.map(([, turn]) => turn);
  let accepted = 0;
  for (let n = 0; n < 2_000; n += 20) {
    await Promise.all(Array.from({ length: 20 }, async () => {
      const turn = spoil(one(turns));
      const { status, body } = await ask(bridge, turn, { to: `+${n}` });
      const said = `seed ${seed}: ${status} ${JSON.stringify([turn, body]).slice(0, 500)}`;
      if (status === 200) return void accepted++;
      assert.ok(status === 400 || status === 422, said);
      assert.match(body.errors[0].field ?? "", /^turn/, said);
    }));
  }
  assert.ok(accepted > 100 && accepted < 1_900, `${accepted} accepted`);
  const notShown = /result="not_shown"\} (\d+)/.exec(await bridge.metrics())?.[1];
  const sent = await bridge.transport.received(accepted - Number(notShown));
  assert.equal(sent.length, accepted - Number(notShown));
});
