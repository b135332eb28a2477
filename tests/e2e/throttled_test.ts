/**
 * An operator that throttles: each SMS is sent again until it is taken, in its user's order, and no faster
 * than that.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Live } from "../support/live.ts";
import { until } from "../support/until.ts";
import { Operator, post, type Submit, writeToAll } from "./throttled_support.ts";
import { statuses, untilStatus } from "./ussd_support.ts";

/** How many the operator takes in a second; fewer where it is asked for, as that takes long. */
const PER_SECOND = Number(Deno.env.get("SMS_PER_SECOND") ?? 25);
const [USERS, PER_USER] = [40, 5];
const ALL = USERS * PER_USER;
const IN_ORDER = Array.from({ length: PER_USER }, (_, n) => `Message ${n + 1}`);

const IS_LONG = Deno.env.has("SMS_PER_SECOND");

/** How often it is killed; ten times where it is asked for, as that takes long. */
const KILLS = Number(Deno.env.get("SMS_KILLS") ?? 1);

/** Resolves when the operator has taken all; what was throttled often waits for long. */
async function untilTaken(operator: Operator, ids: ReadonlyMap<string, readonly string[]>) {
  await until("all to be taken", () => {
    const taken = new Set(operator.taken().map(({ id }) => id));
    return [...ids.values()].flat().every((id) => taken.has(id));
  }, 300_000);
}

/** Messages a second, between the first and the last of them. */
function rateOf(submits: readonly Submit[]): number {
  const [first, last] = [submits[0]?.at ?? 0, submits.at(-1)?.at ?? 0];
  return (submits.length - 1) * 1_000 / (last - first);
}

Deno.test("what an operator throttles is sent again until it is taken, in each user's order, as fast as that", async () => {
  await using live = await Live.prepare({ "failed-status": "failed" });
  const operator = new Operator(live, PER_SECOND);
  await using _running = await live.start();
  const ids = await writeToAll(live, { users: USERS, perUser: PER_USER });
  await untilTaken(operator, ids);
  // Of one whose answer came too late Turn asks for another one.
  for (const [user, own] of ids) {
    const taken = operator.taken().filter(({ to, id }) => to === user && own.includes(id));
    assert.deepEqual(taken.map(({ text }) => text), IN_ORDER);
  }
  const all = [...ids.values()].flat();
  await untilStatus(live.turn, "sent", ...all);
  for (const told of statuses(live.turn, ...all)) assert.deepEqual(told, ["sent"]);
  // When it is found: neither in the burst in which all came, nor while the last ones wait.
  const rate = rateOf(operator.taken().slice(ALL / 4, ALL * 3 / 4));
  const line = `${operator.submits.length} submits for ${ALL}, ${rate} a second\n`;
  await Deno.stderr.write(new TextEncoder().encode(line));
  // A machine that has no time may send too late: at all times it is asked of tests/bridge.
  if (IS_LONG) assert.ok(rate > PER_SECOND * 0.8 && rate < PER_SECOND * 1.2, line);
  assert.ok(operator.submits.length < ALL * 2, line);
});

Deno.test(`a bridge that is killed while it is throttled sends all, in order, ${KILLS} times`, async () => {
  await using live = await Live.prepare({ "failed-status": "failed" });
  const operator = new Operator(live, 25);
  let running = await live.start();
  try {
    const writing = writeToAll(live, { users: USERS, perUser: PER_USER });
    for (let kill = 1; kill <= KILLS; kill++) {
      await until("some to be taken", () => operator.taken().length >= ALL * kill / (KILLS + 2));
      assert.notEqual(await running.stop("SIGKILL"), 0);
      running = await live.start();
    }
    const ids = await writing;
    const all = [...ids.values()].flat();
    await untilTaken(operator, ids);
    await untilStatus(live.turn, "sent", ...all);
    for (const told of statuses(live.turn, ...all)) {
      assert.deepEqual([...new Set(told)], ["sent"]);
    }
    // What Turn was told is sent it asks for once more, if it heard of no answer.
    for (const [user, own] of ids) {
      const taken = operator.taken().filter(({ to, id }) => to === user && own.includes(id));
      const firsts = [...new Set(taken.map(({ text }) => text))];
      assert.deepEqual(firsts, IN_ORDER, user);
      for (const id of own) {
        const times = taken.filter((submit) => submit.id === id).length;
        assert.ok(times >= 1 && times <= 1 + KILLS, `taken ${times} times`);
      }
    }
  } finally {
    await running[Symbol.asyncDispose]();
  }
});

Deno.test("what is throttled for ever has failed after sms.resend_for, and what it says is forgotten", async () => {
  await using live = await Live.prepare({ "failed-status": "failed", "sms-resend-for": "4" });
  const operator = new Operator(live, 0);
  await using running = await live.start();
  const id = await post(live, "+27820000001", "Your result is negative");
  await untilStatus(live.turn, "failed", id);
  assert.deepEqual(statuses(live.turn, id), [["failed"]]);
  assert.equal(
    operator.submits.length,
    3,
    "after 1 and after 2 seconds, and then it would be too late",
  );
  assert.deepEqual(new Set(operator.submits.map((submit) => submit.id)), new Set([id]));
  await live.waiting("held.sms", 0);
  assert.equal(await running.stop("SIGTERM"), 0);
  const [kept] = await keptSms(`${live.folder}/cache.kv`);
  assert.equal(kept, undefined);
});

/** What is kept of SMS in a cache that nobody uses. */
async function keptSms(path: string): Promise<readonly unknown[]> {
  const kv = await Deno.openKv(path);
  try {
    const entries = await Array.fromAsync(kv.list({ prefix: [] }));
    const all = entries.map(({ key, value }) =>
      Deno.inspect([key, value], { depth: 9, strAbbreviateSize: 1e6, iterableLimit: 1e6 })
    );
    assert.ok(all.some((entry) => entry.includes("outbound")), "nothing at all is kept");
    return all.filter((entry) => entry.includes("Your result"));
  } finally {
    kv.close();
  }
}
