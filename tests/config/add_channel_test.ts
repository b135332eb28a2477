import assert from "node:assert/strict";
import { addChannel } from "../../src/config/add_channel.ts";

/** The end of a file, and what it is with a channel more. */
const ENDS: readonly (readonly [string, string])[] = [
  ["m:\n  b: 1\n  # of m\n# free\n#\n# key: 1\n", "m:\n  b: 1\n  # of m\n*\n# free\n#\n# key: 1\n"],
  ["m: { b: 1 } # of m\n\n# free\n", "m: { b: 1 } # of m\n*\n# free\n"],
  ["m: 1 # of m\n# free\n", "m: 1 # of m\n*\n# free\n"],
  ["m:\n  b: 1\n  # of m\n", "m:\n  b: 1\n  # of m\n*"],
];

Deno.test("addChannel() leaves comments at the file's end where a key in them takes effect", () => {
  const list = "channels:\n  - connector_name: a\n  - connector_name: b\n";
  for (const [end, expected] of ENDS) {
    const added = addChannel(`connector_name: a\n${end}`, { connector_name: "b" });
    assert.equal(added, expected.replace("*\n", `${list}\n`).replace("*", list));
  }
});

Deno.test("addChannel() leaves a comment at the key that it is about, below a comment of what is before", () => {
  const list = "channels:\n  - connector_name: a\n    # contact_ids: e164\n";
  const rest = "# Never DEBUG\nlog_level: INFO\nm:\n  b: 1\n  # of m\n\n# of x\nx: 1\n";
  const added = addChannel(`${list}\n${rest}`, { connector_name: "b" });
  assert.equal(added, `${list}  - connector_name: b\n\n${rest}`);
});
