/**
 * The tools of the scenarios do what the scenarios believe of them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decodeEvent, decodeMessage } from "../../src/vumi/mod.ts";
import { percentile, TurnLoad } from "./load.ts";
import { spoil } from "./mutations.ts";
import { randomOf } from "./random.ts";
import { count } from "./history.ts";
import { lineOf, Reporter, tableOf } from "./report.ts";
import { seedOr } from "./seed.ts";
import { ChaosTurn, failure, TOKEN, tooMany } from "./turn.ts";
import { type NoAnswer, type WireAnswer, WireServer } from "./wire.ts";

/** What a call was answered. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Calls with a status, and reads the whole answer. */
async function call(
  turn: ChaosTurn,
  id: string,
  options: { token?: string; signal?: AbortSignal } = {},
): Promise<Answer> {
  const { token = TOKEN, signal = null } = options;
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const response = await fetch(`${turn.url}/statuses`, {
    method: "POST",
    headers: { "authorization": `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ user_message_id: id, status: "sent", timestamp: "2015-06-15 13:00:00" }),
    client,
    signal,
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

Deno.test("ChaosTurn keeps what it answered, and what it did not", async () => {
  await using turn = new ChaosTurn();
  const plans: (WireAnswer | NoAnswer)[] = [failure(500), "reset", "torn", tooMany()];
  turn.plan = () => plans.shift() ?? { status: 200 };
  assert.equal((await call(turn, "a")).status, 500);
  await assert.rejects(call(turn, "a"));
  await assert.rejects(call(turn, "a"));
  const limited = await call(turn, "a");
  assert.equal(limited.status, 429);
  assert.equal(limited.headers.get("retry-after"), "1");
  assert.equal(JSON.parse(limited.text).errors[0].code, 429);
  assert.equal((await call(turn, "a")).status, 200);
  assert.deepEqual(turn.calls.map(({ earlier, status, none }) => [earlier, status, none]), [
    [0, 500, undefined],
    [1, 0, "reset"],
    [2, 0, "torn"],
    [3, 429, undefined],
    [4, 200, undefined],
  ]);
  assert.deepEqual(turn.delivered("status"), ["a:sent"]);
  assert.deepEqual(turn.unanswered("status"), new Set(["a:sent"]));
  assert.ok(turn.calls.every(({ at, endedAt }) => endedAt >= at && endedAt < Infinity));
});

Deno.test("ChaosTurn refuses what is not as it should be, and tells", async () => {
  await using turn = new ChaosTurn();
  assert.equal((await call(turn, "a", { token: "other" })).status, 401);
  assert.equal((await call(turn, "")).status, 400);
  assert.equal(turn.improper.length, 2);
  assert.equal(turn.calls.length, 0);
});

Deno.test("ChaosTurn hangs until the client has gone", async () => {
  await using turn = new ChaosTurn();
  turn.plan = () => "hang";
  const gone = new AbortController();
  const called = call(turn, "a", { signal: gone.signal });
  while (turn.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(turn.calls[0]?.endedAt, Infinity);
  gone.abort();
  await assert.rejects(called);
  while (turn.calls[0]?.endedAt === Infinity) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

Deno.test("ChaosTurn counts calls in windows, and says so on every answer", async () => {
  await using turn = new ChaosTurn();
  turn.limit = { calls: 2, windowMs: 600_000 };
  const answers: Answer[] = [];
  for (const id of ["a", "b", "c"]) answers.push(await call(turn, id));
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 429]);
  const header = (name: string) => answers.map(({ headers }) => headers.get(name));
  assert.deepEqual(header("x-ratelimit-limit"), ["2", "2", "2"]);
  assert.deepEqual(header("x-ratelimit-remaining"), ["1", "0", "0"]);
  assert.match(header("x-ratelimit-reset")[0] ?? "", /^\d{10}\.\d{3}$/);
});

Deno.test("ChaosTurn refuses connections while it is away, on the port that it comes back to", async () => {
  await using turn = new ChaosTurn();
  await turn.leave();
  await assert.rejects(call(turn, "a"));
  turn.comeBack();
  assert.equal((await call(turn, "a")).status, 200);
});

Deno.test("WireServer reads bodies in chunks, and several requests of one connection", async () => {
  const bodies: string[] = [];
  await using server = new WireServer(({ body }) => {
    bodies.push(body);
    return Promise.resolve({ answer: { status: 200 }, ended: () => {} });
  });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const write = (text: string) => connection.write(new TextEncoder().encode(text));
  await write("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nd");
  await write("e\r\n0\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nfg");
  while (bodies.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(bodies, ["abcde", "fg"]);
});

Deno.test("TurnLoad sends again what had no answer or a 5xx, and never what had a 4xx", async () => {
  const answers: (WireAnswer | NoAnswer)[] = ["reset", failure(503), {
    status: 200,
    body: { messages: [{ id: "m1" }] },
  }, failure(400)];
  await using server = new WireServer(() =>
    Promise.resolve({ answer: answers.shift() ?? "reset", ended: () => {} })
  );
  using load = new TurnLoad({ url: `http://127.0.0.1:${server.port}/messages`, concurrency: 5 });
  await load.send([{ user: "a", content: "one" }, { user: "a", content: "two" }]);
  const came = load.outcomes.map(({ id, tries }) => [id, tries.map(({ status }) => status)]);
  assert.deepEqual(came, [["m1", [0, 503, 200]], [undefined, [400]]]);
  assert.deepEqual(load.puts.map(({ id, certain }) => [id, certain]), [["one", true], [
    "two",
    false,
  ]]);
});

Deno.test("percentile() is the value that so many do not exceed", () => {
  const hundred = Array.from({ length: 100 }, (_, place) => place + 1);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile([3, 1, 2], 0.5), 2);
  assert.equal(percentile([], 0.5), 0);
});

Deno.test("spoil() makes the same for the same seed, and mostly what can't be read", () => {
  const event = { user_message_id: "m1", event_type: "ack", sent_message_id: "p1" };
  const message = { to_addr: "1", from_addr: "2", transport_name: "t", transport_type: "sms" };
  for (const [valid, decode] of [[event, decodeEvent], [message, decodeMessage]] as const) {
    const random = randomOf(5, "x"), again = randomOf(5, "x");
    let readable = 0;
    for (let n = 0; n < 300; n++) {
      const body = spoil(random, valid);
      assert.deepEqual(body, spoil(again, valid));
      try {
        decode(body);
        readable++;
      } catch {
        // Not to be read, as most.
      }
    }
    assert.ok(readable > 10 && readable < 200, `${readable} of 300 can be read`);
  }
});

Deno.test("a report tells of faults in its line, and of figures in its table", () => {
  const reporter = new Reporter("0 a test", { seed: 7, url: "" });
  reporter.flow("inbound", { put: [{ id: "a", user: "u" }], out: [] });
  reporter.check(true, "no fault");
  reporter.check(false, "a fault");
  reporter.figure("p99", "5 ms");
  const report = reporter.report();
  assert.deepEqual(report.faults, ["inbound: 1 lost, at most 0 may be", "a fault"]);
  assert.match(
    lineOf(report),
    /^FAILED: 0 a test \(seed 7, .* 1 lost.*; p99 5 ms\n {2}- inbound: 1/,
  );
  assert.match(lineOf({ ...report, faults: [] }), /^ok: /);
  const cells = tableOf([report]).split("\n")[2]?.split("|").map((cell) => cell.trim());
  assert.deepEqual(cells?.slice(1, -1), [
    "0 a test",
    "inbound",
    "1",
    "0",
    "0",
    "1",
    "0",
    "0",
    "0",
    "0",
    "p99 5 ms",
  ]);
  assert.equal(
    report.flows["inbound"]?.lost,
    count({ put: [{ id: "a", user: "u" }], out: [] }).lost,
  );
});

Deno.test("seedOr() takes whole numbers only", () => {
  assert.equal(seedOr("17"), 17);
  assert.throws(() => seedOr("x"), RangeError);
});
