import assert from "node:assert/strict";
import { getJsonLinesFormatter, type LogRecord } from "@logtape/logtape";
import fc from "fast-check";
import { jsonLine, withTemplate } from "../../src/telemetry/json_line.ts";

const format = getJsonLinesFormatter({
  categorySeparator: ".",
  message: "template",
  properties: "flatten",
});

const anyText = fc.string({ unit: "binary" });
const anyValue = fc.oneof(
  anyText,
  fc.double(),
  fc.constantFrom(null, undefined, true, 7n, new Error("it"), new Date(0), Symbol("s")),
  fc.constantFrom("\u009b31m", "\u007f", "\n", "\u001b[31m", "\ud800"),
  fc.object(),
);

const anyRecord: fc.Arbitrary<LogRecord> = fc.record({
  category: fc.array(anyText),
  level: fc.constantFrom("trace", "debug", "info", "warning", "error", "fatal"),
  timestamp: fc.integer({ min: 0, max: 8e15 }),
  rawMessage: anyText,
  message: fc.constant(["unused"]),
  properties: fc.dictionary(
    fc.oneof(anyText, fc.constantFrom("@timestamp", "level", "message", "logger", "template")),
    anyValue,
  ),
});

Deno.test("jsonLine() writes what LogTape writes, whatever is logged", () => {
  fc.assert(fc.property(anyRecord, (record) => {
    assert.equal(jsonLine(record), format(withTemplate(record)));
  }));
});

Deno.test("jsonLine() leaves nothing in a line that a terminal would obey", () => {
  const controls = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code));
  const record = {
    category: ["a"],
    level: "info",
    timestamp: 0,
    rawMessage: "x",
    message: ["x"],
    properties: { controls },
  } as const satisfies LogRecord;
  const line = jsonLine(record);
  // deno-lint-ignore no-control-regex -- These are what must not be there.
  assert.doesNotMatch(line.slice(0, -1), /[\x00-\x1f\x7f-\x9f]/);
  assert.equal(JSON.parse(line).controls, controls);
});
