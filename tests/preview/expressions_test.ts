import assert from "node:assert/strict";
import { fillIn } from "../../src/preview/expressions.ts";

Deno.test("fillIn() finds expressions, and leaves addresses and @@ alone", () => {
  for (
    const [text, sources] of [
      ["@name", ["name"]],
      ["Dear @contact.name, hello.", ["contact.name"]],
      ["It is @page.title.", ["page.title"]],
      ["@a[0].b['c (d']", ["a[0].b['c (d']"]],
      ['@upper("a)b", x) and @(1 + 2)', ['upper("a)b", x)', "(1 + 2)"]],
      ["me@example.org", []],
      ["@@name @ 5 @1", []],
      ["@name(unclosed", ["name"]],
      ["@a@b", ["a", "b"]],
    ] as const
  ) {
    assert.deepEqual(
      fillIn(text, () => undefined).unknown.map(({ source }) => source),
      sources,
      text,
    );
  }
});

Deno.test("fillIn() puts what is known in an expression's place, and names for the rest", () => {
  const fill = (source: string) => ({ name: "Mary @x" })[source];
  const long = `datevalue(${"x".repeat(50)})`;
  assert.equal(
    fillIn(`@name, @other and @${long} @@ a@b`, fill).text,
    "Mary @x, @other and @datevalue(...) @ a@b",
  );
});
