import assert from "node:assert/strict";
import { TOKEN } from "../support/bridge.ts";
import { DELAY_MS, idIn, Live } from "../support/live.ts";
import { until } from "../support/until.ts";

/** Messages of 20 users, three each: as many in work at once as can be. */
const MESSAGES = [1, 2, 3].flatMap((nth) =>
  Array.from({ length: 20 }, (_, user) => ({ message_id: `${user}-${nth}`, from_addr: `+${user}` }))
);

Deno.test("a wrong auth_token costs no message: all wait in the queue, and arrive in order when it is mended", async () => {
  await using live = await Live.prepare();
  await using wrong = await live.start({ "auth-token": "of-yesterday" });
  for (const message of MESSAGES) await live.transport.sendInbound(message);
  await until("the breaker", async () => (await live.health()).text.includes('"breaker":"open"'));
  // It calls no more but to see, after 1, 2, 4 seconds.
  const called = live.turn.calls.length;
  await live.turn.received(called + 2);
  const { status, text } = await live.health();
  assert.equal(status, 200);
  assert.match(
    text,
    /"turn":\{"health":"degraded","breaker":"(open|half-open)","last_success":null/,
  );
  const told = () => wrong.stderr().split("\n").filter((line) => line.includes("Turn is down"));
  await until("it in the log", () => told().length > 0);
  assert.equal(told().length, 1, wrong.stderr());
  assert.match(told()[0] ?? "", /401/);
  assert.ok(!wrong.stderr().includes("of-yesterday"));
  assert.equal(await wrong.stop("SIGTERM"), 0);
  assert.equal(await live.transport.depth("inbound.parked"), 0);
  const late = await live.transport.delayed(DELAY_MS);
  await live.waiting("inbound", MESSAGES.length - late);
  const before = live.turn.calls.length;
  await using right = await live.start({ "auth-token": TOKEN });
  await live.turn.received(before + MESSAGES.length - late);
  assert.equal(await right.stop("SIGTERM"), 0);
  const arrived = live.turn.calls.slice(before).map(({ body }) => idIn(body));
  assert.equal(late, 0, "in a delay queue, for no fault of theirs");
  for (const { from_addr } of MESSAGES.slice(0, 20)) {
    const own = arrived.filter((id) => id.startsWith(`${from_addr.slice(1)}-`));
    assert.deepEqual(own, [1, 2, 3].map((nth) => `${from_addr.slice(1)}-${nth}`));
  }
});
