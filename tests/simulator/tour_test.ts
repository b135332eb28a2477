import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { runTour } from "../../src/simulator/tour.ts";
import { startPlay } from "./play.ts";

const never = new AbortController().signal;
const GENEROUS_MS = 60_000;

const GOOD = {
  inbound: "✓ inbound: what users write reaches Turn",
  outbound: "✓ outbound: what Turn sends reaches users, as the reply to what they wrote",
  statuses: "✓ statuses: what became of it reaches Turn",
};

/** What is shown, in order; a line is one that contains all of these. */
const STORY: readonly (readonly string[])[] = [
  ["user ──▶ vumi ──▶ bridge", "play.inbound"],
  ['content: "Hello world!"'],
  ["bridge ──▶ Turn", "POST /messages"],
  ['contact: { id: "+26612345678"'],
  ['text: { body: "Hello world!" }'],
  ["Turn ──▶ bridge", "POST /messages, with X-Turn-Hook-Signature"],
  ['to: "+26612345678"'],
  ['from: "8110"'],
  ['turn: { type: "text", text: { body: "Hello world!" } }'],
  ["bridge ──▶ Turn", "200"],
  ['{ messages: [ { id: "…'],
  ["bridge ──▶ vumi ──▶ user", "play.outbound"],
  ['in_reply_to: "…'],
  ['session_event: "close"'],
  ["vumi ──▶ bridge", "play.event"],
  ['event_type: "ack"'],
  ["bridge ──▶ Turn", "POST /statuses"],
  ['status: "sent"'],
  ["vumi ──▶ bridge", "play.event"],
  ['event_type: "delivery_report"'],
  ["bridge ──▶ Turn", "POST /statuses"],
  ['status: "delivered"'],
  ["Turn ──▶ bridge", "POST /messages"],
  ['type: "list"'],
  ["bridge ──▶ vumi ──▶ user", "play.outbound"],
  ['content: "When will you come?\\n1. Monday - at nine\\n2. Friday - at noon"'],
  ["vumi ──▶ bridge", "play.event"],
  ["bridge ──▶ Turn", "POST /statuses"],
  ['status: "sent"'],
  ["user ──▶ vumi ──▶ bridge", "play.inbound"],
  ['content: "friday"'],
  ["bridge ──▶ Turn", "POST /messages"],
  ['type: "list_reply"'],
  ['{ id: "fri", title: "Friday", description: "at noon" }'],
  ["user ──▶ vumi ──▶ bridge", "play.inbound"],
  ['to_addr: "*120*8864#"'],
  ["content: null"],
  ['session_event: "new"'],
  ["bridge ──▶ Turn", "POST /messages"],
  ['text: { body: "*120*8864#" }'],
  ["Turn ──▶ bridge", "POST /messages"],
  ['body: "Welcome!"'],
  ["bridge ──▶ Turn", "200"],
  ["Turn ──▶ bridge", "POST /messages"],
  ['type: "button"'],
  ["waiting_for_user_input: true"],
  ["bridge ──▶ vumi ──▶ user", "play.outbound"],
  ['content: "Welcome!\\nHow are you?\\n1. Well\\n2. Not so well"'],
  ['in_reply_to: "…'],
  ['session_event: "resume"'],
  ["vumi ──▶ bridge", "play.event"],
  ["bridge ──▶ Turn", "POST /statuses"],
  ['status: "sent"'],
  ["bridge ──▶ Turn", "POST /statuses"],
  ['status: "sent"'],
  ["user ──▶ vumi ──▶ bridge", "play.inbound"],
  ['content: "2"'],
  ["bridge ──▶ Turn", "POST /messages"],
  ['type: "button_reply"'],
  ['{ id: "ill", title: "Not so well" }'],
  ['context: { id: "…'],
  ["bridge ──▶ vumi ──▶ user", "play.outbound"],
  ['content: "Get well soon. Goodbye!"'],
  ['session_event: "close"'],
  [GOOD.inbound],
  [GOOD.outbound],
  [GOOD.statuses],
];

Deno.test("runTour() shows the text's examples on their way through all flows", async () => {
  await using play = await startPlay();
  const passed = await runTour({ ...play, stop: never, deadlineMs: GENEROUS_MS });
  const lines = play.shown().split("\n");
  for (const wanted of STORY) {
    const index = lines.findIndex((line) => wanted.every((part) => line.includes(part)));
    assert.notEqual(index, -1, `${wanted} is not shown, or not in this place:\n${play.shown()}`);
    lines.splice(0, index + 1);
  }
  assert.ok(passed);
});

Deno.test("runTour() shows nothing that is wider than a terminal", async () => {
  await using play = await startPlay();
  await runTour({ ...play, stop: never, deadlineMs: GENEROUS_MS });
  const wide = play.shown().split("\n").filter((line) => line.length > 80);
  assert.deepEqual(wide, []);
});

Deno.test("runTour() fits the ids of one message together", async () => {
  await using play = await startPlay();
  await runTour({ ...play, stop: never, deadlineMs: GENEROUS_MS });
  const [inbound, outbound] = [...play.shown().matchAll(/message_id: "(…[\da-f]{8})"/g)];
  const told = /messages: \[ \{ id: "(.*?)"/.exec(play.shown());
  const repliedTo = /in_reply_to: "(.*?)"/.exec(play.shown());
  assert.ok(told?.[1] !== undefined && told[1] === outbound?.[1]);
  assert.ok(repliedTo?.[1] !== undefined && repliedTo[1] === inbound?.[1]);
});

Deno.test("Screen shows no escape codes unless there are colours, and else the same", async () => {
  await using plain = await startPlay();
  await using coloured = await startPlay({ colours: true });
  for (const play of [plain, coloured]) {
    await runTour({ ...play, stop: never, deadlineMs: GENEROUS_MS });
  }
  const anonymous = (text: string): string =>
    text.replaceAll(/…[\da-f]{8}|"\d{10}"|\d\d:\d\d(:\d\d)?/g, "");
  assert.ok(!plain.shown().includes("\x1b"));
  assert.ok(coloured.shown().includes("\x1b["));
  const stripped = stripVTControlCharacters(coloured.shown());
  assert.equal(anonymous(stripped), anonymous(plain.shown()));
});

for (
  const { flow, path } of [
    { flow: "inbound", path: "/messages" },
    { flow: "statuses", path: "/statuses" },
  ]
) {
  Deno.test(`runTour() fails for ${flow} alone when Turn refuses ${path}`, async () => {
    await using play = await startPlay({
      answer: (call) => new Response(null, { status: call.path === path ? 400 : 200 }),
    });
    const passed = await runTour({ ...play, stop: never, deadlineMs: GENEROUS_MS });
    const verdict = `✗ ${flow}: expected Turn to answer with status 200, not 400`;
    assert.deepEqual(play.verdicts(), Object.values({ ...GOOD, [flow]: verdict }));
    assert.equal(passed, false);
  });
}

Deno.test("runTour() fails for outbound, and statuses of it, when the signature is wrong", async () => {
  await using play = await startPlay({ hmacSecret: "another" });
  const passed = await runTour({ ...play, stop: never, deadlineMs: GENEROUS_MS });
  assert.deepEqual(play.verdicts(), [
    GOOD.inbound,
    "✗ outbound: expected Turn to be answered with status 200, not 401",
    "✗ statuses: expected an outbound message to report on",
  ]);
  assert.equal(passed, false);
});

Deno.test("runTour() fails when what must arrive does not in time", async () => {
  await using play = await startPlay({ authToken: "another" });
  const passed = await runTour({ ...play, stop: never, deadlineMs: 100 });
  assert.equal(
    play.verdicts()[0],
    "✗ inbound: expected POST /messages that Turn can read within 0.1 s, nothing came",
  );
  assert.equal(passed, false);
});

Deno.test("runTour() ends at once when it is stopped", async () => {
  await using play = await startPlay({ authToken: "another" });
  const stop = new AbortController();
  const tour = runTour({ ...play, stop: stop.signal, deadlineMs: GENEROUS_MS * 60 });
  await play.turn.received(1);
  stop.abort();
  assert.equal(await tour, false);
  assert.ok(!play.shown().includes("✗"));
});
