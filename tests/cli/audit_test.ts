import assert from "node:assert/strict";
import { DELAY_MS, idIn, Live } from "../support/live.ts";
import type { Output } from "../support/program.ts";
import { until } from "../support/until.ts";

const TODAY = new Date().toISOString().slice(0, 10);

/** The line that sums up a flow. */
function verdict({ stdout }: Output, flow: string): string {
  return new RegExp(`^[✓✗] ${flow}: .*$`, "m").exec(stdout)?.[0] ?? assert.fail(stdout);
}

/** The table's row of today, its cells. */
function today({ stdout }: Output, flow: string): readonly string[] {
  const row = stdout.split("\n").map((line) => line.split("│").map((cell) => cell.trim()))
    .find(([, day, name]) => day === TODAY && name === flow);
  return row?.slice(3, 5) ?? assert.fail(stdout);
}

/** Answers by what the id of a message begins with: delivered, refused, failing. */
function answer({ path, body }: { path: string; body: unknown }): Response {
  const id = path === "/messages" ? idIn(body) : "";
  const status = id.startsWith("refused") ? 404 : id.startsWith("failing") ? 500 : 200;
  return new Response("{}", { status });
}

/** The cache counts beside the work, so a moment later. */
async function auditUntil(live: Live, isRight: (output: Output) => boolean): Promise<Output> {
  let output = await live.command(["audit"]);
  await until("the counts", async () => {
    if (isRight(output)) return true;
    output = await live.command(["audit"]);
    return isRight(output);
  }).catch(() => assert.fail(output.stdout));
  return output;
}

Deno.test("audit adds up what was delivered, parked, delayed and skipped, both ways, by day", async () => {
  await using live = await Live.prepare({ "max-retries": "0", "worker-concurrency": "1" });
  await using running = await live.start();
  live.turn.answer = answer;
  const names = ["good1", "refused1", "good2", "failing1", "refused2"];
  for (const [n, message_id] of names.entries()) {
    await live.transport.sendInbound({ message_id, from_addr: `+${n}` });
  }
  await live.transport.sendInbound({ message_id: "gone", content: null, session_event: "close" });
  await live.transport.publish("inbound", new TextEncoder().encode("no JSON"));
  await live.transport.publish("event", new TextEncoder().encode("{}"));
  await live.transport.sendEvent({
    user_message_id: "nobody's",
    event_type: "ack",
    sent_message_id: "p",
  });
  const { id } = await live.send("Hi");
  await live.transport.sendEvent({ user_message_id: id, event_type: "ack", sent_message_id: "p" });
  const output = await auditUntil(live, (output) => {
    return verdict(output, "inbound").includes("7 came, 6 ended") &&
      verdict(output, "status").includes("3 ended") &&
      verdict(output, "outbound").includes("1 ended");
  });
  assert.equal(output.code, 0, output.stdout);
  assert.deepEqual(today(output, "inbound"), [
    "7",
    "delayed 1, delivered 2, parked 2, skipped hung up 1, unreadable 1",
  ]);
  assert.deepEqual(today(output, "status"), ["3", "delivered 1, skipped not ours 1, unreadable 1"]);
  assert.deepEqual(today(output, "outbound"), ["1", "accepted 1"]);
  assert.match(
    verdict(output, "inbound"),
    /^✓ .* 7 came, 6 ended, 1 open \(1 delayed; 0 in/,
  );
  assert.match(verdict(output, "status"), /^✓ .* 3 came, 3 ended, 0 open/);
  assert.match(verdict(output, "outbound"), /^✓ .* 1 came, 1 ended, 0 open/);
  // What the running program says of itself stands beside it.
  assert.match(
    output.stdout,
    new RegExp(`Since the bridge at ${live.address}/metrics was started:`),
  );
  assert.match(output.stdout, /^ {2}inbound: .*delivered 2, parked 2, .*unreadable 1/m);
  assert.match(output.stdout, /^ {2}status: .*delivered 1/m);
  assert.match(output.stdout, /^ {2}outbound: accepted 1$/m);
  // And adds up without it.
  assert.equal(await running.stop("SIGTERM"), 0);
  const stopped = await live.command(["audit"]);
  assert.equal(stopped.code, 0);
  assert.match(stopped.stdout, /No running bridge answers at http:/);
  assert.deepEqual(today(stopped, "inbound"), today(output, "inbound"));
});

Deno.test("audit adds up after parked messages were put back, and refused and delivered then", async () => {
  await using live = await Live.prepare({ "worker-concurrency": "1" });
  await using _running = await live.start();
  live.turn.answer = answer;
  for (const message_id of ["refused1", "refused2"]) {
    await live.transport.sendInbound({ message_id });
  }
  await live.waiting("inbound.parked", 2);
  live.turn.answer = ({ body }) =>
    new Response("{}", { status: idIn(body) === "refused1" ? 404 : 200 });
  await live.command(["parked", "replay"], ["--yes"]);
  const output = await auditUntil(live, (output) => verdict(output, "inbound").includes("4 ended"));
  assert.equal(output.code, 0);
  assert.deepEqual(today(output, "inbound"), ["4", "delivered 1, parked 3"]);
});

Deno.test("audit counts once what fails for longer than it is remembered", async () => {
  await using live = await Live.prepare({
    "max-retries": "0",
    "worker-concurrency": "1",
    "retry-schedule": "2",
    "retry-for": "9",
    "message-cache-config-timeout": "1",
  });
  await using _running = await live.start();
  live.turn.answer = answer;
  await live.transport.sendInbound({ message_id: "failing1" });
  await live.waiting("inbound.parked", 1);
  assert.ok(live.told().length >= 3);
  const output = await auditUntil(live, (output) => verdict(output, "inbound").includes("0 open"));
  assert.equal(output.code, 0);
  assert.match(today(output, "inbound").join(), /^1,delayed (\d+), parked 1, undelayed \1$/);
  assert.match(verdict(output, "inbound"), /^✓ .* 1 came, 1 ended, 0 open \(0 delayed;/);
  await live.transport.deleteDelay(2000);
});

Deno.test("audit says that messages are lost, exit code 1: a delay queue was purged", async () => {
  await using live = await Live.prepare({ "max-retries": "0", "worker-concurrency": "1" });
  await using _running = await live.start();
  live.turn.answer = answer;
  // One is taken for one in work.
  const ids = ["failing1", "failing2", "failing3"];
  for (const message_id of ids) {
    await live.transport.sendInbound({ message_id, from_addr: message_id });
  }
  await until("all to be delayed", async () => await live.transport.delayed(DELAY_MS) === 3);
  const before = await auditUntil(live, (output) => verdict(output, "inbound").includes("3 open"));
  assert.equal(before.code, 0, before.stdout);
  await live.transport.purgeDelayed(DELAY_MS);
  const { code, stdout } = await live.command(["audit"]);
  assert.equal(code, 1);
  assert.match(stdout, /^✗ inbound: 3 came, 0 ended, 3 open [^✓]*NOT ACCOUNTED FOR$/m);
  assert.match(stdout, /^✓ outbound/m);
});

Deno.test("audit with MemoryMessageCache tells what the program says, and what to do, exit code 64", async () => {
  await using live = await Live.prepare({ "message-cache-class": "MemoryMessageCache" });
  const without = await live.command(["audit"]);
  assert.equal(without.code, 64);
  assert.match(without.stdout, /No running bridge answers/);
  await using _running = await live.start();
  await live.send("Hi");
  const { code, stdout, stderr } = await live.command(["audit"]);
  assert.equal(code, 64);
  assert.match(stdout, /^ {2}inbound: nothing\n {2}status: nothing\n {2}outbound: accepted 1$/m);
  assert.match(stderr, /configure another message_cache_class/);
});

Deno.test("audit sums up nothing of a cache in which nobody has counted, exit code 1", async () => {
  await using live = await Live.prepare();
  await using running = await live.start();
  await live.send("Hi");
  const other = `${live.folder}/other.kv`;
  (await Deno.openKv(other)).close();
  const args = [`--message-cache-config-path=${other}`];
  const { code, stdout } = await live.command(["audit"], args);
  assert.equal(code, 1);
  assert.ok(
    stdout.endsWith(
      "✗ The running bridge has counted 1, so this is not its cache.\n" +
        `  message_cache_config.path is ${other}: let it be as the bridge has it.\n`,
    ),
    stdout,
  );
  await running.stop("SIGTERM");
  const alone = await live.command(["audit"], args);
  assert.equal(alone.code, 1);
  assert.match(
    alone.stdout,
    /^✗ No bridge has counted in this cache, and none runs that could be asked/m,
  );
  for (const output of [stdout, alone.stdout]) assert.ok(!output.includes("✓"), output);
});

Deno.test("audit says what is wrong with a cache that can't be opened, exit code 69", async () => {
  await using live = await Live.prepare();
  const path = `${live.folder}/cache.kv`;
  await Deno.writeTextFile(path, "This is no database. ".repeat(500));
  const { code, stdout, stderr } = await live.command(["audit"]);
  assert.deepEqual([code, stdout], [69, ""]);
  assert.match(stderr, new RegExp(`^Cannot open the cache file ${path}: .*move the file away`));
  assert.ok(!stderr.includes("    at "), stderr);
});
