import assert from "node:assert/strict";
import { Owners, type SmsFallback, type UssdOptions } from "../../src/bridge/mod.ts";
import { keepPending, readPending } from "../../src/bridge/notices.ts";
import { createAck, createMessage, PublishError } from "../../src/vumi/mod.ts";
import { readPrompt } from "../../src/bridge/prompts.ts";
import { ACK, NACK, report, TestStatuses } from "./statuses_support.ts";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import type { TurnsOptions } from "../../src/bridge/turns.ts";
import { BOTH, CONTENT } from "./support.ts";
import {
  buttons,
  NOTICE,
  postId,
  reported,
  request,
  TestConnector,
  TestTurns,
  USER,
} from "./turns_support.ts";

const CONTENTS: SmsFallback = { ...NOTICE, mode: "content" };
const HOUR_MS = 3_600_000;

/** What is remembered of what a user was to be sent. */
const SENT = createMessage({
  to_addr: USER,
  from_addr: "*120#",
  transport_name: "c",
  transport_type: "ussd",
});

/** Sessions from which what is too late goes by SMS. */
function bySms(smsFallback: SmsFallback): Partial<UssdOptions> {
  return { late: "sms", smsFallback };
}

async function pending(test: TestTurns) {
  return readPending(await test.cache.getRecord("pending", USER));
}

/** One whose user has never written. */
const UNKNOWN = { over: "nothing is known" };

const FORMS = [
  { address: "as_is", user: "+27 82 000 0001", to: "+27 82 000 0001" },
  { address: "e164", user: "27820000001", to: "+27820000001" },
  { address: "digits", user: "+27820000001", to: "27820000001" },
  { address: "e164", user: "+27 82-000 0001", to: "+27820000001" },
  { address: "digits", user: "0820000001", to: "0820000001" },
  { address: "e164", user: "someone", to: "someone" },
] as const;

/** Three SMS, as words. */
const LONG = "milk and honey ".repeat(25).trim();

for (const [way, sms] of BOTH) {
  const start = (ussd: Partial<UssdOptions> = {}, more: Partial<TurnsOptions> = {}) =>
    new TestTurns(ussd, {}, { ...more, sms });
  Deno.test(`LateMessages tells of what is too late as failed, if it can go no other way, ${way}`, async () => {
    await using test = start();
    await test.post(1, request("words"), UNKNOWN);
    assert.deepEqual([test.screens, reported(test.broker)], [[], ["nack 1"]]);
    assert.equal(test.ended.get(1), "done");
  });

  Deno.test(`LateMessages sends a new message where the channel is not one of USSD, ${way}`, async () => {
    await using test = start({}, { transportType: "sms", defaultFromAddr: "8110" });
    await test.post(1, request("words"), UNKNOWN);
    const [message] = test.connector.published;
    assert.deepEqual(
      [message?.content, message?.in_reply_to, message?.from_addr, message?.transport_name],
      ["words", null, "8110", "c"],
    );
  });

  Deno.test(`LateMessages sends the words by SMS, once, to a transport of its own, ${way}`, async () => {
    await using test = start(bySms(CONTENTS));
    await test.post(1, request("words", true), UNKNOWN);
    const [sms, ...others] = test.connector.published;
    assert.deepEqual(others, []);
    assert.deepEqual(
      [sms?.message_id, sms?.content, sms?.in_reply_to, sms?.session_event, sms?.to_addr],
      [postId(1), "words", null, null, USER],
    );
    assert.deepEqual(
      [sms?.from_addr, sms?.transport_name, sms?.transport_type],
      ["8110", "smpp", "sms"],
    );
    assert.equal(await test.cache.getNote("owner", postId(1)), "c");
    assert.deepEqual(reported(test.broker), []);
  });

  for (const { address, user, to } of FORMS) {
    Deno.test(`LateMessages writes ${user} as ${to}, in the form ${address}, ${way}`, async () => {
      await using test = start(bySms({ ...CONTENTS, address }));
      await test.post(1, request("words", false, { to: user }), UNKNOWN);
      assert.equal(test.connector.published[0]?.to_addr, to);
    });
  }

  Deno.test(`LateMessages tells of what can't be encoded as failed, ${way}`, async () => {
    const content = { ...CONTENT, textEncoding: "gsm7" } as const;
    await using test = start(bySms(CONTENTS), { content });
    await test.post(1, request("Молоко"), UNKNOWN);
    await test.post(2, request("🙂"), UNKNOWN);
    assert.deepEqual([test.screens, reported(test.broker)], [[], ["nack 1", "nack 2"]]);
  });

  Deno.test(`LateMessages hands a long text on whole only where sms.long is pass, ${way}`, async () => {
    for (const longSms of ["pass", "refuse"] as const) {
      await using test = start(bySms(CONTENTS), { content: { ...CONTENT, longSms } });
      await test.post(1, request(LONG), UNKNOWN);
      const published = test.connector.published.map(({ content }) => content);
      assert.deepEqual(
        [published, reported(test.broker)],
        {
          pass: [[LONG], []],
          refuse: [[], ["nack 1"]],
        }[longSms],
      );
      assert.equal(test.ended.get(1), "done");
    }
  });

  for (const smsFallback of [CONTENTS, undefined]) {
    const name =
      `LateMessages splits a long text, ${smsFallback ? "by sms_fallback" : "by itself"}: ` +
      "each SMS goes after the one before, and Turn is told of its one message";
    Deno.test(`${name}, ${way}`, async () => {
      const content = { ...CONTENT, longSms: "split" } as const;
      const broker = MemoryBroker.open();
      const connector = new TestConnector({
        name: "c",
        broker,
        inboundPrefetch: 9,
        eventPrefetch: 9,
      });
      await using statuses = await TestStatuses.start({ connector });
      const { cache } = statuses;
      await using test = new TestTurns(smsFallback && bySms(smsFallback), { cache }, {
        sms,
        ...{ content, connector },
        ...smsFallback === undefined && { transportType: "sms" },
      });
      const owners = new Owners(cache);
      await test.post(1, request(LONG), UNKNOWN);
      for (let nth = 1; nth <= 3; nth++) {
        for (const { clock } of [test, statuses.base]) await clock.advance(0);
        const ids = connector.published.map(({ message_id }) => message_id);
        assert.deepEqual(ids, [1, 2, 3].slice(0, nth).map((n) => `${postId(1)}-l${n}`));
        assert.equal(await owners.of(ids.at(-1) ?? ""), smsFallback && "c");
        assert.deepEqual(statuses.told, [], `before the ack of ${nth}`);
        await statuses.handle({ ...ACK, user_message_id: ids.at(-1) });
      }
      assert.deepEqual(statuses.told.map(({ messageId, status }) => [messageId, status]), [
        [postId(1), "sent"],
      ]);
      for (const { message_id } of connector.published) {
        await statuses.handle({ ...report("delivered"), user_message_id: message_id });
      }
      assert.deepEqual(statuses.words, ["sent", "delivered"]);
      const words = connector.published.map(({ content }) => content?.replace(/ \(\d\/3\)$/, ""));
      assert.equal(words.join(" "), LONG);
      const addresses = connector.published.map(({ transport_name }) => transport_name);
      assert.deepEqual(new Set(addresses), new Set([smsFallback?.transportName ?? "c"]));
      await broker[Symbol.asyncDispose]();
    });
  }

  Deno.test(`LateMessages keeps the words off the SMS, and shows them at the next dial, ${way}`, async () => {
    await using test = start(bySms(NOTICE));
    await test.post(1, request("secret"), UNKNOWN);
    await test.post(2, buttons("Well?", "Yes"), UNKNOWN);
    const [notice, ...others] = test.connector.published;
    assert.deepEqual([notice?.message_id, notice?.content], [`${postId(1)}-n1`, "Dial *120#"]);
    assert.deepEqual(others, [], "a notice is sent once an hour");
    assert.deepEqual(reported(test.broker), [], "the notice may still fail");
    assert.equal(await test.cache.getNote("owner", `${postId(1)}-n1`), "c");
    test.connector.published.length = 0;
    await test.dial();
    await test.clock.advance(0);
    assert.deepEqual(test.screens, ["1 resume: secret / Well? / 1. Yes"]);
    assert.equal(await pending(test), undefined);
  });

  Deno.test(`LateMessages has Turn told that what waits is sent when its notice is, ${way}`, async () => {
    const broker = MemoryBroker.open();
    const connector = new TestConnector({
      ...{ name: "c", broker, inboundPrefetch: 9, eventPrefetch: 9 },
    });
    broker.declare("c.event");
    await using statuses = await TestStatuses.start({ connector });
    await using test = new TestTurns(bySms(NOTICE), { cache: statuses.cache }, { sms, connector });
    const late = async (n: number) => {
      await test.cache.putOutbound({ ...SENT, message_id: postId(n) });
      await test.post(n, request("secret"), UNKNOWN);
    };
    await late(1);
    await late(2);
    const user_message_id = `${postId(1)}-n1`;
    await statuses.handle({ ...NACK, user_message_id });
    await late(3);
    assert.deepEqual([statuses.told, reported(broker)], [[], []]);
    await statuses.handle({ ...ACK, user_message_id });
    assert.deepEqual(statuses.told.map(({ messageId }) => messageId), [postId(1)]);
    assert.deepEqual(reported(broker), ["ack 2", "ack 3"]);
    await late(4);
    assert.deepEqual(reported(broker), ["ack 2", "ack 3", "ack 4"]);
    // Each report is another event; Turn is told once.
    for (let times = 0; times < 2; times++) await statuses.handle({ ...createAck(postId(2)) });
    assert.deepEqual(statuses.told.map(({ messageId }) => messageId), [1, 2].map(postId));
    // When the first one is shown, the notice says nothing of the others any more.
    await test.turns.late.shown(USER, [postId(1)]);
    await late(5);
    assert.deepEqual(reported(broker), ["ack 2", "ack 3", "ack 4"]);
    await broker[Symbol.asyncDispose]();
  });

  Deno.test(`LateMessages sends a notice again after an hour, ${way}`, async () => {
    await using test = start(bySms(NOTICE));
    for (const [n, ago] of [[1, HOUR_MS - 60_000], [2, HOUR_MS + 60_000]] as const) {
      await test.post(n, request("secret"), UNKNOWN);
      test.connector.published.length = 0;
      const kept = await pending(test) ?? { messages: [], noticedAt: 0 };
      const noticedAt = Date.now() - ago;
      await test.cache.putRecords([keepPending(USER, { ...kept, noticedAt })]);
      await test.post(n + 10, request("another"), UNKNOWN);
      assert.equal(test.screens.length, n - 1);
    }
  });

  Deno.test(`LateMessages sends a notice once when the same comes again, ${way}`, async () => {
    await using test = start(bySms(NOTICE));
    await test.post(1, request("secret"), UNKNOWN);
    await test.post(1, request("secret"), { ...UNKNOWN, redelivered: true });
    assert.equal(test.screens.length, 1);
    assert.equal((await pending(test))?.messages.length, 1);
  });

  Deno.test(`LateMessages tells of more than can be kept as failed, and keeps its words off the SMS, ${way}`, async () => {
    await using test = start(bySms(NOTICE));
    for (let n = 1; n <= 22; n++) await test.post(n, request(`words ${n}`), UNKNOWN);
    assert.equal((await pending(test))?.messages.length, 20);
    assert.equal(test.screens.length, 1, "the notice");
    assert.deepEqual(reported(test.broker).slice(-3), ["nack 21", "nack 22"]);
    assert.deepEqual([21, 22].map((n) => test.ended.get(n)), ["done", "done"]);
    assert.match(await test.registry.text(), /_late_total{[^}]*failed[^}]*} 2\b/);
  });

  Deno.test(`LateMessages tells of what a cache would not take as failed, ${way}`, async () => {
    await using test = start(bySms(NOTICE));
    await test.post(1, request("a".repeat(300_000)), UNKNOWN);
    await test.post(2, request("b".repeat(300_000)), UNKNOWN);
    assert.equal((await pending(test))?.messages.length, 1);
    assert.equal(test.screens.length, 1, "the notice");
    assert.deepEqual(reported(test.broker), ["nack 2"]);
  });

  for (const method of ["putRecords", "putNotes", "getRecord", "putOutbound"] as const) {
    for (const fallback of [NOTICE, CONTENTS]) {
      Deno.test(`LateMessages goes on, ${fallback.mode}, when ${method} works again, ${way}`, async () => {
        await using test = start(bySms(fallback));
        test.cache.failing.add(method);
        await test.post(1, request("words"), UNKNOWN);
        await test.clock.advance(5_000);
        test.cache.failing.clear();
        await test.clock.advance(5_000);
        assert.deepEqual([test.screens.length, test.ended.get(1)], [1, "done"]);
      });
    }
  }

  Deno.test(`LateMessages goes on when RabbitMQ takes messages again, ${way}`, async () => {
    await using test = start(bySms(NOTICE));
    test.connector.failure = "unavailable";
    await test.post(1, request("words"), UNKNOWN);
    await test.clock.advance(5_000);
    test.connector.failure = undefined;
    await test.clock.advance(5_000);
    assert.deepEqual([test.screens.length, test.ended.get(1)], [1, "done"]);
    assert.match(await test.registry.text(), /_late_total{[^}]*notice[^}]*} 1\b/);
  });

  Deno.test(`LateMessages: an operator's message in a session goes by SMS, and the session goes on, ${way}`, async () => {
    await using test = start(bySms(CONTENTS));
    await test.dial();
    await test.post(1, request("asked", true));
    await test.clock.advance(5_000);
    await test.post(2, request("from an operator"));
    await test.answer("yes");
    await test.post(3, request("more", true));
    await test.clock.advance(300);
    assert.deepEqual(test.screens, [
      "1 resume: asked",
      "2 null: from an operator",
      "3 resume: more",
    ]);
  });

  for (const isAsked of [true, false]) {
    const name = `LateMessages ${isAsked ? "leaves the menu on the screen" : "keeps its menu"}, ` +
      `where the screen has ${isAsked ? "one" : "none"}`;
    Deno.test(`${name}, ${way}`, async () => {
      await using test = start(bySms(CONTENTS));
      await test.dial();
      await test.post(1, isAsked ? buttons("On the screen?", "Yes") : request("words"));
      await test.clock.advance(5_000);
      await test.post(2, buttons("By SMS?", "Monday"));
      assert.equal(test.screens.length, 2);
      const prompt = readPrompt(await test.cache.getRecord("prompt", USER));
      const id = postId(isAsked ? 1 : 2);
      assert.deepEqual([prompt?.id, prompt?.medium], [id, isAsked ? "ussd" : "sms"]);
    });
  }

  Deno.test(`LateMessages ends a menu that went by SMS when it asks something else, ${way}`, async () => {
    await using test = start(bySms(CONTENTS));
    await test.post(1, buttons("By SMS?", "Monday"), UNKNOWN);
    await test.post(2, request("words"), UNKNOWN);
    const prompt = () => test.cache.getRecord("prompt", USER);
    assert.equal(readPrompt(await prompt())?.id, postId(1));
    await test.post(3, request("How many?", true), UNKNOWN);
    assert.equal(await prompt(), undefined);
  });

  for (
    const { over, is } of [
      { over: {}, is: "failed" },
      { over: bySms(CONTENTS), is: "sent by SMS" },
      { over: bySms(NOTICE), is: "pending" },
    ]
  ) {
    Deno.test(`LateMessages ${is === "pending" ? "does not note" : "notes, once that is so,"} that a message is ${is}, ${way}`, async () => {
      await using test = start(over);
      const noted = (n: number) => test.cache.getNote("confirmed", postId(n));
      const { connector } = test;
      connector.failure = "unavailable";
      const report = connector.reportFailed.bind(connector);
      connector.reportFailed = () => Promise.reject(new PublishError("unavailable", "for a test"));
      await test.post(1, request("words"), UNKNOWN);
      await test.clock.advance(2_000);
      assert.equal(await noted(1), undefined);
      connector.failure = undefined;
      connector.reportFailed = report;
      await test.clock.advance(2_000);
      await test.post(2, request("more"), UNKNOWN);
      for (const n of [1, 2]) {
        // Of the time at which RabbitMQ had the message only where it had that.
        assert.equal(Number(await noted(n) ?? 0) > 0, is === "sent by SMS");
        assert.equal(await noted(n) === undefined, is === "pending");
      }
    });
  }

  Deno.test(`LateMessages sends nothing twice that it can't note, ${way}`, async () => {
    for (const fallback of [NOTICE, CONTENTS]) {
      await using test = start(bySms(fallback));
      const { connector: { publish }, connector, cache } = test;
      connector.publish = async (message) => {
        await publish.call(connector, message);
        cache.failing.add("putNotes").add("putRecords");
      };
      await test.post(1, request("words"), UNKNOWN);
      await test.clock.advance(2_000);
      cache.failing.clear();
      await test.clock.advance(2_000);
      assert.deepEqual([test.screens.length, test.ended.get(1)], [1, "done"]);
    }
  });
}
