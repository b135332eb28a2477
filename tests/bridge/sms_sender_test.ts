/**
 * SMS as they are sent by bridges of one channel: in order, again when they were throttled, once.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  createMessage,
  encodeMessage,
  formatTimestamp,
  RETRY_HEADERS,
} from "../../src/vumi/mod.ts";
import { ACK, type SmsBridge, SmsWorld, SYSTEM_ERROR, THROTTLED, USER } from "./sms_support.ts";
import { BOTH, NEVER } from "./support.ts";

Deno.test("what is throttled is sent again, in the user's order, and Turn is told once", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
  const bridge = world.lead();
  const ids = [await bridge.post("a"), await bridge.post("b")];
  await world.clock.advance(900);
  assert.deepEqual(world.texts, ["a"]);
  await world.clock.advance(5_000);
  assert.deepEqual(world.texts, ["a", "a", "b"]);
  assert.deepEqual(world.told, ids.map((id) => `sent ${id}`));
  bridge.kill();
  await world.clock.advance(0);
  assert.equal(world.waiting("held.sms"), 0, "nothing is in hand any more");
});

Deno.test("what is throttled for ever waits longer each time, and then has failed and is forgotten", async () => {
  const at: number[] = [];
  await using world = new SmsWorld(() => {
    at.push((world.clock.now - world.start) / 1_000);
    return THROTTLED;
  });
  const bridge = world.lead({ resendForMs: 120_000 });
  const id = await bridge.post("a");
  await world.clock.advance(200_000);
  const waits = at.slice(1).map((time, n) => Math.round(time - (at[n] ?? 0)));
  assert.deepEqual(waits, [1, 2, 5, 10, 30, 60]);
  assert.deepEqual(world.told, [`failed ${id}`]);
  assert.equal(await bridge.cache.getRecord("unacked", id), undefined);
});

Deno.test("a system error is sent again three times, and then has failed", async () => {
  await using world = new SmsWorld(() => SYSTEM_ERROR);
  const bridge = world.lead();
  const id = await bridge.post("a");
  await world.clock.advance(60_000);
  assert.deepEqual(world.texts, ["a", "a", "a", "a"]);
  assert.deepEqual(world.told, [`failed ${id}`]);
  assert.equal(await bridge.cache.getRecord("unacked", id), undefined);
});

Deno.test("a nack that comes twice is sent again once", async () => {
  const event = { ...THROTTLED, event_id: "same" };
  await using world = new SmsWorld((_, nth) => nth === 1 ? event : ACK);
  const id = await world.lead().post("a");
  await world.clock.advance(500);
  await world.hear(id, event);
  await world.clock.advance(5_000);
  assert.deepEqual(world.texts, ["a", "a"]);
  await world.hear(id, event);
  await world.clock.advance(60_000);
  assert.deepEqual(world.texts, ["a", "a"]);
  assert.deepEqual(world.told, [`sent ${id}`]);
});

Deno.test("a nack that comes again when the SMS was sent again sends no third one", async () => {
  const event = { ...THROTTLED, event_id: "same" };
  await using world = new SmsWorld((_, nth) => nth === 1 ? event : undefined);
  const id = await world.lead().post("a");
  await world.clock.advance(1_500);
  assert.deepEqual(world.texts, ["a", "a"]);
  await world.hear(id, event);
  await world.clock.advance(50_000);
  assert.deepEqual([world.texts, world.told], [["a", "a"], []]);
});

Deno.test("what an SMS says goes with the ack, though Turn can't be told yet", async () => {
  await using world = new SmsWorld();
  world.turnWorks = false;
  const bridge = world.lead();
  const id = await bridge.post("a");
  await world.clock.advance(100);
  assert.deepEqual([world.texts, world.told], [["a"], []]);
  assert.equal(await bridge.cache.getRecord("unacked", id), undefined);
});

Deno.test("a nack waits while RabbitMQ does not take what is to be sent again", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
  const bridge = world.lead();
  bridge.refuses.add("c.held.sms");
  const id = await bridge.post("a");
  await world.clock.advance(30_000);
  assert.deepEqual([world.texts, world.told], [["a"], []]);
  bridge.refuses.clear();
  await world.clock.advance(60_000);
  assert.deepEqual([world.texts, world.told], [["a", "a"], [`sent ${id}`]]);
});

Deno.test("what waits to be sent again survives two bridges, the first of which has sent it", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? undefined : ACK);
  const first = world.lead();
  const id = await first.post("a");
  first.kill();
  const second = world.lead();
  await world.hear(id, THROTTLED);
  await world.clock.advance(500);
  second.kill();
  assert.deepEqual([world.texts, world.waiting("event")], [["a"], 0]);
  world.lead();
  await world.clock.advance(5_000);
  assert.deepEqual([world.texts, world.told], [["a", "a"], [`sent ${id}`]]);
});

for (const nack of [THROTTLED, SYSTEM_ERROR]) {
  Deno.test(`a nack after the ack sends nothing again: ${nack.nack_reason}`, async () => {
    await using world = new SmsWorld(() => ACK);
    const id = await world.lead().post("a");
    await world.clock.advance(0);
    await world.hear(id, nack);
    await world.clock.advance(60_000);
    assert.deepEqual([world.texts, world.told], [["a"], [`sent ${id}`]]);
  });

  Deno.test(`the same when both come at once: ${nack.nack_reason}`, async () => {
    await using world = new SmsWorld(() => undefined);
    const id = await world.lead().post("a");
    await Promise.all([world.hear(id, ACK), world.hear(id, nack)]);
    await world.clock.advance(60_000);
    assert.deepEqual([world.texts, world.told], [["a"], [`sent ${id}`]]);
  });
}

Deno.test("a kill between the confirm in held and the ack of the nack sends it again once", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? undefined : ACK);
  const first = world.lead();
  const id = await first.post("a");
  const confirm = Promise.withResolvers<void>();
  first.confirms.set("c.held.sms", confirm.promise);
  await world.hear(id, THROTTLED);
  await world.clock.advance(0);
  first.kill();
  confirm.resolve();
  await world.clock.advance(0);
  assert.deepEqual([world.waiting("event"), world.waiting("held.sms")], [1, 1]);
  world.lead();
  await world.clock.advance(5_000);
  assert.deepEqual([world.texts, world.told], [["a", "a"], [`sent ${id}`]]);
  assert.deepEqual([world.waiting("event"), world.waiting("held.sms")], [0, 0]);
});

Deno.test("an SMS that comes off held again after its ack is not sent again", async () => {
  await using world = new SmsWorld();
  const id = await world.standBy().post("a");
  const [held] = world.broker.waiting("c.held.sms");
  assert.ok(held !== undefined);
  const first = world.lead();
  await world.clock.advance(0);
  first.kill();
  await world.clock.advance(0);
  await world.broker.publish("c.held.sms", held.body);
  world.lead();
  await world.clock.advance(5_000);
  assert.deepEqual([world.texts, world.told, world.waiting("held.sms")], [
    ["a"],
    [`sent ${id}`],
    0,
  ]);
});

for (const maxPerSecond of [0, 100]) {
  Deno.test(`a nack that is quicker than the confirm of what it is about is not lost, at ${maxPerSecond}`, async () => {
    await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
    const bridge = world.lead({ maxPerSecond });
    const confirm = Promise.withResolvers<void>();
    bridge.confirms.set("c.outbound", confirm.promise);
    const id = bridge.post("a");
    await world.clock.advance(100);
    bridge.confirms.clear();
    confirm.resolve();
    await world.clock.advance(5_000);
    assert.deepEqual([world.texts, world.told], [["a", "a"], [`sent ${await id}`]]);
  });
}

Deno.test("two bridges keep a user's order, also if the clock of the one that speaks is ahead", async () => {
  await using world = new SmsWorld((_, nth) => nth <= 2 ? THROTTLED : ACK);
  const leading = world.lead();
  const other = world.standBy();
  const record = { kind: "last_held", id: USER, ttlMs: 60_000 } as const;
  const order = formatTimestamp(new Date(Date.now() + 60_000));
  // It gives what it sends a later time than this.
  await leading.cache.putRecords([{ ...record, value: "", order }]);
  await leading.post("0");
  await leading.cache.putRecords([{ ...record, value: undefined }]);
  for (const [n, bridge] of [[1, other], [2, leading], [3, other]] as const) {
    await bridge.post(`${n}`);
  }
  await world.clock.advance(10_000);
  assert.deepEqual(world.texts, ["0", "0", "0", "1", "2", "3"]);
});

Deno.test("a bridge that speaks for the channel again goes by what another one did meanwhile", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
  const [first, second] = [world.lead(), world.standBy()];
  const ids = [await first.post("1"), await first.post("2")];
  await world.clock.advance(500);
  first.cede();
  await world.clock.advance(0);
  second.lead();
  await world.clock.advance(5_000);
  assert.deepEqual(world.texts, ["1", "1", "2"]);
  second.cede();
  await world.clock.advance(0);
  first.lead();
  ids.push(await first.post("3"));
  await world.clock.advance(0);
  assert.deepEqual(world.texts, ["1", "1", "2", "3"]);
  await world.clock.advance(120_000);
  assert.deepEqual(world.texts, ["1", "1", "2", "3"]);
  assert.deepEqual(world.told, ids.map((id) => `sent ${id}`));
});

Deno.test("who speaks next keeps each user's order where the one before was throttled", async () => {
  await using world = new SmsWorld(() => THROTTLED);
  const first = world.lead();
  await first.post("to another user", "+27820000002");
  const ids = [await first.post("a"), await first.post("b")];
  first.kill();
  await world.clock.advance(0);
  world.submits.length = 0;
  const texts = () => world.texts.filter((text) => text !== "to another user");
  // Word of it takes as long as it does.
  world.answer = () => undefined;
  world.lead();
  await world.clock.advance(1_900);
  assert.deepEqual(texts(), ["a"]);
  world.answer = () => ACK;
  await world.hear(ids[0] ?? "", THROTTLED);
  await world.clock.advance(60_000);
  assert.deepEqual(texts(), ["a", "a", "b"]);
});

Deno.test("what another bridge has sent a user is looked for once by the one that speaks next", async () => {
  await using world = new SmsWorld();
  const { store } = world;
  let looks = 0;
  const get = store.get.bind(store);
  store.get = (key) => {
    if (key[0] === "last_outbound") looks++;
    return get(key);
  };
  const [first, second] = [world.lead(), world.standBy()];
  await first.post("0");
  for (const [speaks, standsBy] of [[second, first], [first, second]] as const) {
    await world.clock.advance(1_000);
    standsBy.cede();
    await world.clock.advance(0);
    speaks.lead();
    looks = 0;
    for (const text of ["1", "2", "3"]) {
      await speaks.post(text);
      await world.clock.advance(1_000);
    }
    assert.equal(looks, 1);
    await speaks.post("4", "+27820000002");
    assert.equal(looks, 2);
  }
});

Deno.test("a user is one, however the number is written", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
  const bridge = world.lead();
  for (const [n, to] of [USER, "082 000 0001", "27820000001"].entries()) {
    await bridge.post(`${n}`, to);
  }
  await world.clock.advance(10_000);
  assert.deepEqual(world.texts, ["0", "0", "1", "2"]);
});

Deno.test("resending that is switched off at run time keeps the order and forgets what is kept", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
  const bridge = world.lead();
  const id = await bridge.post("a");
  await world.clock.advance(0);
  Object.assign(bridge.options.sms, { resendForMs: 0 });
  await bridge.post("b");
  await world.clock.advance(10_000);
  assert.deepEqual(world.texts, ["a", "a", "b"]);
  assert.equal(await bridge.cache.getRecord("unacked", id), undefined);
});

for (const [name, sms] of BOTH) {
  Deno.test(`what was sent is not sent again by who speaks next, with a rate: ${name}`, async () => {
    await using world = new SmsWorld(() => undefined);
    const first = world.lead({ ...sms, maxPerSecond: 100 });
    const id = await first.post("a");
    await world.clock.advance(1_000);
    assert.deepEqual(world.texts, ["a"]);
    first.kill();
    world.lead({ ...sms, maxPerSecond: 100 });
    await world.clock.advance(1_000);
    assert.deepEqual(world.texts, ["a"]);
    await world.hear(id, ACK);
    await world.clock.advance(100);
    assert.deepEqual([world.told, world.waiting("held.sms")], [[`sent ${id}`], 0]);
  });

  Deno.test(`of what is held when the bridge ends nothing is in the way of its end: ${name}`, async () => {
    await using world = new SmsWorld(() => undefined);
    const bridge = world.lead({ ...sms, maxPerSecond: 1 });
    for (const n of [1, 2, 3]) await bridge.post(`${n}`);
    await world.clock.advance(1_100);
    await bridge.bridge.drain(NEVER);
    assert.equal(world.waiting("held.sms") > 0, true);
    await world.clock.advance(10_000);
    assert.equal(world.texts.length, 1);
  });
}

Deno.test("an SMS of which nothing is heard has failed where that is wanted, and is not sent again then", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead({ failUnacked: true });
  const id = await bridge.post("a");
  await world.clock.advance(59_000);
  assert.deepEqual(world.told, []);
  await world.clock.advance(2_000);
  await world.hear(id, THROTTLED);
  await world.hear(id, ACK);
  await world.clock.advance(60_000);
  assert.deepEqual([world.texts, world.told], [["a"], [`failed ${id}`]]);
  bridge.kill();
  await world.clock.advance(0);
  assert.equal(world.waiting("held.sms"), 0);
});

Deno.test("an SMS that is nacked just as it would count as unacked stays in held", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? undefined : ACK);
  const first = world.lead({ maxPerSecond: 100 });
  const id = await first.post("a");
  await world.clock.advance(59_990);
  first.commitMs = 20;
  await world.hear(id, THROTTLED);
  await world.clock.advance(500);
  first.kill();
  await world.clock.advance(0);
  assert.equal(world.waiting("held.sms"), 1);
  world.lead({ maxPerSecond: 100 });
  await world.clock.advance(5_000);
  assert.deepEqual([world.texts, world.told], [["a", "a"], [`sent ${id}`]]);
});

/** How many SMS count as unacked. */
async function unacked({ registry }: SmsBridge): Promise<number> {
  const text = await registry.text();
  return Number(/result="unacked",[^}]*} (\d+)$/m.exec(text)?.[1] ?? 0);
}

Deno.test("a user's next SMS waits two seconds for word of the one before, if the transport ever says something", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead();
  for (let n = 0; n <= 4; n++) await bridge.post(`${n}`);
  assert.deepEqual(world.texts, ["0", "1", "2", "3", "4"]);
  await world.hear(world.submits[4]?.message_id ?? "", ACK);
  for (let n = 5; n <= 7; n++) await bridge.post(`${n}`);
  const heardAt = world.clock.now;
  for (const [ms, sent] of [[0, 6], [1_999, 6], [2_001, 7], [4_001, 8]] as const) {
    await world.clock.advance(heardAt + ms - world.clock.now);
    assert.equal(world.texts.length, sent, `after ${ms} ms`);
  }
  assert.equal(world.waiting("held.sms"), 0);
  await world.clock.advance(55_000);
  assert.equal(await unacked(bridge), 0);
  await world.clock.advance(8_000);
  assert.equal(await unacked(bridge), 7, "they count though they were let pass");
});

Deno.test("with fail_unacked a user's next SMS waits two seconds for word of the one before", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? ACK : undefined);
  const bridge = world.lead({ failUnacked: true });
  const until = (ms: number) => world.clock.advance(world.start + ms - world.clock.now);
  await bridge.post("0", "+27820000002");
  for (let n = 1; n <= 4; n++) await bridge.post(`${n}`);
  for (const [ms, sent] of [[1_999, 2], [2_001, 3], [4_001, 4], [6_001, 5]] as const) {
    await until(ms);
    assert.equal(world.texts.length, sent, `after ${ms} ms`);
  }
  await until(65_000);
  assert.equal(await unacked(bridge), 3, "they count though they were let pass");
});

Deno.test("one that was let pass has failed where that is wanted", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead({ failUnacked: true });
  const ids = [await bridge.post("a"), await bridge.post("b")];
  await world.clock.advance(59_000);
  assert.deepEqual([world.texts, world.told], [["a", "b"], []]);
  await world.clock.advance(10_000);
  assert.deepEqual(world.told, ids.map((id) => `failed ${id}`));
});

Deno.test("a user's next SMS waits for one to a slowed transport until that counts as unacked", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : nth === 2 ? ACK : undefined);
  const bridge = world.lead();
  await bridge.post("0", "+27820000002");
  await world.clock.advance(2_000);
  for (const text of ["a", "b"]) await bridge.post(text);
  await world.clock.advance(59_000);
  assert.deepEqual(world.texts, ["0", "0", "a"]);
  await world.clock.advance(3_000);
  assert.deepEqual(world.texts, ["0", "0", "a", "b"]);
});

Deno.test("a user of USSD does not wait behind SMS, be there more than are in hand", async () => {
  await using world = new SmsWorld();
  const bridge = world.lead({ maxPerSecond: 1 });
  for (let n = 0; n < 600; n++) await bridge.post("sms", `+2783${1_000_000 + n}`);
  await world.clock.advance(100);
  assert.ok(world.waiting("held.sms") > 0);
  const dialled = createMessage({
    ...{ to_addr: "*120#", from_addr: USER, transport_name: "ussd", transport_type: "ussd" },
    ...{ content: null, session_event: "new" },
  });
  await world.broker.publish("c.inbound", encodeMessage(dialled));
  await world.clock.advance(0);
  await bridge.post("screen");
  await world.clock.advance(3_000);
  assert.deepEqual(
    world.submits.find(({ content }) => content === "screen")?.in_reply_to,
    dialled.message_id,
  );
  assert.ok(world.submits.length <= 6, "SMS go at their rate");
});

Deno.test("what was not held after all is not waited for", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead({ failUnacked: true });
  const first = await bridge.post("a");
  await world.clock.advance(0);
  bridge.refuses.add("c.held.sms");
  await assert.rejects(bridge.post("b"));
  bridge.refuses.clear();
  await world.hear(first, ACK);
  await world.clock.advance(100);
  await bridge.post("b");
  await world.clock.advance(100);
  assert.deepEqual(world.texts, ["a", "b"]);
});

Deno.test("an SMS of which nothing is heard has failed after a kill too", async () => {
  await using world = new SmsWorld(() => undefined);
  const first = world.lead({ failUnacked: true });
  const id = await first.post("a");
  await world.clock.advance(1_000);
  first.kill();
  world.lead({ failUnacked: true });
  await world.clock.advance(70_000);
  assert.deepEqual([world.texts, world.told], [["a"], [`failed ${id}`]]);
});

/** An operator that takes so many in any second, and what it took. */
function operatorOf(perSecond: number) {
  const taken: { at: number; id: string; to: string; text: string | null }[] = [];
  const world: SmsWorld = new SmsWorld(({ message_id: id, to_addr: to, content: text }) => {
    const at = world.clock.now;
    if (taken.filter((other) => other.at > at - 1_000).length >= perSecond) return THROTTLED;
    taken.push({ at, id, to, text });
    return ACK;
  });
  return { world, taken };
}

const USERS = Array.from({ length: 40 }, (_, n) => `+2783${1_000_000 + n}`);
const TEXTS = ["1", "2", "3", "4", "5"];

Deno.test("200 SMS of 40 users to an operator that takes 5 a second: all are taken, in order, and the rate is found", async () => {
  const { world, taken } = operatorOf(5);
  await using _world = world;
  const bridge = world.lead();
  for (const text of TEXTS) for (const user of USERS) await bridge.post(text, user);
  await world.clock.advance(90_000);
  assert.equal(taken.length, 200);
  assert.deepEqual(world.told.filter((told) => !told.startsWith("sent ")), []);
  for (const user of USERS) {
    assert.deepEqual(taken.filter(({ to }) => to === user).map(({ text }) => text), TEXTS);
  }
  const [from, until] = [taken[50]?.at ?? 0, taken[199]?.at ?? 0];
  assert.ok(150_000 / (until - from) > 4, `150 in ${until - from} ms`);
  // But for the burst in which the first ones came.
  assert.ok(world.submits.length < 200 + 40 + 40, `${world.submits.length} submits`);
});

Deno.test("ten kills while an operator throttles: all are taken, in order, and none has failed", async () => {
  const { world, taken } = operatorOf(10);
  await using _world = world;
  let bridge = world.lead();
  const ids: string[] = [];
  for (const text of TEXTS) for (const user of USERS) ids.push(await bridge.post(text, user));
  for (let kill = 1; kill <= 10; kill++) {
    await world.clock.advance(137 * kill);
    bridge.kill();
    bridge = world.lead();
  }
  await world.clock.advance(200_000);
  assert.deepEqual([...world.told].sort(), ids.map((id) => `sent ${id}`).sort());
  assert.deepEqual(taken.map(({ id }) => id).sort(), [...ids].sort());
  for (const user of USERS) {
    assert.deepEqual(taken.filter(({ to }) => to === user).map(({ text }) => text), TEXTS);
  }
  assert.equal(world.waiting("held.sms"), 0);
});

Deno.test("an SMS to a transport that throttles keeps to the rate that was found, whoever it is to", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
  const bridge = world.lead();
  await bridge.post("first");
  await world.clock.advance(0);
  for (let n = 0; n < 20; n++) await bridge.post("next", `+2783${1_000_000 + n}`);
  await world.clock.advance(100);
  assert.ok(world.submits.length <= 2, `${world.submits.length} at once`);
  await world.clock.advance(120_000);
  assert.equal(world.submits.length, 22);
  // It has not throttled for long, and nothing waits.
  await bridge.post("last");
  await world.clock.advance(1_000);
  assert.deepEqual([...bridge.bridge.smsRates()], [["c", 0]]);
});

Deno.test("what a bridge that has ended has sent long ago is not waited for", async () => {
  await using world = new SmsWorld(() => undefined);
  const first = world.lead();
  await first.post("a");
  await world.clock.advance(1_000);
  first.kill();
  await world.clock.advance(60_000);
  await world.lead().post("b");
  await world.clock.advance(100);
  assert.deepEqual(world.texts, ["a", "b"]);
});

Deno.test("what waits goes behind what a bridge that has ended has sent, and is throttled", async () => {
  await using world = new SmsWorld(() => undefined);
  const first = world.lead({ failUnacked: true });
  const id = await first.post("a");
  await first.post("b");
  first.kill();
  world.lead({ failUnacked: true });
  await world.clock.advance(100);
  assert.deepEqual(world.texts, ["a"]);
  world.answer = () => ACK;
  await world.hear(id, THROTTLED);
  await world.clock.advance(5_000);
  assert.deepEqual(world.texts, ["a", "a", "b"]);
});

Deno.test("what an SMS says that a bridge has sent that has ended goes with the ack", async () => {
  await using world = new SmsWorld(() => undefined);
  const first = world.lead();
  const id = await first.post("a");
  first.kill();
  const { cache } = world.lead();
  assert.match(await cache.getRecord("unacked", id) ?? "", /"a"/);
  await world.hear(id, ACK);
  await world.clock.advance(100);
  assert.equal(await cache.getRecord("unacked", id), undefined);
});

Deno.test("what is being sent when the bridge ends goes back to its queue when that is known", async () => {
  await using world = new SmsWorld(() => undefined);
  const first = world.lead({ maxPerSecond: 100 });
  const confirm = Promise.withResolvers<void>();
  first.confirms.set("c.outbound", confirm.promise);
  await first.post("a");
  await world.clock.advance(1_100);
  const drained = first.bridge.drain(NEVER);
  await world.clock.advance(100);
  assert.deepEqual([world.texts, world.waiting("held.sms")], [["a"], 0]);
  confirm.resolve();
  await drained;
  assert.equal(world.waiting("held.sms"), 1);
  world.lead({ maxPerSecond: 100 });
  await world.clock.advance(1_000);
  assert.deepEqual([world.texts, world.waiting("held.sms")], [["a"], 0]);
});

Deno.test("what is in hand for long goes to the end of its queue, and is sent once", async () => {
  await using world = new SmsWorld(() => undefined);
  const sms = { failUnacked: true, unackedAfterMs: 3_600_000 };
  const bridge = world.lead(sms, { holdMs: 10_000 });
  await bridge.post("a");
  await world.clock.advance(25_000);
  bridge.kill();
  await world.clock.advance(0);
  const [held] = world.broker.waiting("c.held.sms");
  assert.notEqual(held?.headers[RETRY_HEADERS.copies], undefined);
  assert.deepEqual([world.texts, world.told], [["a"], []]);
});

Deno.test("of what another bridge was told meanwhile nothing is waited for", async () => {
  await using world = new SmsWorld(() => undefined);
  const sms = { maxPerSecond: 100, failUnacked: true };
  const [first, second] = [world.lead(sms), world.standBy(sms)];
  const confirm = Promise.withResolvers<void>();
  first.confirms.set("c.outbound", confirm.promise);
  const id = await first.post("a");
  await world.clock.advance(100);
  first.cede();
  second.lead();
  await world.hear(id, ACK);
  await world.clock.advance(100);
  second.cede();
  first.lead();
  confirm.resolve();
  await world.clock.advance(120_000);
  assert.deepEqual(world.told, [`sent ${id}`]);
});

Deno.test("where nothing is sent again, no SMS waits for another", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead({ resendForMs: 0 });
  bridge.refuses.add("c.held.sms");
  for (const text of ["a", "b", "c"]) await bridge.post(text);
  await world.clock.advance(0);
  assert.deepEqual(world.texts, ["a", "b", "c"]);
});

Deno.test("an SMS does not overtake one that another bridge took, and that is not in hand yet", async () => {
  await using world = new SmsWorld(() => undefined);
  const other = world.standBy({ failUnacked: true });
  for (let n = 0; n < 500; n++) await other.post("before", `+2783${1_000_000 + n}`);
  await other.post("1");
  const bridge = world.lead({ failUnacked: true });
  await world.clock.advance(100);
  await bridge.post("2");
  await world.clock.advance(100);
  assert.deepEqual([world.texts.length, [...new Set(world.texts)]], [500, ["before"]]);
  world.answer = () => ACK;
  for (const { message_id } of [...world.submits]) await world.hear(message_id, ACK);
  await world.clock.advance(1_000);
  assert.deepEqual(world.texts.slice(500), ["1", "2"]);
});

Deno.test("what has been held and sent is known to be sent by who speaks next", async () => {
  await using world = new SmsWorld();
  await world.standBy().post("a");
  const first = world.lead();
  await world.clock.advance(100);
  first.kill();
  const second = world.lead();
  second.refuses.add("c.held.sms");
  await second.post("b");
  await world.clock.advance(100);
  assert.deepEqual(world.texts, ["a", "b"]);
});
