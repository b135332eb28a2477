import assert from "node:assert/strict";
import fc from "fast-check";
import { Idempotency } from "../../src/bridge/idempotency.ts";
import { CacheError } from "../../src/cache/mod.ts";
import type { Acceptance, Sender } from "../../src/turn/mod.ts";
import { FlakyCache, settle } from "./support.ts";

const WINDOW_MS = 60_000;

/** Who waits for the answer, or has gone. */
function sender(text = "hello", isGone = false): Sender {
  return { body: new TextEncoder().encode(text), isGone: () => isGone, isLate: () => false };
}

const GONE = sender("hello", true);

/** Answers a request, as the flow of outbound messages does. */
async function take(
  idempotency: Idempotency,
  from: Sender,
  publish: () => Promise<Acceptance>,
): Promise<Acceptance> {
  using request = await idempotency.begin(from);
  const id = await request.find();
  if (id !== undefined) return accepted(id);
  const acceptance = await publish();
  if (acceptance.kind === "accepted") await request.accepted(acceptance.id);
  return acceptance;
}

/** Publishes under ids 1, 2, 3 ... */
function publisher(): {
  readonly publish: () => Promise<Acceptance>;
  readonly count: () => number;
} {
  let count = 0;
  return {
    publish: () => Promise.resolve({ kind: "accepted", id: String(++count) }),
    count: () => count,
  };
}

function accepted(id: string): Acceptance {
  return { kind: "accepted", id };
}

Deno.test("Idempotency takes an equal request for another message, if the first was answered", async () => {
  await using cache = new FlakyCache();
  const idempotency = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
  const { publish } = publisher();
  for (const id of ["1", "2", "3"]) {
    assert.deepEqual(await take(idempotency, sender(), publish), accepted(id));
  }
});

Deno.test("Idempotency answers a repeat as the first, if that one may not have been answered", async () => {
  await using cache = new FlakyCache();
  const idempotency = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
  const { publish, count } = publisher();
  assert.deepEqual(await take(idempotency, GONE, publish), accepted("1"));
  assert.deepEqual(await take(idempotency, sender("other"), publish), accepted("2"));
  assert.deepEqual(await take(idempotency, GONE, publish), accepted("1"));
  assert.deepEqual(await take(idempotency, sender(), publish), accepted("1"));
  // Now it was answered, so the next one is meant.
  assert.deepEqual(await take(idempotency, sender(), publish), accepted("3"));
  assert.equal(count(), 3);
});

Deno.test("Idempotency knows a repeat after the program was killed", async () => {
  await using cache = new FlakyCache();
  const { publish } = publisher();
  // Killed before it could be answered.
  cache.failing.add("deleteNote");
  await take(new Idempotency({ cache, dedupeWindowMs: WINDOW_MS }), sender(), publish);
  await settle();
  cache.failing.clear();
  const next = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
  assert.deepEqual(await take(next, sender(), publish), accepted("1"));
  assert.deepEqual(await take(next, sender(), publish), accepted("2"));
});

Deno.test("Idempotency does not know a repeat after the window", async () => {
  let now = 0;
  await using cache = new FlakyCache(() => now);
  const idempotency = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
  const { publish } = publisher();
  await take(idempotency, GONE, publish);
  now = WINDOW_MS - 1;
  assert.deepEqual(await take(idempotency, GONE, publish), accepted("1"));
  now = WINDOW_MS;
  assert.deepEqual(await take(idempotency, GONE, publish), accepted("2"));
});

Deno.test("Idempotency asks whether somebody is gone when the message is published, not before", async () => {
  await using cache = new FlakyCache();
  const idempotency = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
  let isGone = false;
  const leaving = { ...sender(), isGone: () => isGone };
  await take(idempotency, leaving, () => {
    isGone = true;
    return Promise.resolve(accepted("1"));
  });
  assert.deepEqual(await take(idempotency, sender(), publisher().publish), accepted("1"));
});

Deno.test("Idempotency takes equal requests one after the other, others at once", async () => {
  await using cache = new FlakyCache();
  const idempotency = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
  const { promise: published, resolve: publish } = Promise.withResolvers<Acceptance>();
  const second = publisher();
  const takes = [
    take(idempotency, GONE, () => published),
    take(idempotency, sender(), second.publish),
    take(idempotency, sender(), second.publish),
  ];
  assert.deepEqual(await take(idempotency, sender("other"), second.publish), accepted("1"));
  assert.equal(second.count(), 1);
  publish(accepted("first"));
  // The second idempotency the first, which was not answered; the third is another message.
  assert.deepEqual(await Promise.all(takes), [accepted("first"), accepted("first"), accepted("2")]);
});

Deno.test("Idempotency publishes again what was not accepted", async () => {
  await using cache = new FlakyCache();
  const idempotency = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
  const refusal = { kind: "unknown_reply_to" } as const;
  assert.deepEqual(await take(idempotency, GONE, () => Promise.resolve(refusal)), refusal);
  const failing = take(idempotency, GONE, () => Promise.reject(new RangeError("no")));
  await assert.rejects(failing, RangeError);
  assert.deepEqual(await take(idempotency, GONE, publisher().publish), accepted("1"));
});

Deno.test("Idempotency publishes nothing when the cache can't say whether it was", async () => {
  await using cache = new FlakyCache();
  const idempotency = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
  cache.failing.add("getNote");
  await assert.rejects(take(idempotency, sender(), () => assert.fail("published")), CacheError);
  cache.failing.clear();
  assert.deepEqual(await take(idempotency, sender(), publisher().publish), accepted("1"));
});

Deno.test("Idempotency accepts what is published, also if that can't be noted", async () => {
  await using cache = new FlakyCache();
  const idempotency = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
  cache.failing.add("putNotes");
  assert.deepEqual(await take(idempotency, sender(), publisher().publish), accepted("1"));
});

Deno.test("Idempotency swallows no message because the cache can't forget the last one", async () => {
  await using cache = new FlakyCache();
  const idempotency = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
  const { publish } = publisher();
  cache.failing.add("deleteNote");
  assert.deepEqual(await take(idempotency, sender(), publish), accepted("1"));
  assert.deepEqual(await take(idempotency, sender(), publish), accepted("2"));
  cache.failing.add("putNotes");
  assert.deepEqual(await take(idempotency, sender(), publish), accepted("3"));
  cache.failing.clear();
  assert.deepEqual(await take(idempotency, GONE, publish), accepted("4"));
  assert.deepEqual(await take(idempotency, GONE, publish), accepted("4"));
});

/** One message of Turn's, and how often it is asked for: until it is answered. */
interface Meant {
  readonly text: string;
  readonly vain: number;
}

Deno.test("Idempotency: Turn's messages are each published once, and no message is swallowed", async () => {
  const meant = fc.record({
    text: fc.constantFrom("a", "b"),
    vain: fc.integer({ min: 0, max: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(meant, { maxLength: 8 }), async (messages: readonly Meant[]) => {
      await using cache = new FlakyCache();
      const idempotency = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
      const { publish, count } = publisher();
      const ids = new Set<string>();
      for (const { text, vain } of messages) {
        const answers = [];
        for (let n = 0; n < vain; n++) {
          answers.push(await take(idempotency, sender(text, true), publish));
        }
        const answer = await take(idempotency, sender(text), publish);
        assert.ok(answer.kind === "accepted");
        for (const other of answers) assert.deepEqual(other, answer);
        ids.add(answer.id);
      }
      assert.equal(ids.size, messages.length);
      assert.equal(count(), messages.length);
    }),
  );
});
Deno.test("Idempotency of equal requests at once: as many messages as answers that arrived, at least", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
      async (s, gone) => {
        await using cache = new FlakyCache();
        const idempotency = new Idempotency({ cache, dedupeWindowMs: WINDOW_MS });
        let count = 0;
        const publish = async (): Promise<Acceptance> => {
          await s.schedule(Promise.resolve());
          return accepted(String(++count));
        };
        const answers = await s.waitFor(
          Promise.all(gone.map((isGone) => take(idempotency, sender("a", isGone), publish))),
        );
        const arrived = answers.filter((_, n) => !gone[n]).map((answer) => JSON.stringify(answer));
        assert.equal(new Set(arrived).size, arrived.length, "two answers with one id");
        assert.ok(count <= gone.length);
      },
    ),
  );
});
