import assert from "node:assert/strict";
import { AskedMenus } from "../../../src/simulator/handset/asked_menus.ts";

const CHOICE = { as: "button_reply", id: "b", title: "No", contextId: "m1" } as const;

function menus(...ids: readonly string[]): AskedMenus {
  const asked = new AskedMenus();
  asked.add("m1", ids.map((id) => ({ id, title: "" })));
  return asked;
}

Deno.test("AskedMenus says which option was chosen, and as what Turn was told", () => {
  const asked = menus("a", "b", "c");
  assert.equal(asked.describe(CHOICE), "picked 2 of 3 as button_reply");
  assert.equal(asked.describe({ ...CHOICE, as: "list_reply" }), "picked 2 of 3 as list_reply");
});

Deno.test("AskedMenus says what was not offered", () => {
  const stray = "picked No as button_reply, which was not offered from here";
  assert.equal(menus("a").describe(CHOICE), stray);
  assert.equal(menus("a", "b").describe({ ...CHOICE, contextId: "m2" }), stray);
});

Deno.test("AskedMenus does not blame a quick reply that was sent without a payload", () => {
  assert.equal(menus("a", "").describe({ ...CHOICE, as: "button" }), "picked No as button");
});
