/**
 * SMS by vumi2's SMPP transport: what arrives, and what Turn is told of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { smppTest } from "./smpp_support.ts";
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
