import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type LogLevelName, startLogging } from "../../src/telemetry/mod.ts";

const log = getLogger(["turn-channels", "test"]);

/** What `work` logs. Takes at most `chunk` bytes at a write, as a full pipe does. */
function logged(
  { level = "INFO" as LogLevelName, terminal = false, chunk = 1e9 },
  work: () => void,
): string {
  const written: Uint8Array[] = [];
  const output = {
    isTerminal: () => terminal,
    writeSync(bytes: Uint8Array): number {
      written.push(bytes.slice(0, chunk));
      return Math.min(bytes.length, chunk);
    },
  };
  {
    using _logging = startLogging({ level, output });
    work();
  }
  const bytes = written.flatMap((part) => [...part]);
  return new TextDecoder().decode(new Uint8Array(bytes));
}

Deno.test("startLogging() writes JSON lines where no person reads along", () => {
  const line = logged({}, () => log.info("Message {messageId} went", { messageId: "m1" }));
  const { level, message, logger, messageId } = JSON.parse(line);
  assert.deepEqual(
    { level, message, logger, messageId },
    {
      level: "INFO",
      message: "Message {messageId} went",
      logger: "turn-channels.test",
      messageId: "m1",
    },
  );
});

Deno.test("startLogging() writes plain text on a terminal", () => {
  const line = logged({ terminal: true }, () => log.info("Went {what}", { what: "well" }));
  assert.match(line, /Went .*well/);
  assert.throws(() => JSON.parse(line));
});

for (
  const [level, lines] of Object.entries({
    DEBUG: 5,
    INFO: 4,
    WARNING: 3,
    ERROR: 2,
    CRITICAL: 1,
  })
) {
  Deno.test(`startLogging() at ${level} writes ${lines} of the five levels`, () => {
    // Its name is one of the object's keys.
    const text = logged({ level: level as LogLevelName }, () => {
      for (const method of ["debug", "info", "warning", "error", "fatal"] as const) {
        log[method]("x");
      }
    });
    assert.equal(text.split("\n").length - 1, lines);
  });
}

Deno.test("startLogging() loses no line in a burst, nor when the output takes little at once", () => {
  const text = logged({ chunk: 1000 }, () => {
    for (let n = 0; n < 5_000; n++) log.info("Line {n}", { n });
  });
  const numbers = text.trimEnd().split("\n").map((line) => JSON.parse(line).n);
  assert.deepEqual(numbers, Array.from({ length: 5_000 }, (_, n) => n));
});

Deno.test("startLogging() keeps a value with line breaks on one line", () => {
  for (const terminal of [true, false]) {
    const text = logged(
      { terminal },
      () => log.info("Got {what}", { what: "a\nFAKE line\u001b[31m" }),
    );
    assert.equal(text.split("\n").length - 1, 1, text);
    assert.ok(!text.includes("\u001b[31mFAKE"), text);
  }
});
