/**
 * What is printed of flows is what the files of screens/ say: `write_flows.ts` writes them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { preview } from "../../src/preview/mod.ts";
import { buildFlow, flowBytes } from "./flow_builder.ts";
import { FLOWS } from "./flow_specs.ts";
import { allPrinted } from "./printed.ts";
import { OPTIONS, printed } from "./support.ts";

const HERE = new URL(".", import.meta.url);

Deno.test("the files of flows/ are the flows that tests are about", async () => {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(new URL("flows", HERE))) names.push(name);
  assert.deepEqual(names.sort(), Object.keys(FLOWS).map((name) => `${name}.json`).sort());
  for (const [name, spec] of Object.entries(FLOWS)) {
    const text = await Deno.readTextFile(new URL(`flows/${name}.json`, HERE));
    assert.deepEqual(JSON.parse(text), buildFlow(spec), name);
  }
});

Deno.test("flows are printed as the files of screens/ say, in 80 columns", async () => {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(new URL("screens", HERE))) names.push(name);
  const all = [...allPrinted()];
  assert.deepEqual(names.sort(), all.map(([name]) => name).sort());
  for (const [name, text] of all) {
    assert.equal(text, await Deno.readTextFile(new URL(`screens/${name}`, HERE)), name);
    for (const line of text.split("\n")) assert.ok([...line].length <= 80, `${name}: ${line}`);
  }
});

Deno.test("an answer of the user ends a turn, and web calls and conditions do not", () => {
  const flow = {
    name: "Turns",
    blocks: [
      { id: "A", type: "Message", says: "one", to: "call" },
      { id: "call", type: "Webhook", to: "case" },
      { id: "case", type: "Case", to: { "x == 1": "B", "": "C" } },
      { id: "B", type: "Open", says: "two", to: "D" },
      { id: "C", type: "Message", says: "three", to: "D" },
      { id: "D", type: "Message", says: "four", to: "A" },
      { id: "E", type: "Message", says: "nothing leads here" },
    ],
  };
  const { flows: [first] } = preview([{ name: "x", bytes: flowBytes(flow) }], OPTIONS);
  const steps = first?.languages[0]?.steps.map(({ messages, pages: [page] }) =>
    `${messages.map(({ card }) => card).join("")}: ${page?.text.replaceAll("\n", " ")}`
  );
  assert.deepEqual(steps, [
    "AB: one two",
    "ACD: one three four",
    // Each way from a message to the next one is shown once, and the first of them again.
    "DAB: four one two",
    "E: nothing leads here",
  ]);
});

Deno.test("a flow that another one runs is in the same turn, in the same language", () => {
  const [first, second] = ["First", "Second"].map((name, index) => ({
    name,
    languages: index === 0 ? ["eng", "por"] : ["por", "eng"],
    blocks: index === 0
      ? [
        { id: "A", type: "Message", says: { eng: "one", por: "um" }, to: "run" },
        {
          id: "run",
          type: "RunFlow",
          config: {
            flow_id: buildFlow({ name: "Second", blocks: [{ id: "B", type: "Open" }] }).uuid,
          },
        },
      ]
      : [{ id: "B", type: "Open", says: { eng: "two", por: "dois" } }],
  }));
  assert.ok(first !== undefined && second !== undefined);
  const text = printed([first, second]);
  assert.match(text, /│ one +│\n +│ two/);
  assert.match(text, /│ um +│\n +│ dois/);
  assert.match(printed([first]), /Goes on in another flow/);
});

Deno.test("without a merging of messages each is a screen that comes too late, and said to be so", () => {
  const flow = {
    name: "Two",
    blocks: [
      { id: "A", type: "Message", says: "one", to: "B" },
      { id: "B", type: "Message", says: "two" },
    ],
  };
  const text = printed([flow], { mergeWindowMs: 0 });
  assert.match(text, /ussd\.merge_window is 0/);
  assert.doesNotMatch(text, /│ two|messages, shown as one screen/);
  assert.doesNotMatch(printed([flow]), /merge_window/);
});
