import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type LogLine, LogTap } from "../../../src/demo/mod.ts";
import { startLogging } from "../../../src/telemetry/mod.ts";

const log = getLogger(["turn-channels", "test"]);

function tap(act: () => void) {
  let written = "";
  const lines: LogLine[] = [];
  const fields: Readonly<Record<string, unknown>>[] = [];
  const logTap = new LogTap((text) => written += text);
  logTap.listener = (line, values) => {
    lines.push(line);
    fields.push(values);
  };
  {
    using _logging = startLogging({ level: "WARNING", output: logTap });
    act();
  }
  return { written, lines, fields };
}

Deno.test("LogTap writes lines for people, and hands them on with their values", () => {
  const { written, lines, fields } = tap(() => {
    log.info("Below the level");
    log.warning("Trying {messageId} again in {waitMs}", { messageId: "m1", waitMs: 2_000 });
    log.error("Łost\n{what}", { what: { a: 1 } });
  });
  assert.match(written, /^\d\d:\d\d:\d\d WARN(?:ING)? Trying m1 again in 2000\n/);
  assert.deepEqual(lines.map(({ level, text }) => [level, text]), [
    ["WARNING", "Trying m1 again in 2000"],
    ["ERROR", 'Łost\n{"a":1}'],
  ]);
  assert.equal(fields[0]?.["waitMs"], 2_000);
});

Deno.test("LogTap hands on a part of a burst, and writes all of it", () => {
  const { written, lines } = tap(() => {
    for (let n = 0; n < 1_000; n++) log.warning("Line {n}", { n });
  });
  assert.equal(written.trimEnd().split("\n").length, 1_000);
  assert.ok(lines.length >= 20 && lines.length <= 60, `${lines.length} lines`);
});
