/**
 * How fast SMS are sent where that is limited, and what becomes of one of which the transport says nothing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Live } from "../support/live.ts";
import { until } from "../support/until.ts";
import { Operator, post, writeToAll } from "./throttled_support.ts";
import { statuses, untilStatus } from "./ussd_support.ts";

/** How many: 10,000 where it is asked for, which takes minutes. */
const MESSAGES = Number(Deno.env.get("SMS_RATE_MESSAGES") ?? 300);
const PER_SECOND = 50;

Deno.test(`${MESSAGES} SMS at sms.max_per_second ${PER_SECOND} are no more in any second, and hardly less`, async () => {
  await using live = await Live.prepare({ "sms-max-per-second": `${PER_SECOND}` });
  const operator = new Operator(live, Infinity);
  await using _running = await live.start();
  await writeToAll(live, { users: MESSAGES / 5, perUser: 5 });
  await until("all to be sent", () => operator.submits.length >= MESSAGES, 20 * MESSAGES + 60_000);
  const { submits } = operator;
  const seconds = ((submits.at(-1)?.at ?? 0) - (submits[0]?.at ?? 0)) / 1_000;
  const most = operator.mostWithin(1_000);
  const line = `${submits.length} in ${seconds} s, at most ${most} in a second\n`;
  await Deno.stderr.write(new TextEncoder().encode(line));
  // What is sent evenly may come unevenly on a machine that has no time: it has a tenth of a second.
  assert.ok(submits.length / seconds < PER_SECOND * 1.1, `${submits.length} in ${seconds} s`);
  assert.ok(operator.mostWithin(900) <= PER_SECOND * 1.1, `${operator.mostWithin(900)} in 0.9 s`);
});

Deno.test("an SMS of two segments counts as two", async () => {
  await using live = await Live.prepare({ "sms-max-per-second": "10" });
  const operator = new Operator(live, Infinity);
  await using _running = await live.start();
  await writeToAll(live, { users: 20, perUser: 1, text: () => "long ".repeat(50) });
  await until("all to be sent", () => operator.submits.length >= 20);
  const { submits } = operator;
  const seconds = ((submits.at(-1)?.at ?? 0) - (submits[0]?.at ?? 0)) / 1_000;
  assert.ok(seconds > 19 / 5 * 0.9, `20 in ${seconds} s`);
});

Deno.test("with sms.fail_unacked Turn hears that an SMS has failed of which nothing is heard, after a kill too", async () => {
  await using live = await Live.prepare({
    "failed-status": "failed",
    "sms-fail-unacked": "true",
    "sms-unacked-after": "3",
  });
  const operator = new Operator(live, Infinity);
  let running = await live.start();
  try {
    const acked = await post(live, "+27820000001", "one");
    await untilStatus(live.turn, "sent", acked);
    operator.acks = false;
    const ids = [
      await post(live, "+27820000001", "two"),
      await post(live, "+27820000002", "three"),
    ];
    await until("both to be sent", () => operator.submits.length >= 3);
    assert.deepEqual(statuses(live.turn, ...ids), [[], []]);
    assert.notEqual(await running.stop("SIGKILL"), 0);
    running = await live.start();
    await untilStatus(live.turn, "failed", ...ids);
    assert.deepEqual(statuses(live.turn, acked, ...ids), [["sent"], ["failed"], ["failed"]]);
    await live.waiting("held", 0);
    const metrics = await (await fetch(`${live.address}/metrics`)).text();
    assert.match(metrics, /transport_messages_total\{[^}]*result="unacked"[^}]*\} 2\n/);
    assert.ok(operator.submits.length <= 5, "each is sent once more at most");
  } finally {
    await running[Symbol.asyncDispose]();
  }
});
