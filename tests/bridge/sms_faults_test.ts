/**
 * SMS while the cache fails, or RabbitMQ takes nothing: late, but once, and in order.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ACK, SmsWorld, THROTTLED } from "./sms_support.ts";

Deno.test("a nack that comes while the cache fails has the SMS sent again when it is back, once", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
  const bridge = world.lead();
  // One to a transport that is slowed is waited for.
  await bridge.post("first");
  await world.clock.advance(2_000);
  world.told.length = world.submits.length = 0;
  world.answer = () => undefined;
  const ids = [await bridge.post("a"), await bridge.post("b")];
  bridge.cacheFails = true;
  await world.hear(ids[0] ?? "", THROTTLED);
  await world.clock.advance(10_000);
  assert.deepEqual([world.texts, world.told], [["a"], []]);
  world.answer = () => ACK;
  bridge.cacheFails = false;
  await world.clock.advance(60_000);
  assert.deepEqual([world.texts, world.told], [["a", "a", "b"], ids.map((id) => `sent ${id}`)]);
});

Deno.test("what comes off its queue while the cache fails is sent when it is back, once, in order", async () => {
  await using world = new SmsWorld();
  const other = world.standBy();
  const ids = [];
  for (const text of ["a", "b", "c"]) ids.push(await other.post(text));
  const bridge = world.standBy();
  bridge.cacheFails = true;
  bridge.lead();
  await world.clock.advance(10_000);
  assert.deepEqual(world.texts, []);
  bridge.cacheFails = false;
  await world.clock.advance(10_000);
  assert.deepEqual([world.texts, world.told], [["a", "b", "c"], ids.map((id) => `sent ${id}`)]);
});

Deno.test("what waits is sent when RabbitMQ takes it, and Turn is refused meanwhile what can't wait", async () => {
  await using world = new SmsWorld();
  const bridge = world.lead({ maxPerSecond: 100 });
  bridge.refuses.add("c.outbound");
  const ids = [await bridge.post("a"), await bridge.post("b")];
  await world.clock.advance(10_000);
  assert.deepEqual(world.texts, []);
  bridge.refuses.add("c.held.sms");
  await assert.rejects(bridge.post("refused"), /unavailable/);
  bridge.refuses.clear();
  await world.clock.advance(5_000);
  assert.deepEqual([world.texts, world.told], [["a", "b"], ids.map((id) => `sent ${id}`)]);
});

Deno.test("a rate that is changed while SMS wait counts from then on; 0 lets all go", async () => {
  await using world = new SmsWorld();
  const bridge = world.lead({ maxPerSecond: 1 });
  for (let n = 0; n < 50; n++) await bridge.post(`${n}`, `+2783${1_000_000 + n}`);
  await world.clock.advance(5_500);
  assert.equal(world.texts.length, 5);
  Object.assign(bridge.options.sms, { maxPerSecond: 10 });
  await world.clock.advance(2_000);
  assert.ok(Math.abs(world.texts.length - 20) <= 2, `${world.texts.length}`);
  Object.assign(bridge.options.sms, { maxPerSecond: 0 });
  await world.clock.advance(1_000);
  assert.equal(world.texts.length, 50);
  assert.deepEqual(world.texts, [...world.texts].sort((a, b) => Number(a) - Number(b)));
});

Deno.test("a nack about what nobody knows, and a second ack, change nothing", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
  const id = await world.lead().post("a");
  await world.hear("0123456789abcdef0123456789abcdef", THROTTLED);
  await world.clock.advance(5_000);
  await world.hear(id, ACK);
  await world.clock.advance(60_000);
  assert.deepEqual([world.texts, new Set(world.told)], [["a", "a"], new Set([`sent ${id}`])]);
});

Deno.test("an ack while the SMS waits to be sent again has it not sent again", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
  const bridge = world.lead();
  const ids = [await bridge.post("a"), await bridge.post("b")];
  await world.clock.advance(500);
  await world.hear(ids[0] ?? "", ACK);
  await world.clock.advance(60_000);
  assert.deepEqual([world.texts, world.told], [["a", "b"], ids.map((id) => `sent ${id}`)]);
  bridge.kill();
  await world.clock.advance(0);
  assert.equal(world.waiting("held.sms"), 0);
});

Deno.test("an SMS that is throttled for ever has failed, though the bridges change", async () => {
  await using world = new SmsWorld(() => THROTTLED);
  const sms = { resendForMs: 250_000 };
  let bridge = world.lead(sms);
  const id = await bridge.post("a");
  for (let n = 0; n < 8; n++) {
    await world.clock.advance(5_000);
    bridge.kill();
    // None speaks for the channel for a while.
    await world.clock.advance(n === 7 ? 70_000 : 0);
    bridge = world.lead(sms);
  }
  await world.clock.advance(160_000);
  assert.deepEqual([...new Set(world.told)], [`failed ${id}`]);
  assert.equal(await bridge.cache.getRecord("unacked", id), undefined);
  assert.equal(world.waiting("held.sms"), 0);
});

Deno.test("that an SMS has failed of which nothing is heard is told when RabbitMQ takes it", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead({ failUnacked: true });
  const id = await bridge.post("a");
  bridge.refuses.add("c.event");
  await world.clock.advance(70_000);
  assert.deepEqual(world.told, []);
  bridge.refuses.clear();
  await world.clock.advance(5_000);
  assert.deepEqual(world.told, [`failed ${id}`]);
});

Deno.test("what comes twice off its queue is sent once, though Turn can't be told of its ack", async () => {
  await using world = new SmsWorld();
  world.turnWorks = false;
  await world.standBy().post("a");
  const [held] = world.broker.waiting("c.held.sms");
  world.lead();
  await world.clock.advance(100);
  await world.broker.publish("c.held.sms", held?.body ?? new Uint8Array());
  await world.clock.advance(1_000);
  assert.deepEqual([world.texts, world.waiting("held.sms")], [["a"], 0]);
});
