import assert from "node:assert/strict";
import { type DelayedRecord, NOTHING_TOLD } from "../../src/bridge/mod.ts";
import type { InboundFound, OutboundFound } from "../../src/inspect/find_search.ts";
import { storyOf, type Surroundings } from "../../src/inspect/find_story.ts";
import type { Waiting } from "../../src/inspect/find_waiting.ts";
import type { ParkedMessage } from "../../src/inspect/parked_messages.ts";
import { USSD } from "../bridge/support.ts";
import { createMessage } from "../../src/vumi/mod.ts";
import { remembered } from "../cache/samples.ts";

const HOUR_MS = 3_600_000;
/** When the message of `remembered()` was queued. */
const QUEUED_AT = Date.parse("2026-01-02T03:04:05.678Z");

function around(more: Partial<Surroundings> = {}): Surroundings {
  return {
    connector: "c",
    depths: { inbound: 3, event: 4, outbound: 5, held: 0, heldSms: 0 },
    hasCache: true,
    now: QUEUED_AT + HOUR_MS,
    content: false,
    ussd: USSD,
    ...more,
  };
}

function inbound(more: Partial<InboundFound> = {}): InboundFound {
  return {
    kind: "inbound",
    id: "m1",
    message: remembered(),
    delivered: undefined,
    meaning: undefined,
    reply: undefined,
    session: undefined,
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
    unacked: undefined,
    shown: undefined,
    screen: [],
    session: undefined,
    waiting: [],
    ...more,
  };
}

function parked(more: Partial<ParkedMessage> = {}): Waiting {
  const message: ParkedMessage = {
    queue: "inbound",
    id: "m1",
    about: null,
    user: "+1",
    parkedAt: "2026-01-02T04:00:00.000Z",
    firstFailure: null,
    reason: "why",
    status: null,
    attempts: 1,
    body: new TextEncoder().encode("no JSON"),
    headers: {},
    ...more,
  };
  return message;
}

function delayed(more: Partial<DelayedRecord> = {}): Waiting {
  const note: DelayedRecord = {
    flow: "inbound",
    id: "m1",
    delayMs: HOUR_MS,
    until: QUEUED_AT + 2 * HOUR_MS,
    attempts: 2,
    firstFailureAt: QUEUED_AT + 1_000,
    reason: "Turn answered 500",
    user: "+1",
    about: undefined,
    ...more,
  };
  return note;
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
      /; or in a delay queue, or at Turn, which only the cache/,
    ],
    [
      "with which a user hung up",
      inbound({ message: remembered({ session_event: "close" }) }),
      {},
      /; or finished: Turn is not called about a user who hangs up/,
    ],
    [
      "to a user not confirmed",
      outbound(),
      {},
      /^there is no record that RabbitMQ confirmed it; .*503/,
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
    [
      "to a user without a cache",
      outbound(),
      UNCACHED,
      /^only the cache knows which statuses Turn has$/,
    ],
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

Deno.test("storyOf() tells the operator's own word of what became of a message", () => {
  const report = { event: "failed", status: "sent", at: QUEUED_AT + 9, attempts: 1 } as const;
  const told = { progress: 2, events: [{ ...report, id: "e1", word: "UNDELIV" }] };
  const { steps, state } = storyOf(outbound({ message: remembered(), told }), around());
  assert.equal(state, "failed");
  assert.equal(
    steps.at(-1)?.text,
    'the transport reported that it failed (UNDELIV), and Turn was told "sent" (event e1)',
  );
});

Deno.test("storyOf() of a body that can't be read says so where it is asked", () => {
  const { steps, content, user } = storyOf(
    inbound({ message: undefined, waiting: [parked()] }),
    around({ content: true }),
  );
  assert.deepEqual(steps[0], { at: null, text: "came from ? to ?, by ? (?)" });
  assert.deepEqual([content, user], [null, "?"]);
});

Deno.test("storyOf() shows content only when it is asked for", () => {
  const body = new TextEncoder().encode(JSON.stringify({ content: "hello" }));
  const found = inbound({ waiting: [parked({ body })] });
  assert.ok(!JSON.stringify(storyOf(found, around())).includes("hello"));
  assert.equal(storyOf(found, around({ content: true })).content, "hello");
});

Deno.test("storyOf() of what Turn has and what is parked all the same says both", () => {
  const delivered = { at: QUEUED_AT + 1, attempts: 1 };
  const { state, now } = storyOf(inbound({ delivered, waiting: [parked()] }), around());
  assert.equal(state, "parked");
  assert.equal(now[0], "Turn has it");
  assert.match(now[1] ?? "", /^it is in c\.inbound\.parked/);
});

Deno.test("storyOf() of an SMS that is throttled says until when it waits", () => {
  const unacked = {
    ...{ message: createMessage(remembered()), sentAt: null, firstAt: QUEUED_AT, tries: 2 },
    ...{ errors: 0, dueAt: QUEUED_AT + 60_000, nack: "n1" },
  };
  const { state, now } = storyOf(outbound({ confirmedAt: QUEUED_AT, unacked }), around());
  assert.equal(state, "held");
  assert.equal(
    now[0],
    "it was sent 2 times and throttled: it waits in c.held.sms until 2026-01-02 03:05:05",
  );
  const sent = { ...unacked, sentAt: QUEUED_AT };
  assert.equal(
    storyOf(outbound({ confirmedAt: QUEUED_AT, unacked: sent }), around()).state,
    "sent",
  );
});

Deno.test("storyOf() of what was held for a user and is parked says where the message is", () => {
  const waiting = [parked({ queue: "held", about: "m1", reason: "bug: TypeError" })];
  const { state, now, steps } = storyOf(outbound({ waiting }), around());
  assert.equal(state, "parked");
  assert.match(now.at(-1) ?? "", /^it is in c\.held\.parked, until .* parked replay --id m1$/);
  const foreign = outbound({ waiting: [parked({ id: "a; b" })] });
  assert.match(storyOf(foreign, around()).now.at(-1) ?? "", /parked replay --id 'a; b'$/);
  assert.match(JSON.stringify(steps), /it was parked after 1 attempt: bug: TypeError/);
});

for (
  const [label, note, state, words] of [
    [
      "with attempts",
      {},
      "delayed",
      "it waits until 2026-01-02 05:04:05, attempt 3, in turn-channels.delay.3600s, because: " +
      "Turn answered 500",
    ],
    [
      "of an event",
      { flow: "status", id: "e1", about: "m1" },
      "delayed",
      "event e1 waits until 2026-01-02 05:04:05, attempt 3, in turn-channels.delay.3600s, because: " +
      "Turn answered 500",
    ],
    [
      "behind another",
      { attempts: 0, firstFailureAt: undefined, reason: "waits behind another" },
      "delayed",
      "it waits until 2026-01-02 05:04:05, in turn-channels.delay.3600s, because: waits behind another",
    ],
    [
      "whose time is over",
      { until: QUEUED_AT + 1_000 },
      "open",
      "the delay of it ended at 2026-01-02 03:04:06: back in c.inbound, among the 3 there, or in work",
    ],
  ] as const
) {
  Deno.test(`storyOf() tells of what waits to be tried again until when: ${label}`, () => {
    const story = storyOf(inbound({ waiting: [delayed(note)] }), around());
    assert.deepEqual([story.state, story.now], [state, [words]]);
  });
}

Deno.test("storyOf() knows the user of a delayed message that is no longer remembered", () => {
  const story = storyOf(inbound({ message: undefined, waiting: [delayed()] }), around());
  assert.equal(story.user, "+1");
  assert.match(story.steps[1]?.text ?? "", /^the first call to Turn about it failed/);
});

Deno.test("storyOf() tells what an answer picked, and not what that says", () => {
  const choice = { kind: "button", id: "secret", title: "Secret", contextId: "t1" } as const;
  const meaning = { choice, number: 2, of: 3, by: "title" } as const;
  const { steps } = storyOf(inbound({ meaning }), around());
  assert.equal(steps[1]?.text, "it picked 2 of 3 of the menu in message t1");
  assert.ok(!JSON.stringify(steps).toLowerCase().includes("secret"));
});

Deno.test("storyOf() tells which page an answer asked for, which Turn need not know of", () => {
  const story = storyOf(inbound({ meaning: { page: 2, of: "t1" } }), around());
  assert.equal(story.steps[1]?.text, "it asked for page 2 of message t1");
  assert.deepEqual([story.state, story.now], [
    "delivered",
    ["the bridge has answered it, and Turn need not know"],
  ]);
});

Deno.test("storyOf() tells what the phone was shown, if it is asked for", () => {
  const shown = JSON.stringify(["1. Yes", "2. No"]);
  assert.equal(storyOf(outbound({ shown }), around()).content, undefined);
  const { content } = storyOf(outbound({ shown }), around({ content: true }));
  assert.deepEqual(content, ["1. Yes", "2. No"]);
});
