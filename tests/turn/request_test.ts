import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeRequest } from "../../src/turn/request.ts";

const EXAMPLE = { to: "+26612345678", from: "8110", turn: text("Hello world!") };
const READ = {
  to: "+26612345678",
  from: "8110",
  replyTo: null,
  message: text("Hello world!"),
  content: null,
  waitingForUserInput: false,
};

const READABLE: readonly [string, unknown, Partial<typeof READ> | Record<string, unknown>][] = [
  ["the text's example", EXAMPLE, {}],
  ["a null `from` as none", { ...EXAMPLE, from: null }, { from: null }],
  ["an empty `from` as none", { ...EXAMPLE, from: "" }, { from: null }],
  ["a missing `from` as none", { to: EXAMPLE.to, turn: EXAMPLE.turn }, { from: null }],
  ["`reply_to`", { ...EXAMPLE, reply_to: "abc" }, { replyTo: "abc" }],
  ["a null `reply_to` as none", { ...EXAMPLE, reply_to: null }, {}],
  ["an empty `reply_to` as none", { ...EXAMPLE, reply_to: "" }, {}],
  ["`waiting_for_user_input`", { ...EXAMPLE, waiting_for_user_input: true }, {
    waitingForUserInput: true,
  }],
  ["a null `waiting_for_user_input` as false", { ...EXAMPLE, waiting_for_user_input: null }, {}],
  ["an empty text", { ...EXAMPLE, turn: text("") }, { message: text("") }],
  ["a missing type as text", { ...EXAMPLE, turn: { text: { body: "Hi" } } }, {
    message: text("Hi"),
  }],
  ["a null type as text", { ...EXAMPLE, turn: { type: null, text: { body: "Hi" } } }, {
    message: text("Hi"),
  }],
  ["another type", { ...EXAMPLE, turn: { type: "image", image: { id: "x" } } }, {
    message: { type: "image", image: {} },
  }],
  ["an unknown type", { ...EXAMPLE, turn: { type: "hologram", hologram: 1 } }, {
    message: { type: "other", name: "hologram" },
  }],
  ["`content`", { ...EXAMPLE, content: "Hello" }, { content: "Hello" }],
  ["a `content` that is no text as none", { ...EXAMPLE, content: 7 }, {}],
  ["what Turn really sends", {
    block: null,
    resources: null,
    evaluated_resources: null,
    content: "Hi",
    to: "+1234",
    context: null,
    turn: text("Hi"),
    waiting_for_user_input: false,
  }, { to: "+1234", from: null, message: text("Hi"), content: "Hi" }],
];

for (const [what, json, expected] of READABLE) {
  Deno.test(`decodeRequest() reads ${what}`, () => {
    const read = decodeRequest(encode(json));
    assert.deepEqual(read, { kind: "request", request: { ...READ, ...expected } });
  });
}

const MALFORMED: readonly [string, unknown, readonly (string | undefined)[]][] = [
  ["an array", [], [undefined]],
  ["null", null, [undefined]],
  ["an empty object", {}, ["to", "turn"]],
  ["a missing `to`", { ...EXAMPLE, to: undefined }, ["to"]],
  ["an empty `to`", { ...EXAMPLE, to: "" }, ["to"]],
  ["a `to` that is a number", { ...EXAMPLE, to: 26612345678 }, ["to"]],
  ["a `from` that is a number", { ...EXAMPLE, from: 8110 }, ["from"]],
  ["a `reply_to` that is an object", { ...EXAMPLE, reply_to: {} }, ["reply_to"]],
  ["a `turn` that is a text", { ...EXAMPLE, turn: "Hi" }, ["turn"]],
  ["a type that is a number", { ...EXAMPLE, turn: { ...text("Hi"), type: 1 } }, ["turn.type"]],
  ["a missing text", { ...EXAMPLE, turn: { type: "text" } }, ["turn.text.body"]],
  ["a text without a body", { ...EXAMPLE, turn: { type: "text", text: {} } }, ["turn.text.body"]],
  ["a body that is null", { ...EXAMPLE, turn: { text: { body: null } } }, ["turn.text.body"]],
  ["a word for true", { ...EXAMPLE, waiting_for_user_input: "true" }, ["waiting_for_user_input"]],
  ["all that is wrong at once", {
    from: 1,
    reply_to: 2,
    turn: { text: 3 },
    waiting_for_user_input: 4,
  }, ["to", "from", "reply_to", "turn.text.body", "waiting_for_user_input"]],
  ["a missing `to` beside another type", { turn: { type: "image" } }, ["to", "turn.image"]],
];

for (const [what, json, fields] of MALFORMED) {
  Deno.test(`decodeRequest() names the faulty fields: ${what}`, () => {
    const read = decodeRequest(encode(json));
    assert.ok(read.kind === "malformed");
    assert.deepEqual(read.errors.map(({ field }) => field).sort(), [...fields].sort());
  });
}

Deno.test("decodeRequest() looks into no list of more than 1,000, and names 20 faults at most", () => {
  const button = (buttons: unknown) => ({
    ...EXAMPLE,
    turn: { type: "interactive", interactive: { type: "button", action: { buttons } } },
  });
  const long = decodeRequest(encode(button(Array(300_000).fill(0))));
  assert.ok(long.kind === "malformed");
  assert.deepEqual(long.errors.map(({ field }) => field), ["turn.interactive.action.buttons"]);
  const faulty = decodeRequest(encode(button(Array(1_000).fill(0))));
  assert.ok(faulty.kind === "malformed");
  assert.equal(faulty.errors.length, 20);
});

const NOT_JSON: readonly [string, Uint8Array][] = [
  ["nothing", new Uint8Array()],
  ["half of it", encode(EXAMPLE).slice(0, -1)],
  ["two of them", new Uint8Array([...encode(EXAMPLE), ...encode(EXAMPLE)])],
  ["a byte that isn't UTF-8", encode(EXAMPLE).map((byte) => byte === 0x21 ? 0xff : byte)],
  ["a form", new TextEncoder().encode("to=%2B26612345678")],
];

for (const [what, body] of NOT_JSON) {
  Deno.test(`decodeRequest() says that it is not JSON: ${what}`, () => {
    assert.deepEqual(decodeRequest(body), {
      kind: "malformed",
      errors: [{ details: "The body is not JSON in UTF-8" }],
    });
  });
}

Deno.test("decodeRequest() bears what is nested deep, huge numbers and odd keys", () => {
  const deep = `${"[".repeat(500_000)}${"]".repeat(500_000)}`;
  const odd = JSON.stringify(EXAMPLE).slice(1);
  for (const extra of [`"block":${deep}`, `"block":1e999`, `"__proto__":{"to":1}`]) {
    const read = decodeRequest(new TextEncoder().encode(`{${extra},${odd}`));
    assert.deepEqual(read, { kind: "request", request: READ });
  }
  assert.equal(decodeRequest(new TextEncoder().encode(deep)).kind, "malformed");
});

Deno.test("decodeRequest() gives a value or named errors for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array(), (body) => check(body)));
});

Deno.test("decodeRequest() gives a value or named errors for any JSON", () => {
  fc.assert(fc.property(fc.json(), (json) => check(new TextEncoder().encode(json))));
});

Deno.test("decodeRequest() gives a value or named errors for anything in the place of a field", () => {
  const maybe = (value: unknown) => fc.oneof(fc.constant(value), fc.jsonValue());
  const requests = fc.record({
    to: maybe("+1"),
    from: maybe(null),
    reply_to: maybe(null),
    turn: fc.oneof(
      fc.jsonValue(),
      fc.record({ type: maybe("text"), text: maybe({ body: "Hi" }) }, { requiredKeys: [] }),
    ),
    waiting_for_user_input: maybe(true),
  }, { requiredKeys: [] });
  fc.assert(fc.property(requests, (request) => check(encode(request))));
});

/** Whatever it is, what was read keeps its promises. */
function check(body: Uint8Array): void {
  const read = decodeRequest(body);
  if (read.kind === "malformed") assert.ok(read.errors.length > 0);
  if (read.kind !== "request") return;
  const { to, from, replyTo, message, waitingForUserInput } = read.request;
  assert.ok(to.length > 0 && from !== "" && replyTo !== "");
  assert.deepEqual([typeof message.type, typeof waitingForUserInput], ["string", "boolean"]);
}

function text(body: string): { type: string; text: { body: string } } {
  return { type: "text", text: { body } };
}

function encode(json: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json));
}
