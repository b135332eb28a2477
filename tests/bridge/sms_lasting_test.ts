// What holds of SMS whatever happens between two of them: a bridge that takes over, a connection that is
// away, a clock that is set back; and of how long their words are kept.

import assert from "node:assert/strict";
import { sleep } from "../../src/async/mod.ts";
import type { Disposition } from "../../src/broker/mod.ts";
import { CacheError } from "../../src/cache/mod.ts";
import { ACK, type SmsBridge, SmsWorld, SYSTEM_ERROR, THROTTLED } from "./sms_support.ts";
import { CONTENT, NEVER, RESENDING, SMS } from "./support.ts";

const SPLIT = { content: { ...CONTENT, longSms: "split", maxParts: 4 } } as const;
const LONG = "word ".repeat(80).trim();
const BOTH = [["with resending", RESENDING], ["without", SMS]] as const;

/** Has it take so long to look up what is noted of a message, one after the other. */
function slowDown({ clock }: SmsWorld, { cache }: SmsBridge, ms: number): void {
  const get = cache.getNote.bind(cache);
  let before = Promise.resolve();
  cache.getNote = async (...args: Parameters<typeof get>) => {
    const note = await get(...args);
    before = before.then(() => sleep(ms, NEVER, clock.after));
    await before;
    return note;
  };
}

function parts(world: SmsWorld): string[] {
  return world.texts.map((text) => /\(\d\/\d\)$/.exec(text ?? "")?.[0] ?? "");
}

/** Has the times noted at which SMS come to the operator; answers how many come in one second at most. */
function mostInSecond(world: SmsWorld): () => number {
  const at: number[] = [];
  world.answer = () => {
    at.push(world.clock.now);
    return ACK;
  };
  return () =>
    Math.max(...at.map((from) => at.filter((to) => to >= from && to < from + 1_000).length));
}

for (const [way, sms] of BOTH) {
  Deno.test(`the rest of a text of which nothing is heard goes though the bridges change, ${way}`, async () => {
    for (const ms of [0, 500, 1_990, 2_010, 3_990]) {
      await using world = new SmsWorld(() => undefined);
      const first = world.lead(sms, SPLIT);
      const id = await first.post(LONG);
      await world.clock.advance(ms);
      first.kill();
      const second = world.lead(sms, SPLIT);
      await world.clock.advance(60_000);
      assert.deepEqual([...new Set(parts(world))], ["(1/3)", "(2/3)", "(3/3)"], `${ms}`);
      assert.equal(parts(world).length, 3, `${ms}`);
      assert.doesNotMatch(await second.cache.getRecord("parts", id) ?? "none", /word|none/);
    }
  });

  Deno.test(`no second has more than the rate, though another bridge takes over, ${way}`, async () => {
    await using world = new SmsWorld();
    const most = mostInSecond(world);
    const limited = { ...sms, maxPerSecond: 5 };
    let bridge = world.lead(limited);
    for (let n = 10; n < 70; n++) await bridge.post("x", `+278211100${n}`);
    for (let kills = 0; kills < 5; kills++) {
      await world.clock.advance(2_000 + kills * 130);
      bridge.kill();
      bridge = world.lead(limited);
    }
    await world.clock.advance(20_000);
    assert.deepEqual([world.texts.length, most()], [60, 5]);
  });

  Deno.test(`no second has more than the rate, when RabbitMQ is back, ${way}`, async () => {
    await using world = new SmsWorld();
    const most = mostInSecond(world);
    const bridge = world.lead({ ...sms, maxPerSecond: 10 });
    const back = Promise.withResolvers<void>();
    const publish = world.broker.publish.bind(world.broker);
    world.broker.publish = async (...args) => {
      if (args[0] === "c.outbound") await back.promise;
      await publish(...args);
    };
    for (let n = 10; n < 99; n++) await bridge.post("x", `+278211100${n}`);
    await world.clock.advance(4_000);
    back.resolve();
    await world.clock.advance(20_000);
    assert.equal(world.texts.length, 89);
    assert.ok(most() <= 11, `${most()}`);
  });
}

Deno.test("a user's next SMS waits for one that was sent before anything was heard of its transport", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead(RESENDING);
  const first = await bridge.post("1");
  await world.hear(await bridge.post("other", "+27820000002"), ACK);
  await world.clock.advance(500);
  await bridge.post("2");
  await world.clock.advance(100);
  assert.deepEqual(world.texts, ["1", "other"]);
  world.answer = () => ACK;
  await world.hear(first, THROTTLED);
  await world.clock.advance(5_000);
  assert.deepEqual(world.texts, ["1", "other", "1", "2"]);
});

Deno.test("what another bridge takes from Turn waits for nothing at a transport of which nothing was heard", async () => {
  await using world = new SmsWorld(() => undefined);
  world.lead(RESENDING);
  const other = world.standBy(RESENDING);
  for (const text of ["1", "2", "3"]) await other.post(text);
  await world.clock.advance(1_000);
  assert.deepEqual(world.texts, ["1", "2", "3"]);
});

Deno.test("with a rate an SMS does not wait for one to a transport of which nothing was heard", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead({ ...RESENDING, maxPerSecond: 100 });
  // They wait for the first second of a bridge.
  for (const text of ["1", "2", "3"]) await bridge.post(text);
  await world.clock.advance(1_100);
  assert.deepEqual(world.texts, ["1", "2", "3"]);
});

for (const [name, text] of [["an SMS", "a"], ["a text", LONG]] as const) {
  Deno.test(`${name} has not failed whose ack is in hand when it would count as unacked`, async () => {
    await using world = new SmsWorld((_, nth) => nth > 1 ? ACK : undefined);
    const bridge = world.lead({ ...RESENDING, failUnacked: true }, SPLIT);
    slowDown(world, bridge, 50);
    const id = await bridge.post(text);
    await world.clock.advance(59_980);
    await world.hear(world.submits[0]?.message_id ?? "", ACK);
    await world.clock.advance(10_000);
    assert.deepEqual(world.told, [`sent ${id}`]);
  });
}

Deno.test("an SMS that is nacked several times for one submit is sent again, once", async () => {
  await using world = new SmsWorld((_, nth) => nth > 1 ? ACK : undefined);
  const id = await world.lead().post("a");
  for (let n = 0; n < 5; n++) await world.hear(id, SYSTEM_ERROR);
  await world.clock.advance(60_000);
  assert.deepEqual([world.texts, world.told], [["a", "a"], [`sent ${id}`]]);
});

Deno.test("an SMS that is throttled again is sent again, though it could not be noted that it was sent", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : undefined);
  const bridge = world.lead();
  const id = await bridge.post("a");
  const put = bridge.cache.putNotes;
  bridge.cache.putNotes = () => Promise.reject(new CacheError("for a test"));
  await world.clock.advance(2_000);
  assert.deepEqual(world.texts, ["a", "a"]);
  bridge.cache.putNotes = put;
  world.answer = () => ACK;
  await world.hear(id, THROTTLED);
  await world.clock.advance(10_000);
  assert.deepEqual([world.texts, world.told], [["a", "a", "a"], [`sent ${id}`]]);
});

for (const [name, sms] of [["a rate", { maxPerSecond: 10 }], ["none", {}]] as const) {
  Deno.test(`SMS go on when the clock is set back by an hour, ${name}`, async () => {
    await using world = new SmsWorld((_, nth) => nth === 2 ? THROTTLED : nth < 4 ? ACK : undefined);
    const bridge = world.lead({ ...RESENDING, ...sms });
    await bridge.post("acked");
    await world.clock.advance(2_000);
    const id = await bridge.post("throttled");
    await world.clock.advance(100);
    world.skewMs = -3_600_000;
    for (const text of ["silent", "next"]) await bridge.post(text);
    await world.clock.advance(65_000);
    assert.deepEqual(world.texts, ["acked", "throttled", "throttled", "silent", "next"]);
    assert.ok(world.told.includes(`sent ${id}`));
    await world.clock.advance(65_000);
    assert.match(await bridge.registry.text(), /^.*"unacked".*} 2$/m);
  });
}

/** All that is kept somewhere. */
async function kept(world: SmsWorld): Promise<string> {
  const all: string[] = [];
  for (const kind of Object.keys(world.store.sizes())) {
    for await (const each of world.store.all(kind)) all.push(JSON.stringify(each));
  }
  return all.join();
}

Deno.test("what an SMS says is kept until resend_for is over, and no longer, if nothing is heard", async () => {
  await using world = new SmsWorld(() => undefined);
  await world.lead().post("secret");
  await world.clock.advance(RESENDING.resendForMs - 1_000);
  assert.match(await kept(world), /secret/);
  await world.clock.advance(1_000);
  assert.doesNotMatch(await kept(world), /secret/);
});

Deno.test("what waits to be sent again has failed after resend_for, though nobody was there by then", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead();
  const ids: string[] = [];
  for (let n = 10; n < 30; n++) ids.push(await bridge.post("secret", `+278200000${n}`));
  for (const id of ids) await world.hear(id, THROTTLED);
  await world.clock.advance(10);
  bridge.kill();
  await world.clock.advance(RESENDING.resendForMs);
  assert.doesNotMatch(await kept(world), /secret/);
  await world.clock.advance(12 * 3_600_000);
  world.answer = () => ACK;
  const second = world.standBy();
  slowDown(world, second, 5);
  second.lead();
  await world.clock.advance(10_000);
  assert.deepEqual(new Set(world.told), new Set(ids.map((id) => `failed ${id}`)));
  assert.deepEqual([world.texts.length, world.waiting("held.sms")], [20, 0]);
});

Deno.test("what went again just before resend_for was over does not go once more by who speaks next", async () => {
  await using world = new SmsWorld((_, nth) => nth < 5 ? THROTTLED : undefined);
  const bridge = world.lead({ resendForMs: 30_000 });
  await bridge.post("a");
  await world.clock.advance(29_000);
  assert.equal(world.texts.length, 5);
  bridge.kill();
  await world.clock.advance(10_000);
  world.lead({ resendForMs: 30_000 });
  await world.clock.advance(100_000);
  assert.deepEqual([world.texts.length, world.waiting("held.sms")], [5, 0]);
});

for (const resendForMs of [30_000, 0]) {
  Deno.test(`what went again, and was taken, has not failed by who speaks next, after resend_for, then ${resendForMs}`, async () => {
    await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : undefined);
    const first = world.lead({ resendForMs: 30_000 });
    const id = await first.post("a");
    await world.clock.advance(35_000);
    first.kill();
    world.lead({ resendForMs });
    await world.clock.advance(5_000);
    await world.hear(id, ACK);
    await world.clock.advance(100_000);
    assert.deepEqual([world.texts, world.told], [["a", "a"], [`sent ${id}`]]);
  });
}

Deno.test("what waits to be sent again, and is in no queue any more, is sent all the same", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
  const first = world.lead();
  await first.post("a");
  first.kill();
  await world.clock.advance(0);
  const other = world.broker.consume(
    "c.held.sms",
    { prefetch: 9, parkingQueue: "unused" },
    (): Promise<Disposition> => Promise.resolve({ kind: "done" }),
  );
  await world.clock.advance(0);
  await other.cancel();
  const second = world.lead();
  await second.post("b");
  await world.clock.advance(5_000);
  assert.deepEqual(world.texts, ["a", "a", "b"]);
});

Deno.test("who takes over sends what was throttled, though more than it takes in hand stand before it", async () => {
  await using world = new SmsWorld((m) => m.content === "1" ? THROTTLED : ACK);
  const first = world.lead();
  const users = Array.from({ length: 600 }, (_, n) => `+2783${1_000_000 + n}`);
  for (const text of ["1", "2"]) for (const to of users) await first.post(text, to);
  first.kill();
  world.answer = () => ACK;
  world.lead();
  await world.clock.advance(400_000);
  assert.equal(world.told.length, 2 * users.length);
});

Deno.test("an SMS of which nothing is heard has failed where that is wanted, also if it was looked at too soon", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead({ ...RESENDING, failUnacked: true }, { concurrency: 99 });
  const id = await bridge.post("a");
  await world.clock.advance(50_000);
  const get = bridge.cache.getNote.bind(bridge.cache);
  const back = Promise.withResolvers<void>();
  bridge.cache.getNote = async (...args: Parameters<typeof get>) => {
    await back.promise;
    return await get(...args);
  };
  const nobody = "0123456789abcdef0123456789abcde";
  for (let n = 10; n < 70; n++) await world.hear(`${nobody}${n % 10}`, ACK);
  await world.clock.advance(15_000);
  back.resolve();
  assert.deepEqual(world.told, []);
  await world.clock.advance(20_000);
  assert.deepEqual(world.told, [`failed ${id}`]);
});

Deno.test("an SMS whose throttle is in hand when it would count as unacked is sent again", async () => {
  await using world = new SmsWorld((_, nth) => nth > 1 ? ACK : undefined);
  const bridge = world.lead({ ...RESENDING, failUnacked: true });
  slowDown(world, bridge, 50);
  const id = await bridge.post("a");
  const confirmedMs = RESENDING.unackedAfterMs + 500;
  bridge.confirms.set("c.event", sleep(confirmedMs, NEVER, world.clock.after));
  // What is looked up takes until after that.
  await world.clock.advance(RESENDING.unackedAfterMs - 20);
  await world.hear(id, THROTTLED);
  await world.clock.advance(30_000);
  assert.deepEqual([world.texts, world.told], [["a", "a"], [`sent ${id}`]]);
});

Deno.test("who takes over waits for what the one before has sent, though it has heard of no transport yet", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? ACK : undefined);
  const first = world.lead();
  await first.post("other", "+27820000002");
  const one = await first.post("1");
  for (const text of ["2", "3"]) await first.post(text);
  first.kill();
  world.lead();
  await world.clock.advance(500);
  assert.deepEqual(world.texts, ["other", "1"]);
  world.answer = () => ACK;
  await world.hear(one, THROTTLED);
  await world.clock.advance(10_000);
  assert.deepEqual(world.texts, ["other", "1", "1", "2", "3"]);
});

Deno.test("who takes over knows that the one before has heard of a transport, so that each SMS waits for the one before", async () => {
  await using world = new SmsWorld();
  const limited = { ...RESENDING, maxPerSecond: 20 };
  const first = world.lead(limited);
  await first.post("0");
  await world.clock.advance(2_000);
  for (const text of ["1", "2", "3", "4", "5", "6"]) await first.post(text);
  first.kill();
  const taken: (string | null)[] = [];
  world.answer = ({ message_id, content }, nth) => {
    const event = nth % 3 === 0 ? THROTTLED : ACK;
    if (event === ACK) taken.push(content);
    world.clock.after(200, () => void world.hear(message_id, event));
    return undefined;
  };
  world.lead(limited);
  await world.clock.advance(120_000);
  assert.deepEqual(taken, ["2", "3", "4", "5", "6"]);
});
