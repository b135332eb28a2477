import assert from "node:assert/strict";
import { type Taken, UssdRequests } from "../../src/bridge/ussd_requests.ts";
import { CacheError, type Remembered } from "../../src/cache/mod.ts";
import { formatTimestamp } from "../../src/vumi/mod.ts";
import { remembered } from "../cache/samples.ts";
import { FlakyCache, settle } from "./support.ts";

const SESSION_MS = 180_000;

/** A user's message, so many milliseconds ago. */
function typed(fields: Partial<Remembered> = {}, agoMs = 0): Remembered {
  const timestamp = formatTimestamp(new Date(Date.now() - agoMs));
  return remembered({ message_id: "u1", timestamp, session_event: "resume", ...fields });
}

/** A bridge's requests. */
function requestsOf(cache: FlakyCache): (text: string, inbound?: Remembered) => Promise<Taken> {
  const requests = new UssdRequests({ cache, ussdSessionMs: SESSION_MS });
  return (text, inbound = typed()) => requests.take(inbound, new TextEncoder().encode(text));
}

/** The answer is published and confirmed under an id, or it fails. */
async function end(cache: FlakyCache, taken: Taken, id?: string): Promise<void> {
  assert.ok(taken.kind === "open", taken.kind);
  await using request = taken.request;
  if (id !== undefined) await cache.putNotes([request.answeredBy(id)]);
}

Deno.test("UssdRequests: one answer takes the request, others are told, the same one is known", async () => {
  await using cache = new FlakyCache();
  const take = requestsOf(cache);
  await end(cache, await take("first"), "o1");
  assert.deepEqual(await take("second"), {
    kind: "over",
    reason: "the user's last message was answered already",
  });
  assert.deepEqual(await take("first"), { kind: "repeated", id: "o1" });
  // The user has typed again.
  await end(cache, await take("first", typed({ message_id: "u2" })), "o2");
});

for (
  const [label, inbound, reason] of [
    ["hung up", typed({ session_event: "close" }), /hung up/],
    ["typed too long ago", typed({}, SESSION_MS + 1000), /is 181 s old, and ussd.session_timeout/],
  ] as const
) {
  Deno.test(`UssdRequests: nobody waits when the user has ${label}`, async () => {
    await using cache = new FlakyCache();
    const taken = await requestsOf(cache)("first", inbound);
    assert.ok(taken.kind === "over");
    assert.match(taken.reason, reason);
  });
}

Deno.test("UssdRequests gives a request back whose answer failed", async () => {
  await using cache = new FlakyCache();
  const take = requestsOf(cache);
  await end(cache, await take("first"));
  await end(cache, await take("second"), "o1");
  assert.equal((await take("first")).kind, "over");
});

Deno.test("UssdRequests lets one answer wait for what comes of another", async () => {
  await using cache = new FlakyCache();
  const take = requestsOf(cache);
  const first = await take("first");
  const others = Promise.all([take("second"), take("third"), take("first")]);
  await settle();
  await end(cache, first, "o1");
  assert.deepEqual((await others).map(({ kind }) => kind), ["over", "over", "repeated"]);
  // Or takes its place.
  const inbound = typed({ message_id: "u2" });
  const failing = await take("first", inbound);
  const next = take("second", inbound);
  await end(cache, failing);
  await end(cache, await next, "o2");
});

Deno.test("UssdRequests of another bridge: what is being answered is not known to be over yet", async () => {
  let now = Date.now();
  await using cache = new FlakyCache(() => now);
  const [here, there] = [requestsOf(cache), requestsOf(cache)];
  const first = await here("first");
  assert.deepEqual(await there("second"), { kind: "busy" });
  await end(cache, first, "o1");
  assert.equal((await there("second")).kind, "over");
  assert.deepEqual(await there("first"), { kind: "repeated", id: "o1" });
  // The bridge that was at it has died: then the same answer may go at once, others a moment later.
  const inbound = typed({ message_id: "u2" });
  await requestsOf(cache)("first", inbound);
  assert.deepEqual(await there("second", inbound), { kind: "busy" });
  await end(cache, await there("first", inbound));
  await requestsOf(cache)("first", inbound);
  now += 10_000;
  await end(cache, await there("second", inbound), "o2");
});

Deno.test("UssdRequests takes nothing when the cache can't say whether it was answered", async () => {
  await using cache = new FlakyCache();
  const take = requestsOf(cache);
  cache.failing.add("claimNote");
  await assert.rejects(take("first"), CacheError);
  cache.failing.clear();
  cache.failing.add("deleteNote");
  await end(cache, await take("first"));
  await end(cache, await take("first"), "o1");
});
