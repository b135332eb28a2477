/**
 * SMS by vumi2's SMPP transport: what arrives, and what Turn is told of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { TestBridge } from "../support/bridge.ts";
import { ALL_RECEIPTS, smppTest } from "./smpp_support.ts";
import { post, statuses, untilStatus } from "./ussd_support.ts";

/** What the transport loses has failed. */
const FAIL_UNACKED = { "sms-fail-unacked": "true", "sms-unacked-after": "5" };
const USER = "+27820001111";
const FAILS = { "failed-status": "failed" };

smppTest("an SMS arrives, and is sent", { flags: FAILS }, async (bridge, smsc) => {
  const { id } = await post(bridge, USER, "Hello {€}");
  const [{ to, from, text, dataCoding } = assert.fail()] = await smsc.received(1);
  assert.deepEqual([to, from, text, dataCoding], [USER, "8110", "Hello {€}", 0]);
  await untilStatus(bridge.turn, "sent", id);
  assert.deepEqual(statuses(bridge.turn, id), [["sent"]]);
});

smppTest("an SMS that the SMSC refuses has failed", { flags: FAILS }, async (bridge, smsc) => {
  smsc.decide = () => "ESME_RSUBMITFAIL";
  const { id } = await post(bridge, USER, "Hello");
  await untilStatus(bridge.turn, "failed", id);
  assert.deepEqual(smsc.taken, []);
});

/** How many users get five SMS each; 40 where it is asked for, which takes 40 s and more. */
const THROTTLED_USERS = Number(Deno.env.get("SMS_THROTTLED_USERS") ?? 8);
const PER_SECOND = 5;

for (const answer of ["ESME_RTHROTTLED", "ESME_RMSGQFUL"] as const) {
  const name = `an SMSC that answers ${answer} above ${PER_SECOND} a second gets all, in order`;
  smppTest(name, { flags: FAILS }, async (bridge, smsc) => {
    smsc.throttle(PER_SECOND, answer);
    const texts = ["1", "2", "3", "4", "5"];
    const users = Array.from({ length: THROTTLED_USERS }, (_, n) => `+2782${1_000_000 + n}`);
    const ids = await Promise.all(users.map(async (user) => {
      const own = [];
      for (const text of texts) own.push((await post(bridge, user, text)).id);
      return own;
    }));
    await smsc.received(users.length * texts.length);
    await untilStatus(bridge.turn, "sent", ...ids.flat());
    assert.deepEqual(statuses(bridge.turn, ...ids.flat()), ids.flat().map(() => ["sent"]));
    for (const user of users) {
      assert.deepEqual(smsc.taken.filter(({ to }) => to === user).map(({ text }) => text), texts);
    }
    const half = smsc.taken.slice(-smsc.taken.length / 2);
    const seconds = ((half.at(-1)?.at ?? 0) - (half[0]?.at ?? 0)) / 1_000;
    const rate = (half.length - 1) / seconds;
    const line = `${smsc.submits.length} submits for ${ids.flat().length}, ${rate} a second\n`;
    await Deno.stderr.write(new TextEncoder().encode(line));
    if (THROTTLED_USERS >= 40) assert.ok(rate > 0.8 * PER_SECOND, line);
  });
}

/** What the SMSC reports of an SMS, and what Turn is told. */
const REPORTS: readonly (readonly [reports: readonly string[], told: readonly string[]])[] = [
  [["DELIVRD"], ["sent", "delivered"]],
  [["UNDELIV"], ["sent", "failed"]],
  [["EXPIRED"], ["sent", "failed"]],
  [["DELETED"], ["sent", "failed"]],
  [["REJECTD"], ["sent", "failed"]],
  [["ACCEPTD", "DELIVRD"], ["sent", "sent", "delivered"]],
  [["UNKNOWN", "DELIVRD"], ["sent", "delivered"]],
  [["DELIVRD", "ENROUTE"], ["sent", "delivered"]],
  [["UNDELIV", "ACCEPTD"], ["sent", "failed"]],
];

for (const form of ["text", "fields"] as const) {
  // Else one may be left out for which the next one is there already.
  const flags = { ...FAILS, "compact-statuses": "false" };
  const options = { flags, config: ALL_RECEIPTS };
  smppTest(`receipts as ${form} are told as what they say`, options, async (bridge, smsc) => {
    const ids = [];
    for (const [index, [reports]] of REPORTS.entries()) {
      const { id } = await post(bridge, USER, reports.join());
      ids.push(id);
      const submit = (await smsc.received(index + 1)).at(-1) ?? assert.fail();
      await untilStatus(bridge.turn, "sent", id);
      for (const state of reports) await smsc.report(submit, state, form);
    }
    // All are through when the last event is, as each is counted when it comes to its end.
    const ended = 2 * REPORTS.length + 4;
    const told = REPORTS.flatMap(([, words]) => words).length;
    await bridge.counted(`{flow="status",result="delivered"} ${told}`);
    await bridge.counted(`{flow="status",result="skipped"} ${ended - told}`);
    assert.deepEqual(statuses(bridge.turn, ...ids), REPORTS.map(([, words]) => words));
    await bridge.counted(`{transport="${bridge.connector}",result="failed"} 5`);
  });
}

smppTest(
  "an SMS of which its own cache knows one receipt",
  { flags: FAILS },
  async (bridge, smsc) => {
    const { id } = await post(bridge, USER, "Hello");
    const [submit = assert.fail()] = await smsc.received(1);
    await untilStatus(bridge.turn, "sent", id);
    for (const state of ["UNDELIV", "DELIVRD"]) await smsc.report(submit, state);
    await untilStatus(bridge.turn, "failed", id);
  },
);

const UCS2 = { submit_sm_processor_config: { data_coding: "UCS2" } } as const;
/** More than vumi2's transport sends as one. */
const LONG = "Wash your hands with soap before you eat, and after. ".repeat(8).slice(0, 400).trim();
const ENCODINGS = ["as_is", "gsm7", "auto"] as const;

/** What is sent, and by `text_encoding` what the SMSC gets, `refused` by us or `lost` by the transport. */
const TEXTS: readonly (readonly [
  text: string,
  ...gets: readonly [asIs: string, gsm7: string, auto: string],
])[] = [
  ["Hello {€}", "Hello {€}", "Hello {€}", "Hello {€}"],
  ["“Zoë” – 7️⃣😀!", "lost", '"Zoe" - 7!', '"Zoe" - 7!'],
  ["Привет", "lost", "refused", "lost"],
];

for (const [nth, encoding] of ENCODINGS.entries()) {
  const flags = { ...FAILS, ...FAIL_UNACKED, "text-encoding": encoding };
  smppTest(`text_encoding ${encoding} with GSM-7`, { flags }, async (bridge, smsc) => {
    const lost = [];
    const expected = [];
    for (const [text, ...gets] of TEXTS) {
      const { status, id } = await post(bridge, USER, text);
      const what = gets[nth] ?? assert.fail();
      assert.equal(status, what === "refused" ? 422 : 200, text);
      if (what === "lost") lost.push(id);
      else if (what !== "refused") expected.push(what);
    }
    // The transport goes on with what comes after one that it can't encode.
    const { id } = await post(bridge, USER, "Bye");
    await untilStatus(bridge.turn, "sent", id);
    assert.deepEqual(smsc.submits.map(({ text }) => text), [...expected, "Bye"]);
    await assertUnheard(bridge, lost);
  });
  const options = { flags, config: UCS2 };
  smppTest(`text_encoding ${encoding} with UCS-2`, options, async (bridge, smsc) => {
    const expected = [];
    for (const [text, ...gets] of TEXTS) {
      const refused = gets[nth] === "refused";
      const { status } = await post(bridge, USER, text);
      assert.equal(status, refused ? 422 : 200, text);
      if (!refused) expected.push(gets[nth] === "lost" ? text : gets[nth]);
    }
    const taken = await smsc.received(expected.length);
    assert.deepEqual(taken.map(({ text, dataCoding }) => [text, dataCoding]), [
      ...expected.map((text) => [text, 8]),
    ]);
  });
}

/** Turn is told that they failed, and no more, as nothing was heard of them. */
async function assertUnheard(bridge: TestBridge, ids: readonly string[]): Promise<void> {
  await untilStatus(bridge.turn, "failed", ...ids);
  assert.deepEqual(statuses(bridge.turn, ...ids), ids.map(() => ["failed"]));
}

for (const encoding of ENCODINGS) {
  for (const long of ["pass", "split", "refuse"] as const) {
    const flags = { ...FAILS, ...FAIL_UNACKED, "text-encoding": encoding, "sms-long": long };
    const name = `400 characters, text_encoding ${encoding}, sms.long ${long}`;
    smppTest(name, { flags, config: ALL_RECEIPTS }, async (bridge, smsc, worker) => {
      const { status, id } = await post(bridge, USER, LONG);
      assert.equal(status, long === "refuse" ? 422 : 200);
      if (long === "split") {
        const parts = await smsc.received(3);
        const texts = parts.map(({ text }) => text);
        assert.ok(texts.every((text) => text.length <= 160));
        assert.deepEqual(texts.map((text) => text.slice(-6)), [" (1/3)", " (2/3)", " (3/3)"]);
        assert.equal(texts.map((text) => text.slice(0, -6)).join(" "), LONG);
        await untilStatus(bridge.turn, "sent", id);
        for (const part of parts) await smsc.report(part, "DELIVRD");
        await untilStatus(bridge.turn, "delivered", id);
        return;
      }
      if (long === "pass") {
        // It ends, and would again as RabbitMQ has the message for the next one.
        await worker.ended;
        await assertUnheard(bridge, [id]);
      }
      assert.deepEqual(smsc.submits, []);
    });
  }
}

const PAYLOAD = { submit_sm_processor_config: { multipart_handling: "message_payload" } } as const;

smppTest("400 characters as they are, where the transport can do that", {
  flags: FAILS,
  config: PAYLOAD,
}, async (bridge, smsc) => {
  const { id } = await post(bridge, USER, LONG);
  await untilStatus(bridge.turn, "sent", id);
  assert.deepEqual(smsc.submits.map(({ text }) => text), [LONG]);
});
