/**
 * The README says what the code does.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configReference } from "../src/config/mod.ts";
import { EXIT } from "../src/cli/exit_codes.ts";

const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));

Deno.test("README's configuration reference is the schema's", () => {
  const [, reference] = /<!-- reference -->\n([^]*)<!-- \/reference -->/.exec(readme) ?? [];
  assert.equal(reference?.trim(), configReference().trim());
});

Deno.test("README names every exit code", () => {
  for (const code of Object.values(EXIT)) {
    assert.match(readme, new RegExp(`^\\| ${code} +\\|`, "m"));
  }
});

Deno.test("README's first screen has the two commands", () => {
  const screen = readme.split("\n").slice(0, 40).join("\n");
  for (
    const command of [
      "npx -y deno@2.9.6 task demo",
      "npx -y deno@2.9.6 task test",
      "deno task demo",
      "deno task test",
    ]
  ) {
    assert.ok(screen.includes(command), command);
  }
});

Deno.test("README names every task", () => {
  for (const task of Object.keys(tasks)) assert.ok(readme.includes(`deno task ${task}`), task);
});
