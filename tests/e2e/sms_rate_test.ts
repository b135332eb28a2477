/**
 * How fast SMS are sent where that is limited, and what becomes of one of which the transport says nothing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Live } from "../support/live.ts";
import { until } from "../support/until.ts";
import { Operator, post, writeToAll } from "./throttled_support.ts";
import { pause, statuses, untilStatus } from "./ussd_support.ts";

/** How many: 10,000 where it is asked for, which takes minutes. */
const MESSAGES = Number(Deno.env.get("SMS_RATE_MESSAGES") ?? 200);
const PER_SECOND = 50;
/** A machine that has no time makes uneven what is sent evenly: of any second all is asked of a long run. */
const SLACK_MS = MESSAGES >= 10_000 ? 0 : 400;

Deno.test(`${MESSAGES} SMS at sms.max_per_second ${PER_SECOND}: within 10 % of that in any second`, async () => {
  await using live = await Live.prepare({ "sms-max-per-second": `${PER_SECOND}` });
  const operator = new Operator(live, Infinity);
  await using _running = await live.start();
  const posts = [];
  for (let n = 0; n < MESSAGES; n++) {
    // Faster than they go, and no faster than a machine with other work can take them.
    if (n % 10 === 0) await pause(100);
    posts.push(post(live, `+2782${`${n % (MESSAGES / 5)}`.padStart(7, "0")}`, `Message ${n}`));
  }
  await Promise.all(posts);
  await until("all to be sent", () => operator.submits.length >= MESSAGES, 20 * MESSAGES + 60_000);
  const [least, most] = operator.within(1_000);
  await Deno.stderr.write(new TextEncoder().encode(`${least} to ${most} in any second\n`));
  const seconds = ((operator.submits.at(-1)?.at ?? 0) - (operator.submits[0]?.at ?? 0)) / 1_000;
  assert.ok((MESSAGES - 1) / seconds <= PER_SECOND * 1.1, `${MESSAGES} in ${seconds} s`);
  const [, mostAtOnce] = operator.within(1_000 - SLACK_MS);
  assert.ok(mostAtOnce <= PER_SECOND * 1.1, `${mostAtOnce} in ${1_000 - SLACK_MS} ms`);
  if (SLACK_MS === 0) assert.ok(least >= PER_SECOND * 0.9, `${least} in a second`);
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
    await live.waiting("held.sms", 0);
    const metrics = await (await fetch(`${live.address}/metrics`)).text();
    assert.match(metrics, /transport_messages_total\{[^}]*result="unacked"[^}]*\} 2\n/);
    assert.ok(operator.submits.length <= 5, "each is sent once more at most");
  } finally {
    await running[Symbol.asyncDispose]();
  }
});
