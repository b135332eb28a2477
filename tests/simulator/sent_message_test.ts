import assert from "node:assert/strict";
import fc from "fast-check";
import { optionsOf, type SentMessage, wordsOf } from "../../src/simulator/sent_message.ts";

const BUTTONS: SentMessage = {
  type: "interactive",
  interactive: {
    type: "button",
    header: { type: "text", text: "Clinic" },
    body: { text: "Are you well?" },
    footer: { text: "Reply any time" },
    action: {
      buttons: [
        { type: "reply", reply: { id: "y", title: "Yes" } },
        { type: "reply", reply: { title: "No" } },
      ],
    },
  },
};

const LIST: SentMessage = {
  type: "interactive",
  interactive: {
    type: "list",
    body: { text: "Which?" },
    action: {
      button: "Choose",
      sections: [
        { title: "One", rows: [{ id: "a", title: "A", description: "first" }] },
        { title: "Two", rows: [{ id: "b", title: "B" }] },
      ],
    },
  },
};

const TEMPLATE: SentMessage = {
  type: "template",
  template: {
    name: "reminder",
    components: [
      { type: "body", parameters: [{ type: "text", text: "Neo" }] },
      { type: "button", sub_type: "quick_reply", index: "0", parameters: [{ payload: "yes" }] },
      { type: "BUTTON", sub_type: "QUICK_REPLY", index: 1 },
    ],
  },
};

const WORDS: readonly [SentMessage, string, string][] = [
  [{ type: "text", text: { body: "Hi\nyou" } }, "", "Hi\nyou"],
  [{ text: { body: "Without a type" } }, "", "Without a type"],
  [BUTTONS, "", "Clinic\nAre you well?\n• Yes\n• No\nReply any time"],
  [LIST, "", "Which?\n• A\n• B"],
  [{ type: "image", image: { caption: "A map" } }, "", "[image]\nA map"],
  [{ type: "location", location: { name: "Clinic", latitude: 1 } }, "", "[location]\nClinic"],
  [TEMPLATE, "Hello Neo", "[template]\nreminder\nHello Neo"],
  [{ type: "sticker" }, "", "[sticker]"],
  [{ type: "interactive", interactive: 7 }, "", "[interactive]"],
];

for (const [message, content, words] of WORDS) {
  Deno.test(`wordsOf() says ${JSON.stringify(words)}`, () => {
    assert.equal(wordsOf(message, content), words);
  });
}

Deno.test("optionsOf() has what Turn is told when one is chosen, in order", () => {
  const ids = (message: SentMessage): string[] => optionsOf(message).map(({ id }) => id);
  assert.deepEqual(ids(BUTTONS), ["y", "No"]);
  assert.deepEqual(ids(LIST), ["a", "b"]);
  assert.deepEqual(ids(TEMPLATE), ["yes", ""]);
  assert.deepEqual(ids({ type: "text", text: { body: "1. Yes" } }), []);
});

Deno.test("wordsOf() and optionsOf() read whatever somebody has written", () => {
  const messages = fc.dictionary(
    fc.constantFrom("type", "interactive", "template"),
    fc.jsonValue(),
  );
  fc.assert(fc.property(messages, (message) => {
    assert.equal(typeof wordsOf(message), "string");
    assert.ok(Array.isArray(optionsOf(message)));
  }));
});
