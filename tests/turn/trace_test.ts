/**
 * A trace on its way through Turn's side, and another token while the client lives.
 *
 * @module
 */

import assert from "node:assert/strict";
import { FakeTurn } from "../support/fake_turn.ts";
import type { Trace } from "../../src/telemetry/mod.ts";
import { sign, SIGNATURE_HEADER, TurnClient, turnEndpoint } from "../../src/turn/mod.ts";
import { EXAMPLE, options, SECRET, URL_PATH } from "./endpoint_support.ts";

const TRACE: Trace = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "vendor=1",
};
const LONG = { timeoutMs: 60_000, signal: new AbortController().signal };
const MESSAGE = { id: "m1", from: "+26612345678", text: "Hi", timestamp: 1 };

function clientOf(turn: FakeTurn, authToken: string, isTraced = false): TurnClient {
  return new TurnClient({ apiUrl: turn.url, authToken, statusFormat: "flat", isTraced });
}

for (
  const [what, headers, trace] of [
    ["a trace", { ...TRACE }, TRACE],
    ["no trace", {}, undefined],
    ["a wrong trace", { traceparent: "00-1-1-00", tracestate: "a=1" }, undefined],
  ] as const
) {
  Deno.test(`turnEndpoint() hands on ${what}, and takes the request`, async () => {
    const seen: unknown[] = [];
    const app = turnEndpoint([options({
      accept: (_, sender) => {
        seen.push(sender.trace);
        return Promise.resolve({ kind: "accepted", id: "a" });
      },
    })]);
    const body = new TextEncoder().encode(JSON.stringify(EXAMPLE));
    const response = await app.request(URL_PATH, {
      method: "POST",
      body,
      headers: { ...headers, [SIGNATURE_HEADER]: sign(SECRET, body) },
    });
    assert.deepEqual([response.status, seen], [200, [trace]]);
  });
}

Deno.test("TurnClient hands a trace on with one call, and not with the next", async () => {
  await using turn = FakeTurn.start({ authToken: "t" });
  using client = clientOf(turn, "t");
  await client.sendMessage(MESSAGE, { ...LONG, trace: TRACE });
  await client.sendMessage(MESSAGE, LONG);
  const traces = turn.calls.map(({ headers }) => [
    headers.get("traceparent"),
    headers.get("tracestate"),
    headers.get("authorization"),
  ]);
  assert.deepEqual(traces, [
    [TRACE.traceparent, TRACE.tracestate, "Bearer t"],
    [null, null, "Bearer t"],
  ]);
});

Deno.test("TurnClient leaves the parent to a fetch that is traced, and hands the state on", async () => {
  await using turn = FakeTurn.start({ authToken: "t" });
  using client = clientOf(turn, "t", true);
  await client.sendMessage(MESSAGE, { ...LONG, trace: TRACE });
  const [{ headers } = assert.fail()] = turn.calls;
  assert.deepEqual([headers.get("traceparent"), headers.get("tracestate")], [null, "vendor=1"]);
});

Deno.test("TurnClient.setAuthToken() changes the token of later calls, or nothing", async () => {
  await using turn = FakeTurn.start({ authToken: "new" });
  using client = clientOf(turn, "old");
  client.setAuthToken("new");
  assert.throws(() => client.setAuthToken("a\nb"), { name: "TypeError" });
  assert.equal((await client.sendMessage(MESSAGE, LONG)).kind, "delivered");
});

Deno.test("TurnClient keeps the token that a call went with out of what came of it", async () => {
  await using turn = FakeTurn.start({ authToken: "old-token" });
  using client = clientOf(turn, "old-token");
  turn.answer = () => {
    client.setAuthToken("new-token");
    return new Response("you said old-token", { status: 422 });
  };
  const delivery = await client.sendMessage(MESSAGE, LONG);
  assert.ok(delivery.kind === "refused");
  assert.equal(delivery.said, "you said [secret]");
});
