import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Live } from "../support/live.ts";
import { PERMISSIONS, Running } from "../support/program.ts";
import { until } from "../support/until.ts";

const SCRIPT = fileURLToPath(new URL("./run_with_bug.ts", import.meta.url));

function startWithBug(bug: string, args: readonly string[]): Promise<Running> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", ...PERMISSIONS, SCRIPT, bug, "run", ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  });
  return Running.of(command.spawn());
}

/** The lines of a log that are of this level. */
function linesOf(running: Running, level: string): readonly string[] {
  return running.stderr().split("\n").filter((line) => line.includes(`"${level}"`));
}

const BUGS = [
  ["rejection", /RangeError: nobody handles this/],
  ["timer", /RangeError: nobody catches this/],
  ["several", /RangeError: nobody handles this 1/],
  ["text", /no error, but a text/],
] as const;

for (const [bug, told] of BUGS) {
  Deno.test(`a bug (${bug}) is logged as fatal, what is in work put back, exit code 70`, async () => {
    await using live = await Live.prepare({
      "shutdown-timeout": "2",
      "mo-message-url-timeout": "600",
    });
    live.turn.answer = ({ body }) =>
      JSON.stringify(body).includes("quick") ? Response.json({}) : "hang";
    await using running = await startWithBug(bug, live.args());
    await live.transport.sendInbound({ message_id: "m1", from_addr: "+1" });
    await live.transport.sendInbound({ message_id: "m2", from_addr: "+1" });
    await live.turn.received(1);
    assert.equal(await running.stop("SIGUSR1"), 70);
    const [fatal = assert.fail(running.stderr())] = linesOf(running, "FATAL");
    assert.match(fatal, told);
    // All of the drain was done, in good order.
    assert.match(running.stderr(), /"Stopped"/);
    await live.waiting("inbound", 2);
    for (const id of ["m1", "m2"]) {
      const { content, fields } = await live.transport.take("inbound");
      assert.equal(JSON.parse(content.toString()).message_id, id);
      assert.equal(fields.redelivered, true);
    }
    assert.equal(await live.transport.depth("inbound.parked"), 0);
  });
}

Deno.test("a bug while draining is an exit code 70 too, and the draining goes on", async () => {
  await using live = await Live.prepare({
    "shutdown-timeout": "60",
    "mo-message-url-timeout": "600",
  });
  live.turn.answer = () => "hang";
  await using running = await startWithBug("rejection", live.args());
  await live.transport.sendInbound({ message_id: "m1" });
  await live.turn.received(1);
  Deno.kill(running.pid, "SIGTERM");
  await until("the draining", () => running.stderr().includes("Stopping"));
  Deno.kill(running.pid, "SIGUSR1");
  await until("the bug", () => linesOf(running, "FATAL").length > 0);
  live.turn.release();
  assert.equal(await running.ended(), 70);
  assert.equal(await live.transport.depth("inbound"), 0);
});

for (const second of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`a second signal, ${second}, ends the draining at once: put back, exit code 0`, async () => {
    await using live = await Live.prepare({
      "shutdown-timeout": "3600",
      "mo-message-url-timeout": "3600",
    });
    live.turn.answer = () => "hang";
    await using running = await live.program();
    await live.transport.sendInbound({ message_id: "m1" });
    await live.turn.received(1);
    Deno.kill(running.pid, "SIGTERM");
    await until("the draining", () => running.stderr().includes("Stopping"));
    assert.equal(await running.stop(second), 0);
    await live.waiting("inbound", 1);
  });
}
