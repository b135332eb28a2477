import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import type { LogLine } from "../../../src/simulator/handset/events.ts";
import { LogTap } from "../../../src/simulator/handset/log_tap.ts";
import { startLogging } from "../../../src/telemetry/mod.ts";

const log = getLogger(["turn-channels", "test"]);

async function tap(act: () => void) {
  let written = "";
  const lines: LogLine[] = [];
  const fields: Readonly<Record<string, unknown>>[] = [];
  const logTap = new LogTap((text) => written += text);
  logTap.listener = {
    line: (line) => void lines.push(line),
    values: (values) => void fields.push(values),
  };
  {
    await using _logging = startLogging({ level: "INFO", output: logTap });
    act();
  }
  return { written, lines, fields };
}

Deno.test("LogTap writes lines for people, and hands them on with their values", async () => {
  const { written, lines, fields } = await tap(() => {
    log.info("No trouble, {result}", { result: "skipped" });
    log.warning("Trying {messageId} again in {waitMs}", { messageId: "m1", waitMs: 2_000 });
    log.error("Łost\n{what}", { what: { a: 1 } });
  });
  assert.match(written, /^\d\d:\d\d:\d\d WARNING Trying m1 again in 2000\n/);
  assert.deepEqual(lines.map(({ level, text }) => [level, text]), [
    ["WARNING", "Trying m1 again in 2000"],
    ["ERROR", 'Łost\n{"a":1}'],
  ]);
  assert.deepEqual([fields[0]?.["result"], fields[1]?.["waitMs"]], ["skipped", 2_000]);
});

Deno.test("LogTap gets one line and a count of a burst, so that the page is not flooded", async () => {
  const { written, lines } = await tap(() => {
    for (let n = 0; n < 1_000; n++) log.warning("Line {n}", { n });
  });
  assert.equal(written.trimEnd().split("\n").length, 2);
  assert.equal(lines[0]?.text, "Line 0");
  assert.match(lines[1]?.text ?? "", /999/);
});
