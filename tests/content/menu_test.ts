import assert from "node:assert/strict";
import fc from "fast-check";
import { isKey, type Option, pick } from "../../src/content/mod.ts";
import { anyText, anyTitle } from "../turn/arbitraries.ts";

const MENU = [
  "Yes",
  "No, thanks",
  "Café ☕",
  "5 km",
  "👍",
  "Somewhere that is rather far away",
  "أنا",
  "की",
  "का",
  "STRASSE",
  "Ƙarfe ŋ",
];

const PICKED: readonly [string, number, string][] = [
  ...["1", " 1\n", "1.", "1)", "(1)", "(1", "#1", "1#", "*1#", "1:", "1,", "-1", "1-", "01", "001."]
    .map((input): [string, number, string] => [input, 1, "number"]),
  ["10", 10, "number"],
  ["１", 1, "number"],
  ["١", 1, "number"],
  ["۲.", 2, "number"],
  ["२", 2, "number"],
  ["፫", 3, "number"],
  ["①", 1, "number"],
  ["5", 5, "number"],
  ["Yes", 1, "title"],
  [" yes! ", 1, "title"],
  ["YES", 1, "title"],
  ["ＹＥＳ", 1, "title"],
  ["*yes*", 1, "title"],
  ["no thanks", 2, "title"],
  ["No,  thanks.", 2, "title"],
  ["cafe", 3, "title"],
  ["CAFÉ", 3, "title"],
  ["cafe\u0301 ☕️", 3, "title"],
  ["5 KM", 4, "title"],
  ["٥ km", 4, "title"],
  ["👍", 5, "title"],
  ["somewhere that is ra", 6, "title"],
  ["Somewhere that is rather", 6, "title"],
  ["somewhere that is rather far away", 6, "title"],
  ["انا", 7, "title"],
  ["की", 8, "title"],
  ["straße", 10, "title"],
  ["karfe ng", 11, "title"],
  ["1 Yes", 1, "number_and_title"],
  ["1. Yes", 1, "number_and_title"],
  ["1.yes", 1, "number_and_title"],
  ["(1) YES!", 1, "number_and_title"],
  ["2 - no thanks", 2, "number_and_title"],
  ["4. 5 km", 4, "number_and_title"],
  ["5. 👍", 5, "number_and_title"],
  ["6: Somewhere that is rather", 6, "number_and_title"],
];

for (const [input, number, by] of PICKED) {
  Deno.test(`pick() reads ${JSON.stringify(input)} as option ${number}, by ${by}`, () => {
    const options = menu(MENU);
    assert.deepEqual(pick(input, options), { option: options[number - 1], number, by });
  });
}

const TEXT = [
  ...[
    "",
    " ",
    ".",
    "0",
    "00",
    "12",
    "1.5",
    "1 2",
    "1,000",
    "1e0",
    "--1",
    "1))",
    "one",
    "-",
    "99999999999999999999",
  ],
  ...[
    "2 Yes",
    "12 Yes",
    "Yes No",
    "Yes please",
    "some",
    "somewhere that is rat",
    "👎",
    "क",
    "hi",
    "98",
  ],
];

for (const input of TEXT) {
  Deno.test(`pick() reads ${JSON.stringify(input)} as text`, () => {
    assert.equal(pick(input, menu(MENU)), undefined);
  });
}

Deno.test("pick() reads a title that two options have as text, unless one is closer", () => {
  assert.equal(pick("a", menu(["A", "á"])), undefined);
  assert.equal(pick("A", menu(["A", "á"]))?.number, 1);
  assert.equal(pick("A", menu(["A", "A"])), undefined);
  assert.equal(pick("2. A", menu(["A", "A"]))?.number, 2);
  const long = "x".repeat(24);
  assert.equal(pick(long, menu([`${long}1`, long]))?.number, 2);
  assert.equal(pick(long, menu([`${long}1`, `${long}2`])), undefined);
});

Deno.test("pick() reads titles without those emoji too of which Unicode makes letters", () => {
  const options = menu(["ℹ️ More info", "Ⓜ️ Metro", "Card™"]);
  const inputs = ["more info", "metro", "card", "1. More info", "ℹ️ more info", "Card™"];
  assert.deepEqual(inputs.map((input) => pick(input, options)?.number), [1, 2, 3, 1, 1, 3]);
});

Deno.test("pick() reads titles that authors numbered with emoji, by their words", () => {
  const options = menu(["1\ufe0f\u20e3 Yes", "2\ufe0f\u20e3 No"]);
  assert.equal(pick("yes", options)?.number, 1);
  assert.equal(pick("no", options)?.number, 2);
  assert.equal(pick("2\ufe0f\u20e3 No", options)?.number, 2);
});

Deno.test("pick() reads a number with a fraction as another number", () => {
  assert.equal(pick("1.5", menu(["5 km", "10 km"])), undefined);
  assert.equal(pick("1.5", menu(["5", "10"])), undefined);
});

Deno.test("pick() reads each number, title and both as their own option", () => {
  const menus = fc.uniqueArray(anyTitle, { minLength: 1, maxLength: 12, selector: bare });
  fc.assert(fc.property(menus, (titles) => {
    const options = menu(titles);
    options.forEach((option, index) => {
      const number = index + 1;
      for (const input of [`${number}`, `${number}.`, ` 0${number} `]) {
        assert.deepEqual(pick(input, options), { option, number, by: "number" });
      }
      // What looks like another option's number, or says it, is that one.
      if (titles.some((title) => /^[^\p{L}]*\p{N}/u.test(title.normalize("NFKC")))) return;
      assert.deepEqual(pick(option.title, options), { option, number, by: "title" });
      const both = pick(`${number}. ${option.title}`, options);
      assert.deepEqual(both, { option, number, by: "number_and_title" });
    });
  }));
});

Deno.test("pick() reads any answer as one of the options, or as text", () => {
  fc.assert(fc.property(anyText, fc.array(anyTitle, { maxLength: 5 }), (input, titles) => {
    const options = menu(titles);
    const picked = pick(input, options);
    assert.ok(picked === undefined || options[picked.number - 1] === picked.option);
  }));
});

Deno.test("isKey() knows a key however it is written", () => {
  for (const input of ["98", " 98 ", "98.", "#98", "098", "٩٨"]) {
    assert.ok(isKey(input, "98"), input);
  }
  for (const input of ["", "9", "980", "98 98", "98 more"]) assert.ok(!isKey(input, "98"), input);
  for (const key of ["0", "00", "#", "*", "*1", "1"]) {
    assert.ok(isKey(` ${key} `, key), key);
    for (const other of ["0", "00", "#", "*", "1"]) {
      assert.equal(isKey(other, key), other === key, `${other} for ${key}`);
    }
  }
});

function menu(titles: readonly string[]): readonly Option[] {
  return titles.map((title, index) => ({ kind: "list", id: `id${index}`, title }));
}

/** What is left of a title when it is compared; to be sure, without more than that. */
function bare(title: string): string {
  return title.normalize("NFKC").trim();
}
