import assert from "node:assert/strict";
import { Inbox } from "../../src/simulator/inbox.ts";

const never = new AbortController().signal;

Deno.test("Inbox.take() takes what has arrived, oldest first", async () => {
  const inbox = new Inbox<string | undefined>();
  inbox.put("a");
  inbox.put(undefined);
  assert.equal(await inbox.take(never), "a");
  assert.equal(await inbox.take(never), undefined);
});

Deno.test("Inbox.take() waits, and who came first is served first", async () => {
  const inbox = new Inbox<string>();
  const takers = [inbox.take(never), inbox.take(never)];
  inbox.put("a");
  inbox.put("b");
  assert.deepEqual(await Promise.all(takers), ["a", "b"]);
});

Deno.test("Inbox.take() that was given up takes nothing", async () => {
  const inbox = new Inbox<string>();
  const stop = new AbortController();
  const givenUp = inbox.take(stop.signal);
  const patient = inbox.take(never);
  stop.abort("enough");
  await assert.rejects(givenUp, (reason) => reason === "enough");
  await assert.rejects(inbox.take(stop.signal), (reason) => reason === "enough");
  inbox.put("a");
  assert.equal(await patient, "a");
});
