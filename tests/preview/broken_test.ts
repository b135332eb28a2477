/**
 * What can't be read is named and passed over: broken containers, a thousand mutations of one, and very
 * large ones. Nothing of that ends the program.
 *
 * @module
 */

import assert from "node:assert/strict";
import { formatHtml, formatText, preview, skeletonOf } from "../../src/preview/mod.ts";
import { below, pick, type Random, randomOf } from "../chaos/random.ts";
import { buildFlow } from "./flow_builder.ts";
import { FLOWS } from "./flow_specs.ts";
import { OPTIONS } from "./support.ts";

const encoder = new TextEncoder();

/** Shows a file in every way; what was printed. */
function shownIn(bytes: Uint8Array) {
  const files = [{ name: "broken.json", bytes }];
  const results = (["ussd", "sms"] as const).map((medium) => {
    const options = { ...OPTIONS, medium };
    const made = preview(files, options);
    skeletonOf(files, options);
    [...formatHtml(made)];
    return { made, texts: [...formatText(made, (text) => text)] };
  });
  return results[0] ?? assert.fail();
}

Deno.test("a file that is no container is named, and nothing is shown", () => {
  for (
    const [text, why] of [
      ["", /not JSON/],
      ["{", /not JSON/],
      ["null", /no export of flows/],
      ["[]", /no export of flows/],
      ["{}", /no list of flows/],
      ['{"flows": 1}', /no list of flows/],
      ["[".repeat(100_000), /not JSON/],
    ] as const
  ) {
    const { made } = shownIn(encoder.encode(text));
    assert.deepEqual(made.flows, []);
    const [{ file, why: told } = assert.fail()] = made.unread;
    assert.equal(file, "broken.json");
    assert.match(told, why);
  }
  assert.match(shownIn(new Uint8Array([0xff, 0xfe])).made.unread[0]?.why ?? "", /UTF-8/);
});

Deno.test("of a broken container what can be read is shown, and the rest is named", () => {
  const container = buildFlow(FLOWS.plain ?? assert.fail());
  const [flow = assert.fail()] = container.flows;
  const broken = {
    ...container,
    resources: [7, ...container.resources],
    flows: [null, { ...flow, blocks: [3, { uuid: "x" }, ...flow.blocks] }],
  };
  const { made } = shownIn(encoder.encode(JSON.stringify(broken)));
  assert.deepEqual(made.flows.map(({ languages }) => languages[0]?.steps.length), [2]);
  assert.deepEqual(made.unread.map(({ where }) => where), [
    "resource 1",
    "flow 1",
    "Plain: stack, block 1",
    "Plain: stack, block 2",
  ]);
});

const JUNK: readonly [unknown, ...unknown[]] = [
  null,
  ...[true, -1, 0.5, 1e308, "", " ", "x", "@", "@(", "@x(((", "[[[[", "\ud800", "\u202e"],
  ...[[], {}, [null], [[]], { value: [] }, "__proto__", "constructor", "🙂".repeat(500)],
  ...["@a.b[0](c)".repeat(200), '"'.repeat(300), "has_phrase(event.message.text.body, "],
];

/** A tree with something in it changed. */
function mutated(random: Random, tree: unknown): unknown {
  if (typeof tree !== "object" || tree === null || random() < 0.05) return pick(random, JUNK);
  const keys = Object.keys(tree);
  if (keys.length === 0) return pick(random, JUNK);
  const key = keys[below(random, keys.length)] ?? "";
  if (Array.isArray(tree)) {
    const chance = random();
    if (chance < 0.1) return tree.toSpliced(Number(key), 1);
    if (chance < 0.2) return [...tree, ...tree];
    return tree.with(Number(key), mutated(random, tree[Number(key)]));
  }
  const fields = tree as Readonly<Record<string, unknown>>;
  const { [key]: field, ...others } = fields;
  return random() < 0.1 ? others : { ...others, [key]: mutated(random, field) };
}

Deno.test("a thousand mutations of containers: each is shown, or named, and no line is too wide", () => {
  const random = randomOf(18, "containers");
  const specs = Object.values(FLOWS);
  for (let count = 0; count < 1000; count++) {
    let tree: unknown = buildFlow(specs[count % specs.length] ?? assert.fail());
    for (let times = 0; times <= below(random, 5); times++) tree = mutated(random, tree);
    const bytes = encoder.encode(JSON.stringify(tree));
    if (count % 10 === 0) bytes[below(random, bytes.length)] = below(random, 256);
    const { made, texts } = shownIn(bytes);
    assert.ok(made.flows.length + made.unread.length > 0 || isEmpty(tree), JSON.stringify(tree));
    for (const line of texts.join("").split("\n")) {
      if (/^[ -~─│┌┐└┘·]*$/.test(line) && !line.startsWith("<")) {
        assert.ok(line.length <= 400, line);
      }
    }
  }
});

function isEmpty(tree: unknown): boolean {
  return typeof tree === "object" && tree !== null && "flows" in tree &&
    Array.isArray(tree.flows) && tree.flows.length === 0;
}

Deno.test("a flow in which everything leads to everything ends, and shows each message", () => {
  const names = Array.from({ length: 150 }, (_, index) => `b${index}`);
  const blocks = names.map((id, index) => ({
    id,
    type: ["Message", "Webhook", "Case"][index % 3] ?? "",
    says: "Hello",
    to: Object.fromEntries(names.map((to) => [`x == "${to}"`, to])),
  }));
  const { made } = shownIn(encoder.encode(JSON.stringify(buildFlow({ name: "Net", blocks }))));
  const shown = made.flows[0]?.languages[0]?.steps
    .flatMap(({ messages }) => messages.map(({ card }) => card));
  assert.equal(new Set(shown).size, 50);
});

Deno.test("10 MB of flows are shown", () => {
  const long = Object.values(FLOWS).flatMap(({ blocks }) => blocks);
  const blocks = Array.from({ length: 11_000 }, (_, index) => {
    const { id: _id, to: _to, ...block } = long[index % long.length] ?? assert.fail();
    return { ...block, id: `b${index}`, to: `b${index + 1}` };
  });
  const bytes = encoder.encode(JSON.stringify(buildFlow({ name: "Large", blocks })));
  assert.ok(bytes.length > 10_000_000, String(bytes.length));
  const start = performance.now();
  const made = preview([{ name: "large.json", bytes }], OPTIONS);
  const text = [...formatText(made, (text) => text)].join("");
  const took = performance.now() - start;
  assert.ok(text.length > 100_000);
  // It takes less than 2 s; the limit is for machines that are a good deal slower.
  assert.ok(took < 30_000, `${took} ms`);
});

Deno.test("letters of another alphabet are printed about as fast as plain ones", () => {
  const printing = (letter: string): number => {
    const says = Array.from({ length: 12 }, () => letter.repeat(5)).join(" ");
    const blocks = Array.from({ length: 2_000 }, (_, index) => ({
      ...{ id: `b${index}`, type: "Open", says },
    }));
    const bytes = encoder.encode(JSON.stringify(buildFlow({ name: "Large", blocks })));
    const made = preview([{ name: "large.json", bytes }], OPTIONS);
    const start = performance.now();
    assert.ok([...formatText(made, (text) => text)].join("").length > 100_000);
    return performance.now() - start;
  };
  // The quickest of some: a machine that is busy slows one or the other.
  const quickest = (letter: string) => Math.min(...[1, 2, 3].map(() => printing(letter)));
  const [plain, others] = [quickest("a"), quickest("ሀ")];
  assert.ok(others < 10 * plain, `${others} ms, and ${plain} ms for plain ones`);
});
