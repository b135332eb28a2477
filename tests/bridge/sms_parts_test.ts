/**
 * SMS of which one is several, or is about another: parts of a long text, notices, and what was too late
 * for a screen.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { SmsFallback } from "../../src/bridge/mod.ts";
import { ACK, SmsWorld, THROTTLED } from "./sms_support.ts";
import { BOTH, CONTENT, RESENDING, USSD } from "./support.ts";

const SPLIT = { content: { ...CONTENT, longSms: "split", maxParts: 4 } } as const;
/** Three SMS. */
const LONG = "word ".repeat(80).trim();
const DELIVERED = { event_type: "delivery_report", delivery_status: "delivered" };
const REFUSED = { event_type: "nack", nack_reason: "no credit" };

/** Which part of how many each is, or else its words. */
function parts(world: SmsWorld): (string | undefined)[] {
  return world.texts.map((text) => /\(\d\/\d\)$/.exec(text ?? "")?.[0] ?? text ?? undefined);
}

for (const [way, sms] of BOTH) {
  Deno.test(`each part of a text goes after the ack of the one before, and the next SMS behind, ${way}`, async () => {
    await using world = new SmsWorld(() => undefined);
    const bridge = world.lead(sms, SPLIT);
    const id = await bridge.post(LONG);
    const first = ["(1/3)", "(2/3)", "(3/3)"];
    for (const [nth, part] of first.entries()) {
      await world.clock.advance(1_000);
      assert.deepEqual(parts(world), first.slice(0, nth + 1), part);
      await world.hear(world.submits.at(-1)?.message_id ?? "", ACK);
    }
    await world.clock.advance(0);
    assert.deepEqual(world.told, [`sent ${id}`]);
    for (const { message_id } of [...world.submits]) await world.hear(message_id, DELIVERED);
    await world.clock.advance(0);
    assert.deepEqual(world.told, [`sent ${id}`, `delivered ${id}`]);
  });

  Deno.test(`a part that has failed for good ends the rest, ${way}`, async () => {
    await using world = new SmsWorld((_, nth) => nth === 2 ? REFUSED : ACK);
    const id = await world.lead(sms, SPLIT).post(LONG);
    await world.clock.advance(60_000);
    assert.deepEqual([parts(world), world.told], [["(1/3)", "(2/3)"], [`failed ${id}`]]);
    assert.equal(world.waiting("held.sms"), 0);
  });

  Deno.test(`a part that has failed after the next one had gone ends the rest, ${way}`, async () => {
    await using world = new SmsWorld(() => undefined);
    const id = await world.lead(sms, SPLIT).post(LONG);
    await world.clock.advance(2_500);
    assert.deepEqual(parts(world), ["(1/3)", "(2/3)"]);
    await world.hear(world.submits[0]?.message_id ?? "", REFUSED);
    await world.clock.advance(100);
    await world.hear(world.submits[1]?.message_id ?? "", ACK);
    await world.clock.advance(60_000);
    assert.deepEqual([parts(world), world.told], [["(1/3)", "(2/3)"], [`failed ${id}`]]);
    assert.equal(world.waiting("held.sms"), 0);
  });

  Deno.test(`a text of which nothing was heard in time, and each part is delivered, is so, ${way}`, async () => {
    for (const text of ["one", LONG]) {
      await using world = new SmsWorld(() => undefined);
      const id = await world.lead({ ...sms, failUnacked: true }, SPLIT).post(text);
      await world.clock.advance(70_000);
      assert.deepEqual(world.told, [`failed ${id}`]);
      for (const event of [ACK, DELIVERED]) {
        for (const { message_id } of [...world.submits]) await world.hear(message_id, event);
      }
      await world.clock.advance(1_000);
      assert.deepEqual(world.told, [`failed ${id}`, `delivered ${id}`], text);
    }
  });

  Deno.test(`a bridge that is killed between two parts sends each, ${way}`, async () => {
    await using world = new SmsWorld(() => undefined);
    const first = world.lead(sms, SPLIT);
    const id = await first.post(LONG);
    const confirm = Promise.withResolvers<void>();
    first.confirms.set("c.outbound", confirm.promise);
    await world.clock.advance(100);
    world.answer = () => ACK;
    await world.hear(id, ACK);
    await world.clock.advance(100);
    first.kill();
    confirm.resolve();
    world.lead(sms, SPLIT);
    await world.clock.advance(5_000);
    assert.deepEqual([...new Set(parts(world))], ["(1/3)", "(2/3)", "(3/3)"]);
    assert.deepEqual(world.told, [`sent ${id}`]);
  });

  for (const mode of ["notice", "content"] as const) {
    Deno.test(`what is too late for a screen goes by SMS, once, ${mode}, ${way}`, async () => {
      await using world = new SmsWorld();
      const id = await world.lead(sms, ussd(mode)).post("words");
      await world.clock.advance(0);
      const [message, ...others] = world.submits;
      assert.deepEqual(
        [message?.content, message?.transport_name, others],
        [mode === "notice" ? "Dial" : "words", "smpp", []],
      );
      assert.deepEqual([world.told, world.waiting("held.sms")], [[`sent ${id}`], 0]);
    });
  }

  Deno.test(`what is too late for a screen, and waits when the bridge is killed, goes once, ${way}`, async () => {
    await using world = new SmsWorld();
    const limited = { ...sms, maxPerSecond: 1 };
    const first = world.lead(limited, ussd("content"));
    const others = ["+27820000002", "+27820000003"];
    const ids = [await first.post("1")];
    for (const other of others) ids.push(await first.post("more", other));
    await world.clock.advance(1_100);
    assert.equal(world.texts.length, 1);
    first.kill();
    world.lead(limited, ussd("content"));
    await world.clock.advance(10_000);
    assert.deepEqual(world.submits.map(({ message_id }) => message_id), ids);
    assert.deepEqual([world.told, world.waiting("held.sms")], [ids.map((id) => `sent ${id}`), 0]);
  });
}

/** A channel of USSD, from which what is late goes by SMS. */
function ussd(mode: SmsFallback["mode"]) {
  const smsFallback: SmsFallback = {
    ...{ transportName: "smpp", transportType: "sms", fromAddr: "8110", address: "as_is" },
    ...{ mode, noticeText: "Dial" },
  };
  return {
    transportType: "ussd",
    defaultFromAddr: "*120#",
    ussd: { ...USSD, late: "sms", smsFallback },
  } as const;
}

for (const mode of ["notice", "content"] as const) {
  Deno.test(`what went by SMS, and was throttled, is sent again, and its transport slowed, ${mode}`, async () => {
    await using world = new SmsWorld((_, nth) => nth === 1 ? THROTTLED : ACK);
    const bridge = world.lead(RESENDING, ussd(mode));
    const id = await bridge.post("words");
    await world.clock.advance(500);
    assert.deepEqual([...bridge.bridge.smsRates().keys()], ["smpp"]);
    await world.clock.advance(5_000);
    assert.equal(new Set(world.texts).size, 1);
    assert.equal(world.texts.length, 2);
    assert.deepEqual(world.told, [`sent ${id}`]);
  });
}

Deno.test("a part that is throttled is sent again, before those after it", async () => {
  await using world = new SmsWorld((_, nth) => nth === 2 ? THROTTLED : ACK);
  const bridge = world.lead(RESENDING, SPLIT);
  const ids = [await bridge.post(LONG), await bridge.post("next")];
  await world.clock.advance(10_000);
  assert.deepEqual(parts(world), ["(1/3)", "(2/3)", "(2/3)", "(3/3)", "next"]);
  assert.deepEqual(world.told, ids.map((id) => `sent ${id}`));
});

Deno.test("what comes after a text does not overtake its parts when another bridge takes over", async () => {
  await using world = new SmsWorld((_, nth) => nth === 2 ? undefined : ACK);
  const first = world.lead(RESENDING, SPLIT);
  const id = await first.post(LONG);
  await world.clock.advance(100);
  first.kill();
  const second = world.lead(RESENDING, SPLIT);
  await second.post("next");
  await world.clock.advance(100);
  assert.deepEqual(parts(world), ["(1/3)", "(2/3)"]);
  await world.hear(world.submits[1]?.message_id ?? "", ACK);
  await world.clock.advance(5_000);
  assert.deepEqual(parts(world), ["(1/3)", "(2/3)", "(3/3)", "next"]);
  assert.equal(world.told[0], `sent ${id}`);
});

Deno.test("each part of what is too late for a screen goes after the ack of the one before, and the next behind", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead(RESENDING, { ...ussd("content"), ...SPLIT });
  const id = await bridge.post(LONG);
  await world.clock.advance(100);
  await bridge.post("next");
  const all = ["(1/3)", "(2/3)", "(3/3)", "next"];
  for (const [nth, part] of all.entries()) {
    await world.clock.advance(100);
    assert.deepEqual(parts(world), all.slice(0, nth + 1), part);
    await world.hear(world.submits.at(-1)?.message_id ?? "", ACK);
  }
  await world.clock.advance(0);
  assert.equal(world.told[0], `sent ${id}`);
  assert.equal(world.told.length, 2);
});

Deno.test("a part of which no more is said than that nothing is known lets the next one go", async () => {
  const unknown = {
    ...{ event_type: "delivery_report", delivery_status: "pending" },
    transport_metadata: { smpp_delivery_status: "UNKNOWN" },
  };
  await using world = new SmsWorld((_, nth) => nth === 1 ? unknown : ACK);
  const id = await world.lead(RESENDING, SPLIT).post(LONG);
  await world.clock.advance(60_000);
  assert.deepEqual([parts(world), world.told], [["(1/3)", "(2/3)", "(3/3)"], []]);
  await world.hear(id, ACK);
  await world.clock.advance(0);
  assert.deepEqual([parts(world).length, world.told], [3, [`sent ${id}`]]);
});

Deno.test("each part goes at once though another SMS waits behind them", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead(RESENDING, SPLIT);
  await bridge.post(LONG);
  await bridge.post("next");
  const all = ["(1/3)", "(2/3)", "(3/3)", "next"];
  for (const nth of all.keys()) {
    await world.clock.advance(100);
    assert.deepEqual(parts(world), all.slice(0, nth + 1));
    await world.hear(world.submits.at(-1)?.message_id ?? "", ACK);
  }
});

Deno.test("the tenth part and those after it go at once too", async () => {
  await using world = new SmsWorld(() => undefined);
  const bridge = world.lead(RESENDING, { content: { ...SPLIT.content, maxParts: 11 } });
  await bridge.post("word ".repeat(400));
  for (let nth = 1; nth <= 11; nth++) {
    await world.clock.advance(100);
    assert.deepEqual([world.texts.length, world.texts.at(-1)?.slice(-7).trim()], [
      nth,
      `(${nth}/11)`,
    ]);
    await world.hear(world.submits.at(-1)?.message_id ?? "", ACK);
  }
});

for (const [how, end] of [["the last ack", ACK], ["what ended the rest", REFUSED]] as const) {
  Deno.test(`what the parts of a text say goes with ${how}`, async () => {
    await using world = new SmsWorld((_, nth) => nth === 1 ? ACK : undefined);
    const bridge = world.lead(RESENDING, SPLIT);
    const id = await bridge.post(LONG);
    await world.clock.advance(100);
    const kept = () => bridge.cache.getRecord("parts", id);
    assert.match(await kept() ?? "", /word .*3\/3/);
    assert.doesNotMatch(await kept() ?? "", /[12]\/3/);
    world.answer = () => end;
    await world.hear(world.submits.at(-1)?.message_id ?? "", end);
    await world.clock.advance(100);
    assert.equal(world.submits.length, end === ACK ? 3 : 2);
    assert.doesNotMatch(await kept() ?? "none", /word|none/);
  });
}

Deno.test("a part that comes off its queue again after its ack is not sent again", async () => {
  await using world = new SmsWorld((_, nth) => nth === 1 ? ACK : undefined);
  await world.standBy(RESENDING, SPLIT).post(LONG);
  const [held] = world.broker.waiting("c.held.sms");
  const first = world.lead(RESENDING, SPLIT);
  await world.clock.advance(100);
  first.kill();
  await world.clock.advance(0);
  await world.broker.publish("c.held.sms", held?.body ?? new Uint8Array());
  world.lead(RESENDING, SPLIT);
  await world.clock.advance(1_000);
  assert.deepEqual(parts(world), ["(1/3)", "(2/3)"]);
});

for (const how of ["is killed", "loses its connection"] as const) {
  Deno.test(`a part that was throttled after the next one had gone is sent again when the bridge ${how}`, async () => {
    await using world = new SmsWorld(() => undefined);
    const bridge = world.lead(RESENDING, SPLIT);
    const id = await bridge.post(LONG);
    await world.clock.advance(2_100);
    await world.hear(id, THROTTLED);
    await world.clock.advance(100);
    world.answer = () => ACK;
    await world.hear(world.submits[1]?.message_id ?? "", ACK);
    await world.clock.advance(100);
    if (how === "is killed") {
      bridge.kill();
      world.lead(RESENDING, SPLIT);
    } else {
      bridge.cede();
      await world.clock.advance(100);
      bridge.lead();
    }
    await world.clock.advance(600_000);
    assert.equal(parts(world).filter((part) => part === "(1/3)").length, 2);
    assert.deepEqual([world.told, world.waiting("held.sms")], [[`sent ${id}`], 0]);
  });
}

Deno.test("a part that waits for the rate is ended when the one before has failed", async () => {
  await using world = new SmsWorld((m) => /1\/3/.test(m.content ?? "") ? undefined : ACK);
  const bridge = world.lead({ ...RESENDING, maxPerSecond: 1 }, SPLIT);
  const id = await bridge.post(LONG);
  for (let n = 0; n < 6; n++) await bridge.post("x", `+2782111000${n}`);
  await world.clock.advance(3_500);
  assert.ok(!parts(world).includes("(2/3)"), "not sent yet");
  await world.hear(id, REFUSED);
  await world.clock.advance(60_000);
  assert.ok(world.told.includes(`failed ${id}`));
  assert.ok(!parts(world).includes("(2/3)"));
  assert.equal(world.waiting("held.sms"), 0);
});

Deno.test("a part that waits to be sent again is ended when the one before has failed", async () => {
  await using world = new SmsWorld(() => undefined);
  const id = await world.lead(RESENDING, SPLIT).post(LONG);
  await world.clock.advance(2_100);
  await world.hear(world.submits[1]?.message_id ?? "", THROTTLED);
  await world.clock.advance(100);
  await world.hear(id, REFUSED);
  world.answer = () => ACK;
  await world.clock.advance(60_000);
  assert.deepEqual([parts(world), world.told], [["(1/3)", "(2/3)"], [`failed ${id}`]]);
  assert.equal(world.waiting("held.sms"), 0);
});

Deno.test("a part that the operator has is not failed when its copy of after a kill is throttled", async () => {
  await using world = new SmsWorld(() => undefined);
  const limited = { ...RESENDING, maxPerSecond: 10 };
  const first = world.lead(limited, SPLIT);
  first.confirms.set("c.outbound", new Promise(() => {}));
  const id = await first.post(LONG);
  await world.clock.advance(1_100);
  first.kill();
  world.lead(limited, SPLIT);
  await world.clock.advance(1_010);
  assert.deepEqual(parts(world), ["(1/3)", "(1/3)"]);
  world.answer = () => ACK;
  await world.hear(id, ACK);
  await world.clock.advance(10);
  await world.hear(id, THROTTLED);
  await world.clock.advance(600_000);
  assert.deepEqual(world.told, [`sent ${id}`]);
});

for (const [way, sms] of BOTH) {
  Deno.test(`nothing is kept of a text that was answered 503, ${way}`, async () => {
    await using world = new SmsWorld();
    const bridge = world.lead(sms, SPLIT);
    bridge.refuses.add("c.held.sms");
    await assert.rejects(bridge.post(LONG), /unavailable/);
    for (const kind of Object.keys(world.store.sizes())) {
      for await (const kept of world.store.all(kind)) {
        assert.doesNotMatch(JSON.stringify(kept), /and honey|word/, kind);
      }
    }
  });
}

Deno.test("each part waits for the one before at a transport that has lost three acks, though not in a row", async () => {
  await using world = new SmsWorld((m) => m.content === "lost" ? undefined : ACK);
  const bridge = world.lead(RESENDING, SPLIT);
  for (let n = 0; n < 3; n++) {
    await bridge.post("lost", `+2782000001${n}`);
    await world.clock.advance(1_000);
    await bridge.post("acked", `+2782000002${n}`);
    await world.clock.advance(1_000);
  }
  await world.clock.advance(61_000);
  world.answer = () => undefined;
  await bridge.post(LONG);
  await world.clock.advance(10);
  assert.deepEqual(parts(world).slice(6), ["(1/3)"]);
});
