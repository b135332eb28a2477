import assert from "node:assert/strict";
import { Live } from "../support/live.ts";
import { Program } from "../support/program.ts";
import { atTerminal, noPty } from "../support/pty.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";

/** Clears the screen, in both ways to write it; runs text backwards; ends the line. */
const HOSTILE = "evil\u001b[2J\u009b2J\u202e\r\nfaked line\u0007";

/** A character that a terminal obeys, or does not show. Line breaks aside, which tables have. */
// deno-lint-ignore no-control-regex -- these are what it is about
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** A bridge whose Turn refuses these messages, until told otherwise. */
async function refusing(ids: readonly string[], live: Live): Promise<void> {
  live.turn.answer = ({ body }) => {
    const refused = ids.includes((body as { message?: { id: string } }).message?.id ?? "");
    const errors = [{ title: "No such thing", details: HOSTILE }];
    return refused ? Response.json({ errors }, { status: 404 }) : Response.json({});
  };
  for (const message_id of ids) await live.transport.sendInbound({ message_id });
  await live.waiting("inbound.parked", ids.length);
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** What went wrong is said in words, and not as a trace of the program. */
function assertPlain(stderr: string): void {
  assert.ok(!stderr.includes("    at ") && !/error:.*Error/i.test(stderr), stderr);
}

Deno.test("parked show shows also what is nested too deep for JSON, and what is parked beside it", async () => {
  await using live = await Live.prepare();
  await using _running = await live.start();
  const deep = "[".repeat(50_000) + "]".repeat(50_000);
  for (const text of [deep, "no JSON"]) {
    await live.transport.publish("inbound", new TextEncoder().encode(text));
  }
  await live.waiting("inbound.parked", 2);
  const { code, stdout, stderr } = await live.command(["parked", "show"], []);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /no JSON/);
});

Deno.test("parked list has a line a message, by whatever it is looked for, and shows nothing raw", async () => {
  await using live = await Live.prepare();
  await using _running = await live.start();
  await refusing(["m1", HOSTILE], live);
  await live.transport.publish("inbound", new TextEncoder().encode("no JSON"));
  await live.waiting("inbound.parked", 3);
  await live.transport.publish("event.parked", { event_id: "e1", user_message_id: "m1" }, {
    "x-parked-reason": `old ${HOSTILE}`,
    "x-parked-at": "2020-01-01T00:00:00.000Z",
  });
  const list = async (...more: string[]) => {
    const { code, stdout, stderr } = await live.command(["parked", "list"], more);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.ok(!OBEYED.test(stdout), JSON.stringify(stdout));
    return lines(stdout);
  };
  const [head = "", ...rows] = await list();
  assert.match(head, /^queue +parked at \(UTC\) +id +status +attempts +reason$/);
  assert.equal(rows.pop(), "4 messages");
  const [m1 = "", evil = "", unreadable = "", event = ""] = rows;
  assert.match(
    m1,
    /^inbound +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d +m1 +404 +1 +Turn answered 404: No such/,
  );
  assert.match(evil, /^inbound .* evil\\u001b\[2J\\u009b2J\\u202e\\u000d\\u000afaked line\\u0007 /);
  assert.match(unreadable, /\(unreadable\) +0 +Cannot read vumi message: not JSON in UTF-8$/);
  assert.match(event, /^event +2020-01-01 00:00:00 +m1 +0 +old evil\\u001b/);
  const count = async (...more: string[]) => (await list(...more)).length - 2;
  assert.equal(await count("--queue=event"), 1);
  assert.equal(await count("--id=m1"), 2);
  assert.equal(await count("--since=1h"), 3);
  assert.equal(await count("--since=2019-12-31"), 4);
  assert.equal(await count("--reason=NO SUCH thing"), 2);
  assert.deepEqual(await list("--reason=nobody wrote this"), ["No parked messages match."]);
  const [first = "", second = ""] = await list("--json");
  const { parkedAt: _, firstFailure, ...known } = JSON.parse(first);
  assert.match(firstFailure, /^20\d\d-/);
  assert.equal(known.reason.startsWith("Turn answered 404: No such thing, evil"), true, first);
  assert.deepEqual({ ...known, reason: "" }, {
    queue: "inbound",
    id: "m1",
    about: null,
    user: "+26612345678",
    reason: "",
    status: 404,
    attempts: 1,
  });
  assert.equal(JSON.parse(second).id, HOSTILE);
});

Deno.test("parked show has all of a message, for people on several lines, for programs on one", async () => {
  await using live = await Live.prepare();
  await using _running = await live.start();
  await live.transport.publish("inbound", new TextEncoder().encode(HOSTILE), {
    "x-theirs": HOSTILE,
  });
  live.turn.answer = () => new Response(null, { status: 400 });
  await live.transport.sendInbound({ message_id: "m1", content: HOSTILE });
  await live.waiting("inbound.parked", 2);
  const whole = await live.command(["parked", "show"], ["--id=m1"]);
  assert.equal(whole.code, 0);
  assert.ok(!OBEYED.test(whole.stdout), JSON.stringify(whole.stdout));
  assert.equal(JSON.parse(whole.stdout).body.content, HOSTILE);
  assert.ok(lines(whole.stdout).length > 10);
  const { stdout } = await live.command(["parked", "show"], ["--json"]);
  assert.ok(!OBEYED.test(stdout));
  const [unreadable] = lines(stdout).map((line) => JSON.parse(line));
  assert.equal(lines(stdout).length, 2);
  assert.equal(unreadable.body, HOSTILE);
  assert.equal(unreadable.headers["x-theirs"], HOSTILE);
  const none = await live.command(["parked", "show"], ["--id=nobody"]);
  assert.deepEqual([none.code, none.stdout], [1, ""]);
});

Deno.test("parked list prints when it has looked, so that a slow pager hides no message", async () => {
  await using live = await Live.prepare();
  const headers = { "x-parked-reason": "r".repeat(900), "x-parked-at": new Date().toISOString() };
  const bodies = Array.from({ length: 1000 }, (_, n) => ({ message_id: `m${n}` }));
  await live.transport.publishAll("inbound.parked", bodies, headers);
  // Far more than a pipe holds: it is not read until the messages are seen to be back.
  const line = Program.fromSource().commandLine(["parked", "list", ...live.args()]);
  const child = new Deno.Command("sh", { args: ["-c", line], stdout: "piped" }).spawn();
  const reader = child.stdout.getReader();
  const first = await reader.read();
  await live.waiting("inbound.parked", 1000);
  let size = first.value?.length ?? 0;
  for (let more = await reader.read(); !more.done; more = await reader.read()) {
    size += more.value.length;
  }
  assert.ok(size > 900_000, `${size}`);
  assert.equal((await child.status).code, 0);
});

Deno.test("parked replay-partitions puts back what earlier versions left, in order", async () => {
  await using live = await Live.prepare();
  const ends = ["inbound.p0", "inbound.p1", "inbound.p3", "event.p0"];
  for (const end of ends) {
    await live.transport.depth(end); // Declares it.
    const bodies = ["a", "b"].map((name) => ({ message_id: `${end} ${name}` }));
    await live.transport.publishAll(end, bodies, { "x-retry-waits": 1 });
  }
  const checked = await live.command(["check"]);
  const said = checked.stdout.replace(/\s+/g, "");
  assert.ok(said.includes("6messagesofanearlierversionwait"), checked.stdout);
  assert.ok(said.includes("turn-channelsparkedreplay-partitions"), checked.stdout);
  const dry = await live.command(["parked", "replay-partitions"], ["--dry-run"]);
  assert.deepEqual([dry.code, dry.stdout], [0, "Would replay 8 messages.\n"]);
  const done = await live.command(["parked", "replay-partitions"]);
  assert.deepEqual([done.code, done.stdout], [0, "Replayed 8 messages.\n"]);
  for (const end of ends.slice(0, 3)) {
    for (const name of ["a", "b"]) {
      const { content, properties } = await live.transport.take("inbound");
      assert.equal(JSON.parse(content.toString()).message_id, `${end} ${name}`);
      assert.equal(properties.headers?.["x-retry-waits"], 1);
    }
  }
  await live.waiting("event", 2);
  for (const end of ends) {
    await live.waiting(end, 0);
    await live.transport.deleteQueue(end);
  }
  assert.equal(
    (await live.command(["parked", "replay-partitions"])).stdout,
    "Replayed 0 messages.\n",
  );
});

Deno.test("parked replay puts what is meant back, in order, and once if it is refused again", async () => {
  await using live = await Live.prepare();
  await using _running = await live.start();
  const ids = ["a1", "b1", "a2", "b2", "a3"];
  await refusing(ids, live);
  await live.transport.publish("inbound.parked", { message_id: "old" }, {
    "x-parked-reason": "old",
  });
  const dry = await live.command(["parked", "replay"], ["--dry-run", "--reason=404"]);
  assert.deepEqual([dry.code, dry.stdout], [0, "Would replay 5 messages.\n"]);
  assert.equal(live.told().length, 5);
  // Still refused: each is tried once more, and parked again.
  const vain = await live.command(["parked", "replay"], ["--reason=404"]);
  assert.deepEqual([vain.code, vain.stdout], [0, "Replayed 5 messages.\n"]);
  await live.waiting("inbound.parked", 6);
  assert.equal(live.told().length, 10);
  live.turn.answer = () => Response.json({});
  const one = await live.command(["parked", "replay"], ["--id=a2"]);
  assert.equal(one.stdout, "Replayed 1 message.\n");
  const rest = await live.command(["parked", "replay"], ["--reason=no SUCH", "--queue=inbound"]);
  assert.equal(rest.stdout, "Replayed 4 messages.\n");
  await live.turn.received(15);
  assert.deepEqual(live.told().slice(10), ["a2", "a1", "b1", "b2", "a3"]);
  await until("the one that was not meant", async () => {
    return await live.transport.depth("inbound.parked") === 1;
  });
});

Deno.test("parked discard asks, or needs --yes, and deletes what matches", async () => {
  await using live = await Live.prepare();
  await using _running = await live.start();
  await refusing(["m1", "m2", "m3"], live);
  const discard = (...more: string[]) => live.command(["parked", "discard"], more);
  const dry = await discard("--dry-run", "--id=m1");
  assert.deepEqual([dry.code, dry.stdout], [0, "Would delete 1 message.\n"]);
  const unasked = await discard();
  assert.deepEqual([unasked.code, unasked.stdout], [64, ""]);
  assert.match(unasked.stderr, /--yes/);
  await live.waiting("inbound.parked", 3);
  const sure = await discard("--yes", "--id=m2");
  assert.deepEqual([sure.code, sure.stdout], [0, "Deleted 1 message.\n"]);
  const left = await live.command(["parked", "list"], ["--json"]);
  assert.deepEqual(lines(left.stdout).map((line) => JSON.parse(line).id), ["m1", "m3"]);
});

Deno.test({
  name: `parked discard asks at a terminal ${noPty() ?? ""}`.trim(),
  ignore: noPty() !== undefined,
  fn: async () => {
    await using live = await Live.prepare();
    await using _running = await live.start();
    await refusing(["m1", "m2"], live);
    const line = Program.fromSource().commandLine(["parked", "discard", ...live.args()]);
    for (const no of ["n\n", "\n", "\x04"]) {
      const { code, shown } = await atTerminal(line, no);
      assert.equal(code, 0, shown);
      assert.match(shown, /Delete 2 messages for good\?/);
      assert.match(shown, /Deleted 0 messages\./);
      await live.waiting("inbound.parked", 2);
    }
    const { code, shown } = await atTerminal(line, "y\n");
    assert.equal(code, 0, shown);
    assert.match(shown, /Deleted 2 messages\./);
    await live.waiting("inbound.parked", 0);
  },
});

/** Of these, two are of USSD sessions that are over. */
async function parkSessions(live: Live): Promise<void> {
  const dialled = { transport_type: "ussd", session_event: "new", to_addr: "*120#" };
  const ago = (minutes: number): string =>
    new Date(Date.now() - minutes * 60_000).toISOString().replace("T", " ").replace("Z", "000");
  const headers = {
    "x-parked-reason": "Turn answered 404",
    "x-parked-at": new Date().toISOString(),
  };
  const messages = [
    { message_id: "old", timestamp: ago(90), ...dialled },
    { message_id: "closed", timestamp: ago(0), ...dialled, session_event: "close" },
    { message_id: "waits", timestamp: ago(0), ...dialled },
    { message_id: "sms", timestamp: ago(90), transport_type: "sms" },
  ];
  await live.transport.publishAll("inbound.parked", messages, headers);
}

Deno.test("parked replay leaves what is of dead USSD sessions unless told, and says how many", async () => {
  await using live = await Live.prepare();
  await parkSessions(live);
  const replay = (...more: string[]) => live.command(["parked", "replay"], more);
  const stay = "2 messages are of USSD sessions that are over, and stay.\n" +
    "With --dead-sessions you replay them too.\n";
  const dry = await replay("--dry-run");
  assert.deepEqual([dry.code, dry.stdout], [0, `${stay}Would replay 2 messages.\n`]);
  const one = await replay("--id=old");
  assert.deepEqual([one.code, one.stdout], [
    1,
    "1 message is of a USSD session that is over, and stays.\n" +
    "With --dead-sessions you replay it too.\nReplayed 0 messages.\n",
  ]);
  const rest = await replay("--queue=inbound");
  assert.deepEqual([rest.code, rest.stdout], [0, `${stay}Replayed 2 messages.\n`]);
  await live.waiting("inbound.parked", 2);
  for (const id of ["waits", "sms"]) {
    assert.equal(
      JSON.parse((await live.transport.take("inbound")).content.toString()).message_id,
      id,
    );
  }
  const found = await live.command(["find", "old"], ["--amqp-url", amqpUrl()]);
  assert.match(found.stdout, /turn-channels parked replay --id old --dead-sessions$/m);
  const dead = await replay("--dead-sessions", "--reason=404");
  assert.deepEqual([dead.code, dead.stdout], [
    0,
    "2 messages are of USSD sessions that are over.\nReplayed 2 messages.\n",
  ]);
  await live.waiting("inbound", 2);
});

Deno.test("parked replay and discard say that nothing matches, exit code 1", async () => {
  await using live = await Live.prepare();
  const args = ["--id=nobody", "--yes"];
  for (const name of ["replay", "discard"]) {
    for (const more of [args, [...args, "--dry-run"]]) {
      const { code, stdout, stderr } = await live.command(["parked", name], more);
      assert.deepEqual([code, stdout, stderr], [1, "", "No parked messages match.\n"]);
    }
  }
});

Deno.test({
  name: `parked replay of all asks at a terminal, in 80 columns, or needs --yes ${noPty() ?? ""}`
    .trim(),
  ignore: noPty() !== undefined,
  fn: async () => {
    await using live = await Live.prepare();
    await parkSessions(live);
    const unasked = await live.command(["parked", "replay"]);
    assert.deepEqual([unasked.code, unasked.stdout], [64, ""]);
    assert.equal(
      unasked.stderr,
      "replay needs --yes, or a filter as --queue, without a terminal.\n",
    );
    const line = Program.fromSource().commandLine(["parked", "replay", ...live.args()]);
    const asked = [
      "2 messages are of USSD sessions that are over, and stay.",
      "With --dead-sessions you replay them too.",
      "Replay 2 messages, all others that are parked? [y/N] Replayed 0 messages.\r\n",
    ].join("\r\n");
    const no = await atTerminal(line, "n\n");
    assert.deepEqual([no.code, no.shown.replace(/^n\r\n/, "")], [0, asked], no.shown);
    await live.waiting("inbound.parked", 4);
    const yes = await atTerminal(line, "y\n");
    assert.equal(yes.code, 0);
    assert.ok(yes.shown.endsWith("Replayed 2 messages.\r\n"), yes.shown);
    await live.waiting("inbound.parked", 2);
  },
});

for (const [what, url] of [["away", away()], ["not letting us in", stranger()]] as const) {
  Deno.test(`parked and audit say what is wrong with a broker that is ${what}, exit code 69`, async () => {
    await using live = await Live.prepare();
    const names = [["parked", "list"], ["parked", "discard", "--yes"], ["audit"]];
    await Promise.all(names.map(async (name) => {
      const { code, stdout, stderr } = await live.command(name, [`--amqp-url=${url}`]);
      assert.equal(code, 69, stderr);
      assert.equal(stdout, "");
      assert.match(
        stderr,
        /^Cannot connect to RabbitMQ at 127\.0\.0\.1:\d+: .+\n.*turn-channels check/,
      );
      assert.ok(!stderr.includes("hunter2"), stderr);
      assertPlain(stderr);
    }));
  });
}

function away(): string {
  return "amqp://guest:hunter2@127.0.0.1:9";
}

function stranger(): string {
  const url = new URL(amqpUrl());
  url.password = "hunter2";
  return url.href;
}

const WRONG = [
  ["list", "--since=yesterday"],
  ["list", "--since=2026-13-45"],
  ["list", "--since=999999999d"],
  ["list", "--since=-5m"],
  ["replay", "--since="],
  ["list", "--queue=outbound"],
  ["discard", "--json"],
  ["nonsense"],
] as const;

for (const args of WRONG) {
  Deno.test(`parked ${args.join(" ")} is a usage error, exit code 64`, async () => {
    const { code, stdout, stderr } = await Program.fromSource().output(["parked", ...args]);
    assert.deepEqual([code, stdout], [64, ""], stderr);
    assert.notEqual(stderr, "");
    assertPlain(stderr);
  });
}

Deno.test("parked commands get through 5,000 messages, and replay keeps their order", async () => {
  await using live = await Live.prepare({ "worker-concurrency": "20" });
  await using running = await live.start();
  const headers = {
    "x-parked-reason": "Turn answered 404",
    "x-parked-at": new Date().toISOString(),
  };
  const ids = Array.from({ length: 5000 }, (_, n) => `m${n}`);
  await live.transport.publishAll("inbound.parked", ids.map((id) => ({ message_id: id })), headers);
  const started = performance.now();
  const list = await live.command(["parked", "list"]);
  assert.equal(lines(list.stdout).length, 5002);
  assert.ok(performance.now() - started < 30_000);
  // Nobody works, so that they stay where they are put.
  assert.equal(await running.stop("SIGTERM"), 0);
  const replay = await live.command(["parked", "replay"], ["--yes"]);
  assert.equal(replay.stdout, "Replayed 5000 messages.\n");
  for (const id of ids.slice(0, 100)) {
    const { content } = await live.transport.take("inbound");
    assert.equal(JSON.parse(content.toString()).message_id, id);
  }
  await live.waiting("inbound", 4900);
});
