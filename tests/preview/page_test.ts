/// <reference lib="dom" />
/**
 * The page that `preview --html` writes, in a browser.
 *
 * @module
 */

import assert from "node:assert/strict";
import { formatHtml, preview } from "../../src/preview/mod.ts";
import { browserTest, closeBrowser, openView } from "../support/chromium.ts";
import { flowBytes } from "./flow_builder.ts";
import { FLOWS } from "./flow_specs.ts";
import { OPTIONS } from "./support.ts";

const AXE = await Deno.readTextFile(new URL(import.meta.resolve("axe-core/axe.min.js")));
const name =
  "the page of a preview fits 375 px, axe finds nothing serious, and it needs no scripts";

Deno.test.afterAll(closeBrowser);

browserTest(name, async () => {
  const files = Object.values(FLOWS).map((flow) => ({
    name: `${"a-long-name".repeat(20)}.json`,
    bytes: flowBytes({ ...flow, name: `${flow.name}<img src=x>${"x".repeat(300)}` }),
  }));
  const path = await Deno.makeTempFile({ suffix: ".html" });
  try {
    await Deno.writeTextFile(path, [...formatHtml(preview(files, OPTIONS))].join(""));
    await using view = await openView(`file://${path}`, { width: 375, ready: "main" });
    const { page } = view;
    const { screens, ...seen } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      images: document.images.length,
      scripts: document.scripts.length,
      screens: document.querySelectorAll("pre").length,
    }));
    assert.deepEqual(seen, { wide: 375, images: 0, scripts: 0 });
    assert.ok(screens > 30, String(screens));
    await page.evaluate(AXE);
    const found = await page.evaluate("axe.run(document)") as {
      readonly violations: readonly { readonly id: string; readonly impact: string }[];
      readonly passes: readonly unknown[];
    };
    assert.ok(found.passes.length > 10, "axe has looked at next to nothing");
    const serious = found.violations.filter(({ impact }) => /serious|critical/.test(impact));
    assert.deepEqual(serious.map(({ id }) => id), []);
    assert.ok((await page.pdf({ format: "A4" })).length > 10_000);
    assert.deepEqual(view.faults, []);
  } finally {
    await Deno.remove(path);
  }
});
