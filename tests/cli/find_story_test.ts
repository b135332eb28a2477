import assert from "node:assert/strict";
import { NOTHING_TOLD } from "../../src/bridge/mod.ts";
import type { InboundFound, OutboundFound } from "../../src/cli/find_search.ts";
import { storyOf, type Surroundings } from "../../src/cli/find_story.ts";
import { queuesOf, type WaitingMessage } from "../../src/vumi/mod.ts";
import { remembered } from "../cache/samples.ts";

const HOUR_MS = 3_600_000;
/** When the message of `remembered()` was queued. */
const QUEUED_AT = Date.parse("2026-01-02T03:04:05.678Z");

function around(more: Partial<Surroundings> = {}): Surroundings {
  return {
    connector: "c",
    queues: queuesOf("c"),
    depths: { inbound: 3, event: 4, outbound: 5 },
    hasCache: true,
    noteTtlMs: 48 * HOUR_MS,
    now: QUEUED_AT + HOUR_MS,
    content: false,
    ...more,
  };
}

function inbound(more: Partial<InboundFound> = {}): InboundFound {
  return {
    kind: "inbound",
    id: "m1",
    message: remembered(),
    delivered: undefined,
    reply: undefined,
    waiting: [],
    ...more,
  };
}

function outbound(more: Partial<OutboundFound> = {}): OutboundFound {
  return {
    kind: "outbound",
    id: "m1",
    message: remembered(),
    repliedTo: undefined,
    confirmedAt: undefined,
    told: NOTHING_TOLD,
    waiting: [],
    ...more,
  };
}

function waiting(more: Partial<WaitingMessage> = {}): WaitingMessage {
  return {
    queue: "inbound",
    where: "c.inbound.parked",
    id: "m1",
    about: null,
    user: "+1",
    parkedAt: "2026-01-02T04:00:00.000Z",
    delayMs: undefined,
    firstFailure: undefined,
    reason: "why",
    status: null,
    attempts: 1,
    body: new TextEncoder().encode("no JSON"),
    headers: {},
    ...more,
  };
}

const UNSEEN = { depths: undefined };
const UNCACHED = { hasCache: false };
const LATE = { now: QUEUED_AT + 48 * HOUR_MS + 1 };

for (
  const [label, found, surroundings, words] of [
    [
      "that waits in its queue",
      inbound(),
      {},
      /^it is in work, or among the 3 that wait in c\.inb/,
    ],
    [
      "of whose queues nothing is known",
      inbound(),
      UNSEEN,
      /^it is in one of the queues, which co/,
    ],
    [
      "of two days ago",
      inbound(),
      LATE,
      /; or at Turn, which is not remembered for longer than 48/,
    ],
    [
      "of which only the cache could tell",
      inbound(),
      UNCACHED,
      /; or at Turn, which only the cache/,
    ],
    [
      "with which a user hung up",
      inbound({ message: remembered({ session_event: "close" }) }),
      {},
      /; or done with: Turn is not told of a user who hangs up/,
    ],
    [
      "to a user not confirmed",
      outbound(),
      {},
      /^it is not noted that RabbitMQ confirmed it: .*503/,
    ],
    [
      "to a user of two days ago",
      outbound(),
      LATE,
      /^what became of it is not remembered for long/,
    ],
    [
      "to a user not remembered",
      outbound({ message: undefined }),
      {},
      /^no message of this id is r/,
    ],
    ["to a user without a cache", outbound(), UNCACHED, /only the cache could tell$/],
  ] as const
) {
  Deno.test(`storyOf() a message ${label} is open, and says why`, () => {
    const { state, now } = storyOf(found, around(surroundings));
    assert.equal(state, "open");
    assert.equal(now.length, 1);
    assert.match(now[0] ?? "", words);
  });
}

Deno.test("storyOf() does not say that there may be more where nothing more may be", () => {
  const { now } = storyOf(inbound(), around());
  assert.deepEqual(now, ["it is in work, or among the 3 that wait in c.inbound"]);
});

Deno.test("storyOf() tells in order of time, and leaves what has none behind what it was said after", () => {
  const told = {
    id: "e1",
    event: "nack",
    status: "failed",
    at: QUEUED_AT + 9,
    attempts: 3,
  } as const;
  const { steps, state } = storyOf(
    outbound({
      message: remembered({ in_reply_to: "gone" }),
      confirmedAt: QUEUED_AT + 20,
      told: { progress: 2, events: [told] },
    }),
    around(),
  );
  assert.equal(state, "failed");
  assert.deepEqual(steps.map(({ at, text }) => [at, text.slice(0, 25)]), [
    ["2026-01-02T03:04:05.678Z", "Turn asked for it to be s"],
    [null, "it answers gone, which is"],
    ["2026-01-02T03:04:05.687Z", "the transport nacked it, "],
    ["2026-01-02T03:04:05.698Z", "RabbitMQ confirmed it in "],
  ]);
  assert.match(steps[2]?.text ?? "", /Turn was told "failed", at attempt 3 \(event e1\)$/);
});

Deno.test("storyOf() of a body that can't be read says so where it is asked", () => {
  const { steps, content, user } = storyOf(
    inbound({ message: undefined, waiting: [waiting()] }),
    around({ content: true }),
  );
  assert.deepEqual(steps[0], { at: null, text: "came from ? to ?, by ? (?)" });
  assert.deepEqual([content, user], [null, "?"]);
});

Deno.test("storyOf() shows content only when it is asked for", () => {
  const body = new TextEncoder().encode(JSON.stringify({ content: "hello" }));
  const found = inbound({ waiting: [waiting({ body })] });
  assert.ok(!JSON.stringify(storyOf(found, around())).includes("hello"));
  assert.equal(storyOf(found, around({ content: true })).content, "hello");
});

Deno.test("storyOf() of what Turn has and what is parked all the same says both", () => {
  const delivered = { at: QUEUED_AT + 1, attempts: 1 };
  const { state, now } = storyOf(inbound({ delivered, waiting: [waiting()] }), around());
  assert.equal(state, "parked");
  assert.equal(now[0], "Turn has it");
  assert.match(now[1] ?? "", /^it is in c\.inbound\.parked/);
});
