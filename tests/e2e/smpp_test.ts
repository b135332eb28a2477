/**
 * SMS by vumi2's SMPP transport: what arrives, and what Turn is told of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ALL_RECEIPTS, smppTest } from "./smpp_support.ts";
import { post, statuses, untilStatus } from "./ussd_support.ts";

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
  const options = { flags: FAILS, config: ALL_RECEIPTS };
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
