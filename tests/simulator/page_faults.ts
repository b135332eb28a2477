/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * What is wrong with how the page looks: what is cut off, and what axe finds.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Person } from "./page_support.ts";

/** What is seen, and begins or ends outside of the window. */
export async function cutOff(person: Person): Promise<string[]> {
  return await person.page.evaluate(() => {
    const elements = document.querySelectorAll("main *, header *, nav *");
    const outside = [...elements].filter((element) => {
      const { left, right, width } = element.getBoundingClientRect();
      return element.checkVisibility() && width > 1 && (left < 0 || right > innerWidth + 0.5);
    });
    return outside.map(({ tagName, id, className }) => `${tagName} ${id} ${className}`);
  });
}

const AXE = await Deno.readTextFile(new URL(import.meta.resolve("axe-core/axe.min.js")));

/** What is wrong with the page, or a part of it. */
export async function seriousFaults(person: Person, part = "body"): Promise<string[]> {
  // Not as a script of the page, which its policy forbids, but as the browser's own.
  await person.page.evaluate(AXE);
  const found = await person.page.evaluate(`axe.run(${JSON.stringify(part)})`) as {
    readonly violations: readonly {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
    }[];
    readonly passes: readonly unknown[];
  };
  assert.ok(found.passes.length > (part === "body" ? 20 : 10), "axe has looked at next to nothing");
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}
