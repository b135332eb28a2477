import assert from "node:assert/strict";
import type { Session, SessionStep, UssdOptions } from "../../src/bridge/mod.ts";
import { MessageCache } from "../../src/cache/mod.ts";
import { MemoryStore } from "../../src/cache/memory.ts";
import { searchCache } from "../../src/inspect/find_search.ts";
import { type Story, storyOf, type Surroundings } from "../../src/inspect/find_story.ts";
import { USSD } from "../bridge/support.ts";
import { remembered } from "../cache/samples.ts";

const USER = "+26612345678";
/** When the message of `remembered()` was queued. */
const AT = Date.parse("2026-01-02T03:04:05.678Z");
const DIAL = remembered({
  message_id: "dial",
  from_addr: USER,
  to_addr: "*120#",
  transport_type: "ussd",
});

function step(after: number, what: SessionStep["what"], ...ids: string[]): SessionStep {
  return { at: AT + after * 1_000, what, ids };
}

function session(more: Partial<Session> = {}): Session {
  return {
    inbound: DIAL,
    takenAt: AT,
    dialled: null,
    state: "open",
    holds: 0,
    shown: [],
    steps: [step(0, "dialled", "dial")],
    ...more,
  };
}

/** A message of Turn's, in answer to the dial. */
function sent(id: string) {
  return remembered({
    ...{ message_id: id, to_addr: USER, from_addr: "*120#", transport_type: "ussd" },
    in_reply_to: "dial",
  });
}

interface Kept {
  readonly session?: Session;
  readonly pending?: unknown;
}

/** A cache in which this is kept of the user. */
async function cacheWith({ session, pending }: Kept): Promise<MessageCache> {
  const cache = new MessageCache({
    store: new MemoryStore({ now: () => AT }),
    inboundTtlMs: 1e6,
    outboundTtlMs: 1e6,
    now: () => AT,
  });
  await cache.putInbound(DIAL);
  const kept = { id: USER, ttlMs: 1e6 };
  await cache.putRecords([
    ...session ? [{ kind: "turn", value: JSON.stringify(session), ...kept } as const] : [],
    ...pending ? [{ kind: "pending", value: JSON.stringify(pending), ...kept } as const] : [],
  ]);
  return cache;
}

async function find(
  cache: MessageCache,
  query: string,
  more: Partial<Surroundings> = {},
): Promise<readonly Story[]> {
  const around = {
    connector: "c",
    depths: { inbound: 0, event: 0, outbound: 0, held: 0, heldSms: 0 },
    hasCache: true,
    now: AT + 60_000,
    content: false,
    ussd: USSD as UssdOptions,
    ...more,
  };
  return (await searchCache(query, cache, [])).map((found) => storyOf(found, around));
}

async function sessionOf(kept: Kept, more: Partial<Surroundings> = {}): Promise<Story> {
  const stories = await find(await cacheWith(kept), USER, more);
  return stories.find(({ kind }) => kind === "session") ?? assert.fail("no session");
}

Deno.test("find tells a session as a story, from dialling on", async () => {
  const { steps, state, now, user } = await sessionOf({
    session: session({
      state: "answered",
      shown: ["t3", "t4"],
      asked: { at: AT + 9_000, text: "my secret" },
      steps: [
        step(-99, "dialled", "long-ago"),
        step(0, "dialled", "dial"),
        step(8, "asked_to_wait"),
        step(9, "held", "t1"),
        step(10, "answered", "m2"),
        step(10, "shown", "t1"),
        step(11, "answered", "m3"),
        step(12, "held", "t3"),
        step(13, "held", "t4"),
        step(14, "shown", "t3", "t4"),
        step(15, "late", "t5"),
      ],
    }),
  });
  assert.deepEqual(steps.map(({ text }) => text), [
    "the user dialled (message dial)",
    "a screen asked the user to wait",
    "Turn's message t1 came, and was held for the screen",
    "the user answered (message m2)",
    "a screen showed message t1",
    "the user answered (message m3)",
    "Turn's message t3 came, and was held for the screen",
    "Turn's message t4 came, and was held for the screen",
    "messages t3 and t4 were merged, and one screen showed them",
    "message t5 came too late for the screen",
  ]);
  assert.deepEqual(steps[8], {
    at: "2026-01-02T03:04:19.678Z",
    text: "messages t3 and t4 were merged, and one screen showed them",
    what: "shown",
    ids: ["t3", "t4"],
  });
  assert.deepEqual([state, now, user], [
    "answered",
    ["the screen asks, and the user has not answered yet"],
    USER,
  ]);
});

for (
  const [label, more, seconds, state, words] of [
    ["that waits", {}, 9, "open", /^the user waits for a screen$/],
    ["that nobody has answered", {}, 200, "over", /^the session is over: .* 200 s old/],
    ["that was asked to wait", { state: "holding" }, 9, "holding", /is asked to wait, and sees/],
    ["that may go on", { state: "resuming" }, 9, "resuming", /whether to go on/],
    ["that was ended", { state: "answered" }, 9, "over", /asked nothing, which ends/],
    ["that was hung up", { state: "over" }, 9, "over", /^the session is over$/],
    [
      "whose screen is not confirmed",
      { state: "answered", sending: { ...DIAL, message_id: "t1" } as Session["sending"] & object },
      9,
      "open",
      /^the screen t1 waits to be confirmed in c\.outbound$/,
    ],
  ] as const
) {
  Deno.test(`find tells how a session is ${label}`, async () => {
    const story = await sessionOf({ session: session(more) }, { now: AT + seconds * 1_000 });
    assert.equal(story.state, state);
    assert.match(story.now[0] ?? "", words);
  });
}

Deno.test("find tells how many messages wait for a bridge while a user waits", async () => {
  const depths = { inbound: 0, event: 0, outbound: 0, held: 2, heldSms: 0 };
  const { now } = await sessionOf({ session: session() }, { depths, now: AT + 1 });
  assert.match(now[0] ?? "", /2 of Turn's messages wait in c\.held for a bridge$/);
});

const PENDING = {
  messages: ["t1", "t2"].map((id) => (
    { id, inbound: DIAL, request: { message: { type: "text", text: { body: `secret ${id}` } } } }
  )),
  noticedAt: AT,
};

Deno.test("find tells how many messages the next dial shows, and which if it is asked", async () => {
  const story = await sessionOf({ pending: PENDING });
  assert.deepEqual([story.steps, story.state, story.pending], [[], "over", 2]);
  assert.equal(
    story.now[1],
    "2 messages wait for the user's next dial, which shows them first; an SMS said so at " +
      "2026-01-02 03:04:05",
  );
  assert.ok(!JSON.stringify(story).includes("secret"));
  const { content } = await sessionOf({ pending: PENDING }, { content: true });
  assert.match(JSON.stringify(content), /secret t1.*secret t2/);
});

Deno.test("find tells what the last screen asked only if it is asked", async () => {
  const kept = { session: session({ state: "answered", asked: { at: AT, text: "my secret" } }) };
  assert.ok(!JSON.stringify(await sessionOf(kept)).includes("my secret"));
  const { content } = await sessionOf(kept, { content: true });
  assert.deepEqual(content, { asked: "my secret", pending: [] });
});

Deno.test("find tells of a message that waits for its screen where it is, and its session", async () => {
  const cache = await cacheWith({ session: session() });
  await cache.putOutbound(sent("t1"));
  const [story, told, ...others] = await find(cache, "t1");
  assert.equal(story?.state, "held");
  assert.match(story?.now[0] ?? "", /^it is in c\.held until a screen shows it, unless/);
  assert.deepEqual([told?.kind, told?.id, others], ["session", USER, []]);
  // Nobody waits for it any more.
  const [late] = await find(cache, "t1", { now: AT + 181_000 });
  assert.equal(late?.state, "open");
});

Deno.test("find tells with which others a message was shown, by each of the ids", async () => {
  const steps = [step(0, "dialled", "dial"), step(1, "held", "t1"), step(2, "held", "t2")];
  const cache = await cacheWith({
    session: session({
      state: "answered",
      steps: [...steps, step(3, "shown", "t1", "t2")],
      shown: ["t1", "t2"],
    }),
  });
  const kept = { ttlMs: 1e6 };
  for (const id of ["t1", "t2"]) {
    await cache.putOutbound(sent(id), [], [
      { kind: "screen", id, value: JSON.stringify(["t1", "t2"]), ...kept },
      { kind: "shown", id: "t1", value: JSON.stringify(["One\nTwo"]), ...kept },
    ]);
    await cache.putNotes([{ kind: "confirmed", id, value: `${AT + 3_000}`, ...kept }]);
  }
  const [story, told] = await find(cache, "t2", { content: true });
  assert.deepEqual(story?.steps.slice(-2).map(({ text }) => text), [
    "it was held for the user's screen",
    "RabbitMQ confirmed one screen with it and message t1 in c.outbound",
  ]);
  assert.deepEqual(story?.content, ["One\nTwo"]);
  assert.equal(told?.kind, "session");
});

Deno.test("find tells of a message that waits for the next dial", async () => {
  const cache = await cacheWith({ pending: PENDING });
  await cache.putOutbound(sent("t2"));
  const [story, told] = await find(cache, "t2");
  assert.deepEqual([story?.state, story?.now], [
    "held",
    ["it waits for the user's next dial, which shows it first"],
  ]);
  assert.equal(told?.pending, 2);
});

Deno.test("find tells the session in which a message was, not a later one", async () => {
  const steps = [
    step(0, "dialled", "dial"),
    step(1, "shown", "t1"),
    step(5, "hung_up", "m2"),
    step(9, "dialled", "m3"),
  ];
  const cache = await cacheWith({ session: session({ steps }) });
  await cache.putOutbound(sent("t1"));
  const [, told] = await find(cache, "t1");
  assert.deepEqual(told?.steps.map(({ what }) => what), ["dialled", "shown", "hung_up"]);
  assert.deepEqual([told?.state, told?.now], ["over", ["the user has dialled again since"]]);
});

Deno.test("find tells of an answer that the bridge took for itself that Turn need not know", async () => {
  const cache = await cacheWith({ session: session() });
  const value = JSON.stringify({ at: AT, attempts: 0 });
  await cache.putNotes([{ kind: "delivered_inbound", id: "dial", value, ttlMs: 1e6 }]);
  const [story] = await find(cache, "dial");
  assert.deepEqual([story?.state, story?.now], [
    "delivered",
    ["the bridge has answered it, and Turn need not know"],
  ]);
});
