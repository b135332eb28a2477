import assert from "node:assert/strict";
import fc from "fast-check";
import * as z from "zod";
import { faultsOf, turnMessageSchema } from "../../src/turn/messages.ts";
import { anyMessage } from "./arbitraries.ts";

const BUTTON = { type: "reply", reply: { id: "yes", title: "Yes" } };

const FAULTY: readonly [string, unknown, readonly string[]][] = [
  ["no object", "Hi", [""]],
  ["null", null, [""]],
  ["a type that is a number", { type: 1 }, ["type"]],
  ["no type, and no text", {}, ["text.body"]],
  ["a null type and a text without a body", { type: null, text: {} }, ["text.body"]],
  ["an image that is a link", { type: "image", image: "https://x.org" }, ["image"]],
  ["a caption that is a number", { type: "video", video: { caption: 1 } }, ["video.caption"]],
  ["a latitude that is a list", { type: "location", location: { latitude: [] } }, [
    "location.latitude",
  ]],
  ["contacts that are one", { type: "contacts", contacts: {} }, ["contacts"]],
  ["a phone that is a text", { type: "contacts", contacts: [{ phones: ["+1"] }] }, [
    "contacts.0.phones.0",
  ]],
  ["a template without a name", { type: "template", template: {} }, ["template.name"]],
  ["an interactive type that is a number", interactive({ type: 1 }), ["interactive.type"]],
  ["a body that is a text", interactive({ type: "flow", body: "Hi" }), ["interactive.body"]],
  ["buttons without an action", interactive({ type: "button" }), ["interactive.action"]],
  [
    "a button without a title, and one with a blank one",
    interactive({
      type: "button",
      action: { buttons: [{ reply: { id: "a" } }, BUTTON, { reply: { id: "b", title: " " } }] },
    }),
    [
      "interactive.action.buttons.0.reply.title",
      "interactive.action.buttons.2.reply.title",
    ],
  ],
  [
    "a list whose section has no rows",
    interactive({ type: "list", action: { sections: [{ title: "A" }] } }),
    ["interactive.action.sections.0.rows"],
  ],
];

for (const [what, message, fields] of FAULTY) {
  Deno.test(`a message's faults are named by field: ${what}`, () => {
    const read = turnMessageSchema.safeParse(message);
    assert.ok(!read.success);
    const faults = read.error.issues.flatMap(faultsOf);
    assert.deepEqual(faults.map(({ path }) => path.join(".")), fields);
    for (const { message } of faults) assert.match(message, /expected/);
  });
}

Deno.test("a message keeps ids, titles and descriptions exactly", () => {
  const reply = { id: " i\u0301d ", title: " Yes\u00a0*! " };
  const buttons = [{ reply }, { reply: { title: "No" } }];
  const rows = [{ ...reply, description: " d " }, { ...reply, description: "" }];
  const message = (action: unknown, type: string) =>
    turnMessageSchema.parse(interactive({ type, action }));
  assert.deepEqual(message({ buttons }, "button"), {
    type: "interactive",
    interactive: {
      type: "button",
      action: { buttons: [{ reply }, { reply: { id: "No", title: "No" } }] },
    },
  });
  assert.deepEqual(message({ sections: [{ rows }] }, "list"), {
    type: "interactive",
    interactive: { type: "list", action: { sections: [{ rows: [rows[0], reply] }] } },
  });
});

Deno.test("a message of a type that isn't known is its type's name", () => {
  for (const type of ["order", "other", "", "Text"]) {
    assert.deepEqual(turnMessageSchema.parse({ type, text: 5 }), { type: "other", name: type });
  }
});

Deno.test("no valid message is refused", () => {
  fc.assert(fc.property(anyMessage, (message) => {
    const read = turnMessageSchema.safeParse(JSON.parse(JSON.stringify(message)));
    assert.ok(read.success, read.error && JSON.stringify(read.error.issues.flatMap(faultsOf)));
  }));
});

Deno.test("any value is a message, or has named faults", () => {
  const broken = fc.tuple(anyMessage, fc.jsonValue(), fc.infiniteStream(fc.nat())).map(
    ([message, value, at]) => replaceOne(message, value, at),
  );
  fc.assert(fc.property(fc.oneof(fc.jsonValue(), broken), (value) => {
    const read = turnMessageSchema.safeParse(value);
    if (read.success) return;
    const faults = read.error.issues.flatMap(faultsOf);
    assert.ok(faults.length > 0);
    for (const { code } of faults) assert.notEqual(code, "invalid_union");
  }));
});

Deno.test("the schema of messages can be written as JSON Schema", () => {
  const json = JSON.stringify(z.toJSONSchema(turnMessageSchema, { io: "input" }));
  for (const name of ["interactive", "list", "cta_url", "carousel", "contacts", "template"]) {
    assert.ok(json.includes(`"const":"${name}"`) || json.includes(`"${name}":{`), name);
  }
});

function interactive(interactive: unknown) {
  return { type: "interactive", interactive };
}

/** `value` somewhere within `object`. */
function replaceOne(object: unknown, value: unknown, at: Iterator<number>): unknown {
  const entries = typeof object === "object" && object !== null ? Object.entries(object) : [];
  const step = at.next().value as number;
  const [key, child] = entries[step % (entries.length || 1)] ?? [];
  if (key === undefined || step % 5 === 4) return value;
  const replaced = replaceOne(child, value, at);
  return Array.isArray(object)
    ? object.with(Number(key), replaced)
    : { ...object as Record<string, unknown>, [key]: replaced };
}
