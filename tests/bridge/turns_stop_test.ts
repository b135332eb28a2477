import assert from "node:assert/strict";
import type { After } from "../../src/async/mod.ts";
import type { UssdOptions } from "../../src/bridge/mod.ts";
import { formatTimestamp } from "../../src/vumi/mod.ts";
import { readSession } from "../../src/bridge/sessions.ts";
import { TestClock } from "./clock.ts";
import { buttons, postId, reported, request, TestTurns, USER } from "./turns_support.ts";

/** Whose timers are counted: one that is due again and again would have no end. */
class Counting extends TestTurns {
  timers = 0;

  constructor(ussd: Partial<UssdOptions>) {
    const clock = new TestClock();
    const after: After = (ms, run) => {
      this.timers++;
      return clock.after(ms, run);
    };
    super(ussd, { clock }, { after });
  }
}

/** Keeps a user's turn busy until the answer is called. */
function occupy({ turns }: TestTurns): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  void turns.byUser.inTurn(USER, () => promise);
  return resolve;
}

Deno.test("Turns that stop show what asks, and leave the rest in its queue", async () => {
  await using test = new TestTurns();
  await test.dial();
  await test.dial({ from_addr: "+27820000002" });
  await test.post(1, request("words"));
  await test.post(2, request("asked", true, { to: "+27820000002" }));
  await test.post(3, request("more", false, { to: "+27820000002" }));
  test.stopping.abort();
  await test.clock.advance(0);
  assert.deepEqual(test.screens, ["2 resume: more / asked"]);
  assert.deepEqual(Object.fromEntries(test.ended), { 1: "requeue", 2: "done", 3: "done" });
});

Deno.test("Turns that stop leave what RabbitMQ does not take, and don't wait for it", async () => {
  await using test = new TestTurns();
  await test.dial();
  await test.post(1, request("asked", true));
  test.connector.failure = "unavailable";
  test.stopping.abort();
  await test.clock.advance(0);
  assert.deepEqual([...test.ended], [[1, "requeue"]]);
});

for (const mergeWindowMs of [0, 2_000]) {
  Deno.test(`Turns leave what comes while they stop, with a window of ${mergeWindowMs}`, async () => {
    await using test = new TestTurns({ mergeWindowMs });
    await test.dial();
    const free = occupy(test);
    await test.post(1, request("asked", true));
    await test.post(2, request("asked too", true));
    test.stopping.abort();
    free();
    // Nothing goes on and on.
    await test.clock.advance(200_000);
    assert.deepEqual([test.screens, [...test.ended.values()]], [[], ["requeue", "requeue"]]);
  });
}

Deno.test("Turns outlive a timer that finds its turn taken over and the cache away", async () => {
  await using test = new TestTurns();
  await test.dial();
  await test.post(1, request("words"));
  const free = occupy(test);
  await test.clock.advance(2_000);
  test.turns.byUser.forget();
  test.cache.failing.add("getRecord");
  free();
  await test.clock.advance(1_000);
  assert.deepEqual([test.screens, [...test.ended]], [[], [[1, "requeue"]]]);
});

Deno.test("Turns don't show what can't be acked any more, and do when it comes again", async () => {
  await using test = new TestTurns();
  const other = new TestTurns({}, test);
  await test.dial();
  const lost = new AbortController();
  await test.post(1, buttons("Menu", "A", "B"), { lost: lost.signal });
  lost.abort();
  await other.post(1, buttons("Menu", "A", "B"), { redelivered: true });
  await test.clock.advance(2_000);
  assert.deepEqual([test.screens, test.ended.get(1)], [[], "requeue"]);
  assert.deepEqual([other.screens, other.ended.get(1)], [["1 resume: Menu / 1. A / 2. B"], "done"]);
  await other[Symbol.asyncDispose]();
});

Deno.test("Turns ask nobody to wait when another bridge speaks for the channel", async () => {
  await using test = new Counting({ holdText: "Wait" });
  await test.dial();
  test.connector.isLeading = false;
  await test.clock.advance(60_000);
  assert.deepEqual([test.screens, test.timers], [[], 1]);
});

Deno.test("Turns park what has a bug, and don't try it again and again", async () => {
  await using test = new Counting({ holdText: "Wait" });
  await test.dial();
  test.connector.publish = () => Promise.reject(new TypeError("a bug"));
  await test.clock.advance(60_000);
  assert.equal(test.timers, 1);
  await test.dial();
  await test.post(1, request("words"));
  await test.clock.advance(60_000);
  assert.deepEqual([test.ended.get(1), test.timers], ["park", 3]);
});

Deno.test("Turns go on with what another bridge held, and shows once what that one has shown", async () => {
  await using test = new TestTurns();
  await test.dial();
  await test.post(1, request("words"));
  await test.clock.advance(2_000);
  assert.deepEqual(test.screens, ["1 close: words"]);
  const other = new TestTurns({}, test);
  // The ack was lost.
  await other.post(1, request("words"), { redelivered: true });
  assert.deepEqual([other.screens, other.ended.get(1)], [[], "done"]);
  // And the user has gone on.
  await other.dial({ message_id: "next" });
  const third = new TestTurns({}, test);
  await third.post(1, request("words"), { redelivered: true });
  await third.post(2, request("asked", true));
  await test.clock.advance(2_000);
  assert.deepEqual(third.screens, ["2 resume: asked"]);
  await other[Symbol.asyncDispose]();
  await third[Symbol.asyncDispose]();
});

Deno.test("Turns send the same screen again that may not have been sent", async () => {
  await using test = new TestTurns();
  await test.dial();
  const lost = new AbortController();
  test.connector.failure = "unconfirmed";
  await test.post(1, request("words"), { lost: lost.signal });
  await test.post(2, request("asked", true), { lost: lost.signal });
  await test.clock.advance(300);
  lost.abort();
  await test.clock.advance(1_000);
  assert.deepEqual([...test.ended.values()], ["requeue", "requeue"]);
  const other = new TestTurns({}, test);
  await other.post(2, request("asked", true), { redelivered: true });
  await other.post(1, request("words"), { redelivered: true });
  await test.clock.advance(1_000);
  assert.deepEqual(other.screens, ["1 resume: words / asked"]);
  assert.deepEqual(other.connector.published[0], test.connector.published[0]);
  assert.deepEqual([...other.ended.values()], ["done", "done"]);
  await other[Symbol.asyncDispose]();
});

Deno.test("Turns tell of what RabbitMQ takes too late as failed, each once", async () => {
  await using test = new TestTurns();
  await test.dial();
  test.connector.failure = "unavailable";
  await test.post(1, request("words"));
  await test.post(2, request("asked", true));
  await test.clock.advance(200_000);
  assert.deepEqual(reported(test.broker), ["nack 1", "nack 2"]);
  assert.deepEqual([...test.ended.values()], ["done", "done"]);
});

Deno.test("Turns wait while the cache fails, and lose nothing", async () => {
  await using test = new TestTurns();
  test.cache.failing.add("getRecord");
  await test.post(1, request("asked", true));
  await test.clock.advance(10_000);
  test.cache.failing.clear();
  await test.clock.advance(2_000);
  assert.deepEqual([test.screens, [...test.ended.values()]], [["1 resume: asked"], ["done"]]);
});

Deno.test("Turns leave a session to who speaks for the channel when a screen is confirmed", async () => {
  await using test = new TestTurns();
  await test.dial();
  const other = new TestTurns({}, test);
  const publish = test.connector.publish.bind(test.connector);
  test.connector.publish = async (message) => {
    await publish(message);
    test.connector.isLeading = false;
    await other.dial({ message_id: "next" });
  };
  await test.post(1, request("asked", true));
  await test.clock.advance(1_000);
  assert.deepEqual(test.screens, ["1 resume: asked"]);
  const kept = readSession(await test.cache.getRecord("turn", USER));
  assert.equal(kept?.inbound.message_id, "next");
  await other[Symbol.asyncDispose]();
});

Deno.test("Turns ask nobody to wait whose session is over, and do not try it again and again", async () => {
  await using test = new Counting({ holdText: "Wait" });
  await test.clock.advance(300_000);
  // Taken late off its queue: it is over before a screen would be due.
  await test.dial({ timestamp: formatTimestamp(new Date(test.clock.now - 175_000)) });
  await test.clock.advance(60_000);
  assert.deepEqual(test.screens, []);
  assert.ok(test.timers < 5, `${test.timers} timers`);
});

Deno.test("Turns do not take a session that is just beginning for the last one", async () => {
  await using test = new TestTurns();
  await test.dial();
  await test.post(1, request("Bye"));
  await test.clock.advance(5_000);
  const next = test.message({ session_event: "new", content: "*120#", message_id: "next" });
  // The message itself is still being kept.
  await test.receive(next);
  await test.post(2, request("And", true));
  await test.clock.advance(5_000);
  assert.deepEqual(test.screens, ["1 close: Bye", "2 resume: And"]);
  assert.equal(test.connector.published.at(-1)?.in_reply_to, "next");
});

Deno.test("Turns end what came too late once, though it comes again", async () => {
  await using test = new TestTurns({ late: "fail" });
  await test.cache.putNotes([{ kind: "confirmed", id: postId(1), value: "1", ttlMs: 60_000 }]);
  await test.post(1, request("late"), { over: "nobody waits", redelivered: true });
  await test.clock.advance(5_000);
  assert.deepEqual([test.ended.get(1), test.screens, reported(test.broker)], ["done", [], []]);
});
