/**
 * SMS to transports that say little or late, and when bridges change meanwhile: none is lost, none is told
 * of wrongly, and none waits for long.
 *
 * @module
 */

import assert from "node:assert/strict";
import { sleep } from "../../src/async/mod.ts";
import { SmsDue } from "../../src/bridge/sms_due.ts";
import { SmsInHand } from "../../src/bridge/sms_in_hand.ts";
import { SmsSender } from "../../src/bridge/sms_sender.ts";
import { newSms, type Sms } from "../../src/bridge/sms_lines.ts";
import { UserAddresses } from "../../src/cache/mod.ts";
import { createMessage } from "../../src/vumi/mod.ts";
import { ACK, type SmsBridge, SmsWorld, THROTTLED } from "./sms_support.ts";
import { CONTENT, NEVER, RESENDING } from "./support.ts";

const SPLIT = { content: { ...CONTENT, longSms: "split", maxParts: 4 } } as const;
/** Three SMS. */
const LONG = "word ".repeat(80).trim();

const userOf = (n: number): string => `+2783${1_000_000 + n}`;

function sms(fields: Partial<Sms> = {}): Sms {
  const message = createMessage({
    ...{ to_addr: "+27820000001", from_addr: "8110", transport_name: "c", transport_type: "sms" },
  });
  const made = newSms(message, "waits", new UserAddresses(() => undefined));
  return Object.assign(made, fields);
}

for (const others of [false, true]) {
  Deno.test(`what can go to a slowed transport does not wait for one before it that can't yet, others: ${others}`, () => {
    const due = new SmsDue({ elapsed: () => 0, now: () => 0 });
    due.pace.throttled("c", 0, 0);
    for (const dueAt of [0, 60_000, 0]) due.add(sms({ dueAt }));
    if (others) due.add(sms({ dueAt: 60_000, transport: "other" }));
    const ms = due.take(0, () => Promise.resolve());
    assert.ok(ms < 10_000, `${ms}`);
  });
}

Deno.test("of thousands that wait for one transport few are looked at", () => {
  const due = new SmsDue({ elapsed: () => 0, now: () => 0 });
  due.pace.throttled("c", 0, 0);
  let looks = 0;
  for (let n = 0; n < 5_000; n++) {
    due.add(Object.defineProperty(sms(), "dueAt", { get: () => ++looks && 0 }));
  }
  let sent = 0;
  due.take(0, () => Promise.resolve(void sent++));
  assert.deepEqual([sent, looks], [1, 2]);
});

Deno.test("of thousands in hand only those are looked at that are so for long, and one more", () => {
  const inHand = new SmsInHand();
  let looks = 0;
  const { signal: lost } = new AbortController();
  for (let n = 0; n < 5_000; n++) {
    const item = { arrivedAt: 0, lost, end: () => {} };
    inHand.take(sms(), Object.defineProperty(item, "arrivedAt", { get: () => ++looks && n }));
  }
  assert.equal(inHand.putOldAgain(9), 10);
  assert.ok(looks <= 12, `${looks}`);
  assert.equal(inHand.putOldAgain(9_999), undefined);
});

Deno.test("while Turn is down none has failed whose ack lies unread", async () => {
  await using world = new SmsWorld();
  const bridge = world.lead({ failUnacked: true });
  world.turnWorks = false;
  for (let n = 0; n < 300; n++) await bridge.post("a", userOf(n));
  await world.clock.advance(150_000);
  world.turnWorks = true;
  await world.clock.advance(600_000);
  assert.ok(world.told.length > 100, `${world.told.length}`);
  assert.deepEqual(world.told.filter((told) => !told.startsWith("sent ")), []);
});

Deno.test("what is throttled after it counted as unacked is sent again, though the bridges change", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? undefined : ACK);
  const first = world.lead();
  const id = await first.post("a");
  await world.clock.advance(61_000);
  await world.hear(id, THROTTLED);
  await world.clock.advance(500);
  first.kill();
  world.lead();
  await world.clock.advance(5_000);
  assert.deepEqual([world.texts, world.told], [["a", "a"], [`sent ${id}`]]);
});

Deno.test("what enters again after it was not sent is not taken for one that has ended", async () => {
  await using world = new SmsWorld();
  const { options } = world.lead();
  using abort = new DisposableStack();
  const stopping = new AbortController();
  abort.defer(() => stopping.abort());
  const { now, elapsed, after } = world.clock;
  const clock = { now: () => now, elapsed, after };
  const sender = new SmsSender({ ...options, ...clock, stopping: stopping.signal });
  const { id, message } = sms();
  assert.ok(message !== undefined);
  (await sender.enter(message))[Symbol.dispose]();
  assert.equal(sender.lines.hasEnded(id), true);
  const way = await sender.enter(message);
  assert.equal(sender.lines.hasEnded(id), false);
  await sender.send(way);
  await world.clock.advance(100);
  assert.equal(world.texts.length, 1);
});

Deno.test("an SMS whose ack comes as another bridge takes over has not failed after that", async () => {
  await using world = new SmsWorld(() => undefined);
  const sms = { failUnacked: true };
  const first = world.lead(sms);
  const ids = [await first.post("a"), await first.post("b")];
  await world.clock.advance(3_000);
  assert.deepEqual(world.texts, ["a", "b"]);
  first.kill();
  for (const id of ids) await world.hear(id, ACK);
  world.lead(sms);
  await world.clock.advance(120_000);
  assert.deepEqual([world.texts, world.told], [["a", "b"], ids.map((id) => `sent ${id}`)]);
  assert.equal(world.waiting("held.sms"), 0);
});

/** Makes it take a moment until what is kept of SMS is looked up. */
function slowDown({ cache }: SmsBridge, { clock }: SmsWorld): void {
  const get = cache.getRecord.bind(cache);
  cache.getRecord = async (kind, id) => {
    const value = await get(kind, id);
    if (kind === "unacked" || kind === "parts") await sleep(50, NEVER, clock.after);
    return value;
  };
}

Deno.test("an SMS has not failed whose ack comes while what it is about is looked up", async () => {
  await using world = new SmsWorld(() => undefined);
  const sms = { failUnacked: true };
  const first = world.lead(sms);
  const ids = [await first.post("a"), await first.post("b")];
  await world.clock.advance(3_000);
  first.kill();
  const second = world.standBy(sms);
  slowDown(second, world);
  second.lead();
  await world.clock.advance(60);
  for (const id of ids) await world.hear(id, ACK);
  await world.clock.advance(120_000);
  assert.deepEqual([world.texts, world.told], [["a", "b"], ids.map((id) => `sent ${id}`)]);
});

Deno.test("none waits for an SMS whose ack comes while what is kept of it is looked up", async () => {
  await using world = new SmsWorld(() => undefined);
  const first = world.lead();
  const id = await first.post("a");
  first.kill();
  const second = world.lead();
  slowDown(second, world);
  const posted = second.post("b");
  await world.clock.advance(60);
  await world.hear(id, ACK);
  await world.clock.advance(500);
  await posted;
  assert.deepEqual(world.texts, ["a", "b"]);
});

for (const resendForMs of [0, 900_000]) {
  Deno.test(`a text goes on after a part of which nothing is heard, in order: ${resendForMs}`, async () => {
    await using world = new SmsWorld(() => undefined);
    const bridge = world.lead({ resendForMs }, SPLIT);
    const id = await bridge.post(LONG);
    await bridge.post("next");
    await world.clock.advance(8_000);
    const parts = resendForMs === 0 ? world.texts.filter((text) => text !== "next") : world.texts;
    assert.deepEqual(parts.map((text) => text?.slice(-5)), [
      ...["(1/3)", "(2/3)", "(3/3)"],
      ...resendForMs === 0 ? [] : ["next"],
    ]);
    await world.clock.advance(120_000);
    assert.deepEqual([world.texts.length, world.told], [4, []]);
    assert.doesNotMatch(await bridge.cache.getRecord("parts", id) ?? "none", /word|none/);
    // Late, but heard of.
    for (const { message_id } of [...world.submits]) await world.hear(message_id, ACK);
    await world.clock.advance(1_000);
    assert.equal(world.texts.length, 4);
    assert.equal(world.told.filter((told) => told === `sent ${id}`).length, 1);
  });
}

Deno.test("a text of which nothing is heard has failed once where that is wanted", async () => {
  await using world = new SmsWorld(() => undefined);
  const id = await world.lead({ failUnacked: true }, SPLIT).post(LONG);
  await world.clock.advance(120_000);
  assert.deepEqual([world.texts.length, world.told], [3, [`failed ${id}`]]);
  assert.equal(world.waiting("held.sms"), 0);
});

Deno.test("a text goes on to a slowed transport too, and when the bridges change", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : nth === 2 ? ACK : undefined);
  const first = world.lead(RESENDING, SPLIT);
  await first.post("0", userOf(1));
  await world.clock.advance(2_000);
  await first.post(LONG);
  await world.clock.advance(3_000);
  first.kill();
  world.lead(RESENDING, SPLIT);
  await world.clock.advance(120_000);
  assert.equal(world.texts.length, 5, "the third part");
});

Deno.test("what another bridge takes does not wait for a transport that says nothing", async () => {
  await using world = new SmsWorld(() => undefined);
  const other = world.standBy();
  world.lead();
  for (let n = 0; n < 1_200; n++) await other.post("a", userOf(n));
  await world.clock.advance(10_000);
  assert.equal(world.texts.length, 1_200);
});

Deno.test("what could not be sent is not waited for by another bridge", async () => {
  await using world = new SmsWorld();
  const first = world.lead();
  first.refuses.add("c.outbound");
  await assert.rejects(first.post("a"));
  first.kill();
  await world.lead().post("a");
  await world.clock.advance(0);
  assert.deepEqual(world.texts, ["a"]);
});

Deno.test("what is throttled has failed after that time, though the pace holds it back", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead({ resendForMs: 120_000 });
  const ids = [];
  for (let n = 0; n < 200; n++) ids.push(await bridge.post("a", userOf(n)));
  world.answer = () => THROTTLED;
  for (const id of ids) await world.hear(id, THROTTLED);
  await world.clock.advance(125_000);
  assert.deepEqual([...world.told].sort(), ids.map((id) => `failed ${id}`).sort());
  assert.equal(await bridge.cache.getRecord("unacked", ids[199] ?? ""), undefined);
  assert.equal(world.waiting("held.sms"), 0);
});

Deno.test("what is sent again and not yet in hand again is not overtaken after a takeover", async () => {
  await using world = new SmsWorld(() => undefined);
  const first = world.lead();
  const ids = [await first.post("1"), ""];
  await world.clock.advance(3_000);
  ids[1] = await first.post("2");
  await world.hear(ids[1], ACK);
  await world.clock.advance(100);
  first.kill();
  const other = world.standBy();
  for (let n = 0; n < 500; n++) await other.post("before", userOf(n));
  const second = world.lead();
  await world.clock.advance(100);
  await world.hear(ids[0] ?? "", THROTTLED);
  await world.clock.advance(100);
  second.kill();
  await world.clock.advance(0);
  await world.lead().post("3");
  await world.clock.advance(100);
  assert.ok(!world.texts.includes("3"));
  await world.clock.advance(10_000);
  assert.deepEqual(world.texts.slice(-2), ["1", "3"]);
});

Deno.test("a transport that only reports what was delivered is not waited for", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead();
  for (let n = 0; n < 3; n++) await bridge.post("a", userOf(n));
  await world.clock.advance(61_000);
  const id = world.submits[0]?.message_id ?? "";
  await world.hear(id, { event_type: "delivery_report", delivery_status: "delivered" });
  await world.clock.advance(0);
  for (const text of ["1", "2"]) await bridge.post(text);
  await world.clock.advance(0);
  assert.deepEqual(world.texts.slice(3), ["1", "2"]);
});

Deno.test("what was sent is not sent again by who speaks next, long after it is sent again", async () => {
  await using world = new SmsWorld(() => undefined);
  const sms = { failUnacked: true, resendForMs: 10_000, unackedAfterMs: 3_600_000 };
  const first = world.lead(sms);
  await first.post("a");
  await world.clock.advance(90_000);
  first.kill();
  world.lead(sms);
  await world.clock.advance(10_000);
  assert.deepEqual(world.texts, ["a"]);
});

Deno.test("one that was let pass and is throttled goes before the next one, which waits", async () => {
  await using world = new SmsWorld();
  world.answer = ({ content }) => content === "a" ? undefined : ACK;
  const bridge = world.lead({ maxPerSecond: 1 });
  const id = await bridge.post("a");
  for (let n = 0; n < 10; n++) await bridge.post("other", userOf(n));
  await bridge.post("b");
  await world.clock.advance(2_500);
  await world.hear(id, THROTTLED);
  world.answer = () => ACK;
  await world.clock.advance(30_000);
  assert.deepEqual(world.texts.filter((text) => text !== "other"), ["a", "a", "b"]);
});

Deno.test("an SMS of which nothing is heard has failed though the bridges change often", async () => {
  await using world = new SmsWorld(() => undefined);
  let bridge = world.lead({ failUnacked: true });
  const id = await bridge.post("a");
  for (let n = 0; n < 4; n++) {
    await world.clock.advance(25_000);
    bridge.kill();
    bridge = world.lead({ failUnacked: true });
  }
  assert.deepEqual([world.texts, world.told], [["a"], [`failed ${id}`]]);
});
