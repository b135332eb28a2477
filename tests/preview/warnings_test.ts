/**
 * Every warning, raised and not raised.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { PreviewOptions, WarningKind } from "../../src/preview/mod.ts";
import type { BlockSpec, FlowSpec } from "./flow_builder.ts";
import { OPTIONS, warningsFor } from "./support.ts";

interface Case {
  readonly flow: FlowSpec;
  readonly options?: Partial<PreviewOptions>;
  /** What the warning must say; not to be raised if there is none. */
  readonly says?: RegExp;
  readonly remedy?: RegExp;
  /** The card, the line and the language that it names. */
  readonly at?: readonly [card: string, line: number, language: string];
}

/** A flow of blocks that follow each other. */
function flow(...blocks: readonly Omit<BlockSpec, "id">[]): FlowSpec {
  return {
    name: "Flow",
    blocks: blocks.map((block, index) => ({
      to: `b${index + 1}`,
      ...block,
      id: `b${index}`,
    })),
  };
}

const says = (text: string, more: Partial<BlockSpec> = {}) => ({
  type: "Open",
  says: text,
  ...more,
});
const menu = (...options: readonly string[]) => ({ type: "Buttons", says: "Which?", options });
const SMS = { medium: "sms" } as const;
const TEMPLATE = (name: string, parameters: readonly unknown[] = []) => ({
  type: "Template",
  config: {
    template: {
      name: `"${name}"`,
      language: { code: '"en"' },
      components: [{ type: "body", parameters }],
    },
  },
});
const started = (test: string) => flow({ type: "Case", to: { [test]: "b1" } }, says("Hello"));
const routed = (test: string) =>
  flow(menu("Yes", "No"), { type: "Case", to: { [test]: "b2" } }, says("Hello"));
const numbered = (count: number) =>
  Array.from({ length: count }, (_, n) => `Option ${"x".repeat(n)}`);
const picture = { type: "Message", file: ["IMAGE", "image/png", "@link"] } as const;

/** What differs from a transcript is in transcript_test.ts. */
const CASES: Readonly<Record<Exclude<WarningKind, "differs">, readonly Case[]>> = {
  pages: [
    {
      flow: flow(says("word ".repeat(50), { card: "Long", line: 7 })),
      says: /^It takes 2 pages; people have to type 98/,
      remedy: /^Shorten it by about 67 characters, or ask in two steps/,
      at: ["Long", 7, "English"],
    },
    { flow: flow(says("x".repeat(182))) },
    { flow: flow(says("x".repeat(183))), says: /2 pages/ },
    { flow: flow(says("x".repeat(183))), options: SMS },
    { flow: flow(says("word ".repeat(300))), says: /more than the 6 pages .* the end is missing/ },
    {
      flow: flow(
        { ...says("x".repeat(20)), type: "Message" },
        says("y".repeat(170), { card: "Longer" }),
      ),
      says: /^Its 2 messages together take 2 pages/,
      at: ["Longer", 11, "English"],
    },
    { flow: flow(says(`@name ${"word ".repeat(50)}`)), says: /at least 2 pages/ },
    {
      flow: flow(says("word ".repeat(150))),
      options: { ...SMS, longSms: "split", maxParts: 2 },
      says: /more than sms\.max_parts, 2 SMS: the end is missing/,
    },
  ],
  many_options: [
    {
      flow: flow(menu(...numbered(10))),
      says: /^It has 10 options/,
      remedy: /nine at most/,
      at: ["b0", 1, "English"],
    },
    { flow: flow(menu(...numbered(9))) },
    { flow: flow(menu(...numbered(10))), options: SMS, says: /10 options/ },
    { flow: flow(menu(...numbered(9))), options: SMS },
  ],
  not_gsm7: [
    {
      flow: flow(says("Hello 🙂")),
      says: /^"🙂" is not GSM-7: a screen with that holds 80 characters and not 182\./,
      remedy: /^Leave it out, or write plain characters/,
    },
    { flow: flow(says("Café à Noël? £5 {yes}".replace("ë", "e"))) },
    { flow: flow(says(`ú${"x".repeat(90)}`)), says: /so it takes 2 pages and not 1/ },
    {
      flow: flow(says("Привет")),
      says: /"П", "р", "и" and 1 more/,
      remedy: /^Nothing while it fits/,
    },
    { flow: flow(says("Привет".repeat(20))), remedy: /^Shorten it/, says: /80 characters/ },
    {
      flow: flow(says(`ú${"x".repeat(90)}`)),
      options: SMS,
      says: /70 characters .* costs 2 SMS and not 1/,
      remedy: /set text_encoding to auto/,
    },
    { flow: flow(says("ú")), options: SMS, says: /costs 1 SMS all the same/ },
    { flow: flow(says("ú")), options: { ...SMS, textEncoding: "auto" } },
    { flow: flow(says("Привет")), options: { ...SMS, textEncoding: "auto" }, says: /GSM-7/ },
  ],
  says_nothing: [
    {
      flow: flow(picture),
      says: /^The picture says nothing on a phone: people see \[Picture\]/,
      remedy: /caption/,
      at: ["b0", 1, "English"],
    },
    { flow: flow({ ...picture, says: "With words" }) },
    { flow: flow({ ...picture, file: ["VIDEO", "video/mp4", "@x"] }), says: /The video/ },
    { flow: flow({ ...picture, file: ["AUDIO", "audio/ogg", "@x"] }), says: /The voice message/ },
    { flow: flow({ ...picture, file: ["TEXT", "application/pdf", "@x"] }), says: /The document/ },
    { flow: flow({ ...picture, file: ["STICKER", "image/webp", "x"] }), says: /^A sticker is not/ },
    { flow: flow({ ...menu("a", "b"), ...{ file: picture.file } }), says: /The picture/ },
    {
      flow: flow({ ...picture, file: ["IMAGE", "image/png", "https://example.org/a"] }),
      options: SMS,
    },
    { flow: flow(picture), options: SMS, says: /The picture/ },
    { flow: flow(says(" ")), says: /^It has no words in English/ },
    {
      flow: { ...flow(says("x", { says: { eng: "Hello" } })), languages: ["eng", "por"] },
      says: /^It has no words in Portuguese/,
      at: ["b0", 1, "Portuguese"],
    },
  ],
  template_without_text: [
    {
      flow: flow(TEMPLATE("greeting")),
      says: /^The template greeting has no text in the configuration, .*`content`.* 422/,
      remedy: /^Set templates\.greeting/,
    },
    { flow: flow(TEMPLATE("harvest_reminder", [{ type: "text", text: '"Mary"' }])) },
    { flow: flow(TEMPLATE("harvest_reminder")), says: /more placeholders/ },
    { flow: flow(TEMPLATE("@which")), says: /@which, is not in the export/, remedy: /--values/ },
    {
      flow: flow(TEMPLATE("@which", [{ type: "text", text: '"Mary"' }])),
      options: { samples: new Map([["which", "harvest_reminder"]]) },
    },
  ],
  web_call: [
    {
      flow: flow(
        { type: "Message", says: "Wait" },
        { type: "Webhook" },
        says("Here it is", { card: "Here", line: 3 }),
      ),
      says: /^Between "b0" and this, web calls may take 5 s: .* as a screen waits 2 s/,
      remedy: /set ussd\.merge_window to 6/,
      at: ["Here", 3, ""],
    },
    { flow: flow({ type: "Webhook" }, { type: "Message", says: "Wait" }, says("Here it is")) },
    { flow: flow(says("Wait?"), { type: "Webhook" }, says("Here it is")) },
    {
      flow: flow(
        { type: "Message", says: "Wait" },
        { type: "Webhook", config: { timeout: 2000 } },
        says("Here it is"),
      ),
    },
    {
      flow: flow({ type: "Message", says: "Wait" }, { type: "Webhook" }, says("Here it is")),
      options: { mergeWindowMs: 6000 },
    },
    {
      flow: flow({ type: "Message", says: "Wait" }, { type: "Webhook" }, says("Here it is")),
      options: SMS,
    },
    {
      flow: flow(
        { type: "Message", says: "Wait" },
        { type: "Webhook" },
        { type: "Webhook" },
        says("Here"),
      ),
      says: /10 s/,
      remedy: /networks do not wait so long/,
    },
    // Each is waited for, and all of them are too long.
    ...[4_000, 3_900].map((timeout) => ({
      flow: flow(
        { type: "Message", says: "Wait" },
        { type: "Webhook", config: { timeout } },
        { type: "Message", says: "Wait on" },
        { type: "Webhook", config: { timeout } },
        says("Here"),
      ),
      options: { mergeWindowMs: 6000 },
      ...timeout === 4_000 && {
        says: /^Web calls up to this may take 8 s in all: this may be missed, .* after 8 s in any/,
        at: ["b4", 41, ""] as const,
      },
    })),
  ],
  too_late: [
    {
      flow: flow({ type: "Message", says: "One" }, says("Two")),
      options: { mergeWindowMs: 0 },
      says: /after "b0" .* ussd\.merge_window is 0/,
    },
    { flow: flow({ type: "Message", says: "One" }, says("Two")) },
    { flow: flow(says("One"), says("Two")), options: { mergeWindowMs: 0 } },
  ],
  not_sent: [
    {
      flow: flow(says("Привет")),
      options: { ...SMS, textEncoding: "gsm7" },
      says: /^"П" is not GSM-7 and text_encoding is gsm7: it is not sent/,
    },
    {
      flow: flow(says("word ".repeat(50))),
      options: { ...SMS, longSms: "refuse" },
      says: /^It takes 2 SMS and sms\.long is refuse/,
    },
    { flow: flow(says("🙂")), options: { ...SMS, textEncoding: "gsm7" }, says: /^Nothing is left/ },
    { flow: flow(says("Hello 🙂")), options: { ...SMS, textEncoding: "gsm7", longSms: "refuse" } },
  ],
  start_words: [
    {
      flow: started('has_any_exact_phrase(event.message.text.body, ["0", "hi"])'),
      says: /^The flow starts on "0", "hi", and nobody dials that: Turn is told the code/,
      remedy: /^Set ussd\.start_text to "hi"\.$/,
      at: ["b0", 1, ""],
    },
    { flow: started('event.message.text.body == "menu"'), says: /"menu"/ },
    {
      flow: started('has_any_word(event.message.text.body, "hi hello")'),
      options: { startTexts: ["say hello"] },
    },
    {
      flow: flow(says("Hello", { condition: 'has_only_phrase(event.message.text.body, "start")' })),
      says: /"start"/,
    },
    {
      flow: started('has_phrase(event.message.text.body, "hi")'),
      options: { startTexts: ["Say Hi!"] },
    },
    {
      flow: started('has_only_phrase(event.message.text.body, "hi")'),
      options: { startTexts: ["say hi"] },
      says: /Turn is told "say hi"/,
      remedy: /ussd\.start_texts/,
    },
    {
      flow: started('has_only_phrase(event.message.text.body, "hi")'),
      options: { startTexts: ["register", "HI"] },
    },
    {
      flow: started('event.message.text.body == "Hi"'),
      options: { startTexts: ["hi"] },
      says: /^The flow starts on "Hi", and nobody dials that: Turn is told "hi"\.$/,
    },
    {
      flow: started(
        'has_phrase(event.message.text.body, "hi") or event.message.text.body == "hi"',
      ),
      options: { startTexts: ["Hi there"] },
    },
    {
      flow: started('lower(event.message.text.body) == "hi"'),
      options: { startTexts: ["Hi"] },
    },
    { flow: started('has_phrase(event.message.text.body, "hi")'), options: SMS },
    { flow: started('has_phrase(event.message.text.body, "*120*8864#")') },
    { flow: started('contact.name == "hi"') },
    { flow: flow(says("Hello")) },
  ],
  number_keyword: [
    {
      flow: routed('has_only_phrase("@b0", "2")'),
      says: /^The flow looks for "2": in a menu that picks option 2/,
      at: ["b1", 11, ""],
    },
    { flow: routed('has_only_phrase(event.message.text.body, "12")'), says: /"12"/ },
    { flow: routed('has_only_phrase("@b0", "Yes")') },
    { flow: routed('contact.age == "2"') },
    // No option has that number.
    { flow: routed('has_only_phrase(event.message.text.body, "0")') },
    {
      flow: flow(
        says("Name?"),
        { type: "Case", to: { 'has_phrase("@b0", "98")': "b2" } },
        says("x"),
      ),
      says: /^The flow looks for "98", which brings the next page/,
      remedy: /ussd\.more_key/,
    },
    {
      flow: flow(
        says("Name?"),
        { type: "Case", to: { 'has_phrase("@b0", "98")': "b2" } },
        says("x"),
      ),
      options: { pages: { ...OPTIONS.pages, moreKey: "0" } },
    },
    { flow: flow(menu("3", "Small", "Large")), says: /^Option 1 reads "3": .* picks option 3/ },
    { flow: flow(menu("1", "2", "3")) },
    { flow: flow(menu("98", "Other")), says: /^Option 1 reads "98", which brings the next page/ },
    { flow: flow(menu("98", "Other")), options: SMS },
  ],
  same_options: [
    {
      flow: flow(menu("Find a clinic near your home", "Other", "Find a clinic near your work")),
      says: /^Options 1 and 3 read the same within 20 characters: "Find a clinic near y"/,
      remedy: /Begin them differently/,
    },
    { flow: flow(menu("Find a clinic, near", "Find a clinic, far")) },
    { flow: flow(menu("Yes!", "yes")), says: /^Options 1 and 2/ },
    { flow: flow(menu("@labels[0] and so on and on", "@labels[0] and so on and off")) },
    { flow: flow(menu("Да", "Нет")) },
  ],
  unknown_length: [
    {
      flow: flow(says("Dear @contact.name, @page.text and @a and @b")),
      says: /^Its length is not known: what @contact\.name, @page\.text, @a and 1 more say/,
      remedy: /--write-values/,
      at: ["b0", 1, "English"],
    },
    { flow: flow(says("Write to a@example.org, or @@home")) },
    {
      flow: flow(says("Dear @contact.name")),
      options: { samples: new Map([["contact.name", "Mary"]]) },
    },
    {
      flow: flow({
        type: "DynamicList",
        says: "Which?",
        config: { choices: [], choice_expression: "map(x, &[&1, &1])" },
      }),
      says: /@map\(x, &\[&1, &1\]\)/,
    },
    {
      flow: flow({ type: "Content", config: { content: { uuid: "5f0c" } } }),
      says: /what the content says/,
    },
  ],
};

for (const [kind, cases] of Object.entries(CASES)) {
  Deno.test(`${kind}: the warning is raised where it should be, and nowhere else`, () => {
    assert.ok(cases.some(({ says }) => says) && cases.some(({ says }) => !says), kind);
    for (const { flow, options = {}, says, remedy, at } of cases) {
      const raised = warningsFor(flow, options).filter((warning) => warning.kind === kind);
      const where = JSON.stringify([flow, options, raised]).slice(0, 2000);
      assert.equal(raised.length > 0, says !== undefined, where);
      if (says === undefined) continue;
      const [first = assert.fail(where)] = raised;
      assert.match(first.message, says);
      assert.match(first.remedy, remedy ?? /./);
      if (at !== undefined) assert.deepEqual([first.card, first.line, first.language], at);
    }
  });
}
