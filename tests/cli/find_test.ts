import assert from "node:assert/strict";
import { delayQueue } from "../../src/broker/mod.ts";
import { SECRET } from "../support/bridge.ts";
import { send } from "../support/fake_turn.ts";
import { DELAY_MS, idIn, Live } from "../support/live.ts";
import type { Output } from "../support/program.ts";
import { until } from "../support/until.ts";

const USER = "+26612345678";
const DELAYED = delayQueue(DELAY_MS);

/** As the program writes it, so far as it matters here. */
interface Story {
  readonly kind: string;
  readonly id: string;
  readonly user: string | null;
  readonly state: string;
  readonly steps: readonly { readonly at: string | null; readonly text: string }[];
  readonly now: readonly string[];
  readonly content?: unknown;
}

/**
 * Looks for `query`, for people and for programs; both must find the same. One after the other, and
 * perhaps again: what one has looked at is back in its queue a moment after.
 */
async function find(live: Live, query: string, ...more: string[]): Promise<[Output, Story[]]> {
  let found: [Output, Story[]] | undefined;
  let missing = "";
  await until("the same to be found", async () => {
    const output = await live.command(["find", query], more);
    const json = await live.command(["find", query], ["--json", ...more]);
    assert.equal(json.code, output.code);
    const stories: Story[] = json.stdout.split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line));
    const told = stories.flatMap(({ id, steps, now }) => [id, ...steps.map(textOf), ...now]);
    missing = told.find((text) => !output.stdout.includes(text)) ?? "";
    if (missing === "") found = [output, stories];
    return found !== undefined;
  }).catch(() => {});
  return found ?? assert.fail(`Not told to people: ${missing}`);
}

function textOf({ text }: { readonly text: string }): string {
  return text;
}

/** Looks for what is to be found exactly once. */
async function findOne(live: Live, query: string, ...more: string[]): Promise<[Output, Story]> {
  const [output, [story, ...others]] = await find(live, query, ...more);
  assert.equal(output.code, 0, output.stderr);
  assert.equal(output.stderr, "");
  assert.deepEqual(others, []);
  return [output, story ?? assert.fail(output.stdout)];
}

/** Notes are written beside the work, or a moment after Turn was called: waits for the state. */
async function findState(
  live: Live,
  query: string,
  state: string,
  ...more: string[]
): Promise<[Output, Story]> {
  let last = await findOne(live, query, ...more);
  await until(`${query} to be ${state}`, async () => {
    if (last[1].state === state) return true;
    last = await findOne(live, query, ...more);
    return last[1].state === state;
  }).catch(() => assert.fail(`${last[0].stdout}`));
  return last;
}

function texts({ steps }: Story): readonly string[] {
  return steps.map(textOf);
}

Deno.test("find tells of a delivered message when it came, when Turn took it and what it answered", async () => {
  await using live = await Live.prepare();
  await using _running = await live.start();
  let calls = 0;
  live.turn.answer = () => new Response("{}", { status: calls++ === 0 ? 500 : 200 });
  const before = new Date().toISOString();
  await live.transport.sendInbound({ message_id: "m1", content: "my secret" });
  await live.turn.received(2);
  // Else Turn's answer may come before it is noted that Turn has the message.
  await findState(live, "m1", "delivered");
  const { id = "" } = await live.send("Hi");
  const [output, story] = await findState(live, "m1", "delivered");
  assert.equal(story.user, USER);
  assert.deepEqual(texts(story), [
    `came from ${USER} to 8110, by smpp_transport (sms)`,
    "Turn took it, at attempt 2",
    `Turn answered it with message ${id}`,
  ]);
  const [came, taken, answered] = story.steps.map(({ at }) => at ?? "");
  assert.equal(came, "2015-06-15T13:00:00.000Z");
  assert.ok(before <= taken! && taken! <= answered! && answered! <= new Date().toISOString());
  assert.deepEqual(story.now, ["Turn has it"]);
  assert.match(output.stdout, /^ {2}2015-06-15 13:00:00 {2}came from/m);
  assert.ok(!output.stdout.includes("my secret"), output.stdout);
});

Deno.test("find tells a USSD session as a story, and of each message with which others it was shown", async () => {
  await using live = await Live.prepare({
    "ussd-merge-window": "60",
    "ussd-answer-deadline": "60",
  });
  await using _running = await live.start();
  const dial = { session_event: "new", transport_type: "ussd", to_addr: "*120#", content: null };
  const timestamp = new Date().toISOString().replace("T", " ").replace("Z", "000");
  await live.transport.sendInbound({ message_id: "m1", timestamp, ...dial });
  await live.turn.received(1);
  const asks = async (body: string, waiting_for_user_input: boolean): Promise<string> => {
    const request = { to: USER, turn: { type: "text", text: { body } }, waiting_for_user_input };
    const answer = await send(`${live.address}/messages`, request, { secret: SECRET });
    assert.equal(answer.status, 200);
    return (await answer.json()).messages[0].id;
  };
  const first = await asks("my secret words", false);
  const held = await findFirst(live, first);
  assert.deepEqual([held.state, held.now[0]?.split(" until ")[0]], [
    "held",
    `it is in ${live.connector}.held`,
  ]);
  const second = await asks("And you?", true);
  await live.transport.received(1);
  const [output, stories] = await find(live, USER);
  const session = stories.at(-1) ?? assert.fail();
  assert.deepEqual([session.kind, session.state], ["session", "answered"]);
  assert.deepEqual(texts(session), [
    "the user dialled (message m1)",
    `Turn's message ${first} came, and was held for the screen`,
    `Turn's message ${second} came, and was held for the screen`,
    `messages ${first} and ${second} were merged, and one screen showed them`,
  ]);
  assert.match(output.stdout, /^USSD session of \+26612345678, connector /m);
  assert.ok(!output.stdout.includes("secret"));
  const shown = await findFirst(live, second, "--content");
  assert.deepEqual(shown.content, ["my secret words\nAnd you?"]);
  assert.match(texts(shown).at(-1) ?? "", new RegExp(`one screen with it and message ${first} in`));
  const own = await live.command(["find", `${"a".repeat(32)}-own`]);
  assert.equal(own.code, 1);
  assert.match(own.stderr, /is a screen of the bridge's own: search for its user's address/);
});

async function findFirst(live: Live, query: string, ...more: string[]): Promise<Story> {
  const [output, [story]] = await find(live, query, ...more);
  return story ?? assert.fail(output.stderr);
}

Deno.test("find tells of a delayed message how often it was tried and when it comes again", async () => {
  await using live = await Live.prepare({ "max-retries": "1" });
  await using _running = await live.start();
  live.turn.answer = () => new Response(null, { status: 500 });
  await live.transport.sendInbound({ message_id: "m1", content: "my secret" });
  await live.transport.sendInbound({ message_id: "m2" });
  await until("both to be delayed", async () => await live.transport.delayed(DELAY_MS) === 2);
  const [output, story] = await findOne(live, "m1");
  assert.equal(story.state, "delayed");
  assert.match(texts(story)[1] ?? "", /^the first call to Turn about it failed$/);
  const [, at = "", why] = /^it waits until (.{19}), (.*)$/.exec(story.now[0] ?? "") ?? [];
  assert.equal(why, `attempt 3, in ${DELAYED}, because: Turn answered 500`);
  const inMs = Date.parse(`${at}Z`) - Date.now();
  assert.ok(inMs > DELAY_MS - 60_000 && inMs <= DELAY_MS, `${inMs}`);
  assert.ok(!output.stdout.includes("my secret"));
  const [, behind] = await findState(live, "m2", "delayed");
  assert.match(behind.now[0] ?? "", /waits behind an earlier message of the same user/);
  // They stay where they are.
  assert.equal(await live.transport.delayed(DELAY_MS), 2);
});

Deno.test("find tells of a parked message why, since when, and what can be done", async () => {
  await using live = await Live.prepare();
  await using _running = await live.start();
  live.turn.answer = () => Response.json({ errors: [{ title: "No such" }] }, { status: 404 });
  await live.transport.sendInbound({ message_id: "m1" });
  await live.waiting("inbound.parked", 1);
  const [output, story] = await findOne(live, "m1");
  assert.equal(story.state, "parked");
  assert.deepEqual(texts(story).slice(1), [
    "the first call to Turn about it failed",
    "it was parked after 1 attempt: Turn answered 404: No such",
  ]);
  assert.match(story.now[0] ?? "", /\.inbound\.parked, .* turn-channels parked replay --id m1$/);
  assert.match(output.stdout, /^ {2}now \(times are UTC\) {2}it is in /m);
  live.turn.answer = () => Response.json({});
  assert.equal((await live.command(["parked", "replay", "--id=m1"])).code, 0);
  await findState(live, "m1", "delivered");
});

Deno.test("find tells of a message to a user what it answers, its confirm, and each status", async () => {
  await using live = await Live.prepare();
  await using _running = await live.start();
  await live.transport.sendInbound({ message_id: "m1" });
  await live.turn.received(1);
  const { id = "" } = await live.send("my secret");
  const [, sent] = await findState(live, id, "sent");
  assert.deepEqual(texts(sent), [
    "message m1 came from the user, which it answers",
    `Turn asked for it to be sent to ${USER} from 8110, by smpp_transport (sms)`,
    `RabbitMQ confirmed it in ${live.connector}.outbound`,
  ]);
  assert.match(sent.now[0] ?? "", /it is among the 0 in .*; Turn has no status of it yet; 0 ev/);
  const event = { user_message_id: id };
  const ack = { ...event, event_id: "e1", event_type: "ack", sent_message_id: "p" };
  await live.transport.sendEvent(ack);
  await live.turn.received(2);
  await until("the ack", async () => (await findOne(live, id))[1].steps.length === 4);
  const [, acked] = await findOne(live, id);
  assert.equal(acked.state, "sent");
  assert.match(acked.now[0] ?? "", /^the provider has it, and Turn knows/);
  const report = { ...event, event_type: "delivery_report", delivery_status: "delivered" };
  await live.transport.sendEvent({ ...report, event_id: "e2" });
  const [output, delivered] = await findState(live, id, "delivered");
  assert.deepEqual(texts(delivered).slice(3), [
    'the transport acked it, and Turn was told "sent" (event e1)',
    'the transport reported that it was delivered, and Turn was told "delivered" (event e2)',
  ]);
  assert.deepEqual(delivered.now, ["the user has it, and Turn knows"]);
  assert.ok(!output.stdout.includes("my secret"));
});

Deno.test("find tells of a message that failed, and finds it by an event that is parked", async () => {
  await using live = await Live.prepare({ "failed-status": "failed", "max-retries": "0" });
  await using _running = await live.start();
  const { id = "" } = await live.send("Hi");
  const nack = { user_message_id: id, event_type: "nack", nack_reason: "no credit" };
  await live.transport.sendEvent({ ...nack, event_id: "e1" });
  const [, failed] = await findState(live, id, "failed");
  assert.match(texts(failed).at(-1) ?? "", /nacked it, and Turn was told "failed" \(event e1\)$/);
  const report = { user_message_id: id, event_type: "delivery_report" };
  live.turn.answer = () => new Response(null, { status: 400 });
  await live.transport.sendEvent({ ...report, event_id: "e2", delivery_status: "delivered" });
  await live.waiting("event.parked", 1);
  live.turn.answer = () => new Response(null, { status: 500 });
  await live.transport.sendEvent({ ...report, event_id: "e3", delivery_status: "delivered" });
  await until("e3", async () => await live.transport.delayed(DELAY_MS) === 1);
  const [, story] = await findOne(live, "e2");
  assert.deepEqual([story.id, story.state, story.user], [id, "parked", USER]);
  assert.match(
    story.now[1] ?? "",
    /^event e2 \(delivery report delivered\) is in .*event\.parked,/,
  );
  const [, whole] = await findOne(live, id);
  assert.equal(whole.now.length, 3);
  assert.ok(
    whole.now.some((text) => /^event e3 waits until .*, attempt 2, in .*500$/.test(text)),
  );
});

Deno.test("find tells of an address the user's last messages, and all that waits", async () => {
  await using live = await Live.prepare({ "max-retries": "0" });
  await using _running = await live.start();
  await live.transport.sendInbound({ message_id: "other", from_addr: "+1" });
  await live.transport.sendInbound({ message_id: "m1" });
  await live.turn.received(2);
  const { id: first = "" } = await live.send("Hi");
  const { id: second = "" } = await live.send("Ho");
  live.turn.answer = ({ path, body }) => {
    const isLast = path === "/messages" && idIn(body) === "m4";
    return new Response(null, { status: isLast ? 500 : 400 });
  };
  await live.transport.sendInbound({ message_id: "m2" });
  await live.waiting("inbound.parked", 1);
  await live.transport.sendInbound({ message_id: "m3", from_addr: "+1" });
  await live.transport.sendInbound({ message_id: "m4" });
  // About a message that is not the user's last one.
  const ack = { event_type: "ack", sent_message_id: "p", event_id: "e1" };
  await live.transport.sendEvent({ ...ack, user_message_id: first });
  await live.waiting("event.parked", 1);
  await until("m4", async () => await live.transport.delayed(DELAY_MS) === 1);
  const [output, stories] = await find(live, USER);
  assert.equal(output.code, 0);
  const states = Object.fromEntries(stories.map(({ id, state }) => [id, state]));
  assert.deepEqual(states, { m2: "parked", m4: "delayed", [first]: "parked", [second]: "sent" });
  assert.ok(stories.every(({ user }) => user === USER));
});

Deno.test("find lists all that a user sent and was sent within 24 hours, with or without the plus", async () => {
  await using live = await Live.prepare();
  await using _running = await live.start();
  const now = Date.now();
  const came = async (message_id: string, agoMs: number, from_addr = USER): Promise<void> => {
    const timestamp = new Date(now - agoMs).toISOString().replace("T", " ").replace("Z", "000");
    await live.transport.sendInbound({ message_id, from_addr, timestamp });
  };
  await came("m0", 25 * 3_600_000);
  for (const [index, minutes] of [90, 60, 30].entries()) await came(`m${index + 1}`, minutes * 6e4);
  await came("other", 1_000, "+26612345679");
  await live.turn.received(5);
  const { id: first = "" } = await live.send("Hi");
  const { id: second = "" } = await live.send("Ho");
  for (const query of [USER, USER.slice(1), "+266 1234 5678"]) {
    const [output, stories] = await find(live, query);
    assert.equal(output.code, 0, output.stderr);
    assert.deepEqual(stories.map(({ id }) => id), ["m1", "m2", "m3", first, second]);
  }
});

Deno.test("find says what it does not know, exit code 1", async () => {
  await using live = await Live.prepare();
  await using _running = await live.start();
  for (const query of ["nobody", "+0", "\u001b[2Jevil"]) {
    const [{ code, stdout, stderr }] = await find(live, query);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      / was not found, neither in the cache \(it is older than the cache keeps, or/,
    );
    assert.ok(!stderr.includes("\u001b"), JSON.stringify(stderr));
  }
});

Deno.test("find says of what only a queue knows that the cache has forgotten it", async () => {
  await using live = await Live.prepare({ "message-cache-config-timeout": "0.001" });
  await using _running = await live.start();
  live.turn.answer = () => new Response(null, { status: 400 });
  await live.transport.sendInbound({ message_id: "m1" });
  await live.waiting("inbound.parked", 1);
  const [, story] = await findOne(live, "m1");
  assert.equal(story.state, "parked");
  assert.ok(texts(story).includes(`came from ${USER} to 8110, by smpp_transport (sms)`));
  assert.match(texts(story).join(), /not in the cache: it is older than the cache keeps/);
});

Deno.test("find tells what the cache knows while the broker is away, exit code 69", async () => {
  await using live = await Live.prepare();
  await using running = await live.start();
  await live.transport.sendInbound({ message_id: "m1" });
  await live.turn.received(1);
  const { id = "" } = await live.send("Hi");
  await findState(live, "m1", "delivered");
  await findState(live, id, "sent");
  assert.equal(await running.stop("SIGTERM"), 0);
  const away = "--amqp-url=amqp://guest:hunter2@127.0.0.1:9";
  // Each waits for the broker for as long as a person would.
  const [[output, [story = assert.fail()]], [, [outbound = assert.fail()]], [unknown]] =
    await Promise.all([find(live, "m1", away), find(live, id, away), find(live, "nobody", away)]);
  assert.deepEqual([output.code, story.state], [69, "delivered"]);
  assert.match(output.stderr, /^Cannot connect to RabbitMQ at 127\.0\.0\.1:9/);
  assert.ok(!output.stderr.includes("hunter2"));
  assert.match(outbound.now[0] ?? "", /whether an event waits is not known$/);
  assert.deepEqual([unknown.code, unknown.stdout], [69, ""]);
});

Deno.test("find tells what the queues know where the cache can't be looked into", async () => {
  await using live = await Live.prepare({ "message-cache-class": "MemoryMessageCache" });
  await using _running = await live.start();
  live.turn.answer = () => new Response(null, { status: 400 });
  await live.transport.sendInbound({ message_id: "m1" });
  await live.waiting("inbound.parked", 1);
  const [memory, [story = assert.fail()]] = await find(live, "m1");
  assert.deepEqual([memory.code, story.state], [0, "parked"]);
  assert.match(memory.stderr, /MemoryMessageCache is inside the running bridge/);
  for (
    const flags of [
      ["DenoKvMessageCache", "--message-cache-config-path=/nowhere/at/all.kv"],
      ["RedisMessageCache", "--message-cache-config-url=redis://:hunter2@127.0.0.1:9"],
    ]
  ) {
    const [name, place = ""] = flags;
    // What was looked at is back in its queue a moment after.
    await until("the message back", async () => await live.transport.depth("inbound.parked") === 1);
    const [faulty, stories] = await find(live, "m1", `--message-cache-class=${name}`, place);
    assert.equal(faulty.code, 69, faulty.stderr);
    assert.equal(stories[0]?.state, "parked");
    assert.match(faulty.stderr, /^Cannot /);
    assert.ok(!faulty.stderr.includes("hunter2") && !faulty.stderr.includes("    at "));
  }
});

Deno.test("find wants one id or address, exit code 64", async () => {
  await using live = await Live.prepare();
  for (const words of [["find"], ["find", "a", "b"]]) {
    const { code, stdout } = await live.command(words);
    assert.deepEqual([code, stdout], [64, ""]);
  }
});
