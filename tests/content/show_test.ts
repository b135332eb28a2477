import assert from "node:assert/strict";
import fc from "fast-check";
import { showMessage, type ShowOptions, type TemplateWords } from "../../src/content/mod.ts";
import { turnMessageSchema } from "../../src/turn/messages.ts";
import { anyMessage, anyText } from "../turn/arbitraries.ts";

const TEMPLATES = new Map<string, TemplateWords>([
  ["welcome", { text: "Hello {{1}}, you owe {{ 2 }}.", buttons: [] }],
  ["survey", { text: "How *are* you?", buttons: ["Well", "Not well"] }],
  ["survey.af", { text: "Hoe gaan dit?", buttons: ["Goed", "Sleg"] }],
]);

const USSD: ShowOptions = {
  medium: "ussd",
  textEncoding: "as_is",
  words: { image: "Picture", video: "Video", audio: "Voice message", document: "Document" },
  templates: TEMPLATES,
};
const SMS: ShowOptions = { ...USSD, medium: "sms" };

const LINK = "https://x.org/a_b.jpg";
const PARTS = { header: { text: "Top" }, body: { text: "Pick one" }, footer: { text: "Bye" } };
const BUTTONS = { buttons: [button("y", "Yes"), button("n", " No ")] };
const ROWS = [{ id: "a", title: "One", description: "the first" }, { id: "b", title: "Two" }];
const TWO_SECTIONS = {
  button: "Choose",
  sections: [{ title: "Left", rows: ROWS }, {
    title: "Right",
    rows: [{ id: "c", title: "Three" }],
  }],
};

/** What is asked for, what a screen says, and what an SMS says if that is something else. */
const ROWS_OF_THE_TABLE: readonly [string, unknown, string, string?][] = [
  ["text", { text: { body: "Hi" } }, "Hi"],
  ["text: trimmed, but by SMS as it came", { text: { body: " \r\nHi \n" } }, "Hi", " \r\nHi \n"],
  ["text: markup", { text: { body: "*Hi* _you_" } }, "Hi you", "*Hi* _you_"],
  ["buttons", interactive("button", BUTTONS), "Top\nPick one\n1. Yes\n2. No\nBye"],
  [
    "buttons: parts that are blank, null or not there",
    interactive("button", BUTTONS, { header: null, body: { text: " \n" }, footer: {} }),
    "1. Yes\n2. No",
  ],
  [
    "list of one section",
    interactive("list", { sections: [{ title: "Left", rows: ROWS }] }),
    "Top\nPick one\n1. One\n2. Two\nBye",
    "Top\nPick one\n1. One - the first\n2. Two\nBye",
  ],
  [
    "list of two sections",
    interactive("list", TWO_SECTIONS),
    "Top\nPick one\nLeft\n1. One\n2. Two\nRight\n3. Three\nBye",
    "Top\nPick one\nLeft\n1. One - the first\n2. Two\nRight\n3. Three\nBye",
  ],
  [
    "list with an empty section and one without a title",
    interactive("list", { sections: [{ title: "Left", rows: [] }, { rows: ROWS.slice(1) }] }, {}),
    "1. Two",
  ],
  [
    "cta_url",
    interactive("cta_url", { name: "cta_url", parameters: { display_text: "See", url: LINK } }),
    `Top\nPick one\nSee: ${LINK}\nBye`,
  ],
  ["flow", interactive("flow", { parameters: 5 }), "Top\nPick one\nBye"],
  [
    "location request",
    interactive("location_request_message", {}, { body: { text: "Where?" } }),
    "Where?",
  ],
  [
    "carousel",
    interactive("carousel", { cards: [{ body: { text: "A" } }, {}, { body: { text: "B" } }] }, {
      body: { text: "Cards" },
    }),
    "Cards\nA\nB",
  ],
  [
    "header that is a picture",
    interactive("button", BUTTONS, {
      header: { type: "image", image: { link: LINK } },
      body: { text: "Well?" },
    }),
    "[Picture]\nWell?\n1. Yes\n2. No",
    `[Picture]\n${LINK}\nWell?\n1. Yes\n2. No`,
  ],
  [
    "header that is a document",
    interactive("flow", {}, { header: { document: { id: "5", filename: "a.pdf" } } }),
    "[Document: a.pdf]",
  ],
  ["image with a caption", media("image", { caption: " Cat ", link: LINK }), "Cat", `Cat\n${LINK}`],
  ["image without", media("image", { link: LINK }), "[Picture]", `[Picture]\n${LINK}`],
  ["image by id", media("image", { id: "5", caption: null }), "[Picture]"],
  ["image with a link that is none", media("image", { link: "file:///etc/x" }), "[Picture]"],
  ["video", media("video", { link: LINK }), "[Video]", `[Video]\n${LINK}`],
  ["audio", media("audio", { id: "5" }), "[Voice message]"],
  ["document", media("document", { id: "5", filename: "a.pdf" }), "[Document: a.pdf]"],
  ["document without a filename", media("document", {}), "[Document]"],
  ["document with a caption", media("document", { filename: "a.pdf", caption: "Read" }), "Read"],
  [
    "location",
    media("location", { latitude: -26.2, longitude: "28.04", name: "Clinic", address: "1 Road" }),
    "Clinic\n1 Road\n-26.2, 28.04",
  ],
  ["location without a name", media("location", { latitude: 0, longitude: 0 }), "0, 0"],
  [
    "location of tiny degrees",
    media("location", { latitude: 1e-7, longitude: "0" }),
    "0.0000001, 0",
  ],
  ["location of no degrees", media("location", { latitude: "", longitude: "", name: "X" }), "X"],
  ["location without a place", media("location", { name: "Clinic" }), "Clinic"],
  [
    "contacts",
    media("contacts", [
      { name: { formatted_name: "Ann" }, phones: [{ phone: "+1" }, { phone: "+2" }] },
      { name: { formatted_name: "Bob" } },
    ]),
    "Ann: +1\nAnn: +2\nBob",
  ],
  [
    "contacts: three phones at most",
    media(
      "contacts",
      [1, 2, 3, 4].map((n) => ({
        name: { formatted_name: `N${n}` },
        phones: [{ phone: `+${n}` }],
      })),
    ),
    "N1: +1\nN2: +2\nN3: +3",
  ],
  [
    "contacts: three phones, also of those who come after names",
    media("contacts", [
      ...["A", "B", "C"].map((formatted_name) => ({ name: { formatted_name } })),
      ...["D", "E", "F", "G"].map((formatted_name, n) => (
        { name: { formatted_name }, phones: [{ phone: `+${n}` }] }
      )),
    ]),
    "A\nB\nC\nD: +0\nE: +1\nF: +2",
  ],
  ["template", template("welcome", [["body", "Ann", 5]]), "Hello Ann, you owe 5."],
  [
    "template with a value that looks like a pattern",
    template("welcome", [["BODY", "$&", "{{1}}"]]),
    "Hello $&, you owe {{1}}.",
  ],
  [
    "template with buttons",
    template("survey"),
    "How are you?\n1. Well\n2. Not well",
    "How *are* you?\n1. Well\n2. Not well",
  ],
  ["template in its language", template("survey", [], "af"), "Hoe gaan dit?\n1. Goed\n2. Sleg"],
  [
    "template in another language",
    template("survey", [], "zu"),
    "How are you?\n1. Well\n2. Not well",
    "How *are* you?\n1. Well\n2. Not well",
  ],
];

for (const [what, message, onScreen, bySms = onScreen] of ROWS_OF_THE_TABLE) {
  Deno.test(`showMessage() shows ${what}`, () => {
    for (const [options, text] of [[USSD, onScreen], [SMS, bySms]] as const) {
      const shown = show(message, "not this", options);
      assert.equal(shown.kind === "shown" && shown.text, text, options.medium);
    }
  });
}

const WITHOUT_WORDS: readonly [string, unknown, string, RegExp][] = [
  ["an unknown type", { type: "order" }, "turn.type", /type "order"/],
  ["a long unknown type", { type: "x".repeat(99) }, "turn.type", /type "x{50}"/],
  ["a flow", interactive("flow", {}, {}), "turn.interactive.type", /type "flow"/],
  [
    "buttons that are none",
    interactive("button", { buttons: [] }, {}),
    "turn.interactive.type",
    /type "button"/,
  ],
  ["a template that isn't configured", template("new"), "turn.template.name", /template "new"/],
  ["a template called __proto__", template("__proto__"), "turn.template.name", /"__proto__"/],
  [
    "a template whose value is missing",
    template("welcome", [["body", "Ann"]]),
    "turn.template.name",
    /"welcome"/,
  ],
  ["a location that is nowhere", media("location", {}), "turn.location", /type "location"/],
  [
    "contacts that are none",
    media("contacts", [{ phones: [] }]),
    "turn.contacts",
    /type "contacts"/,
  ],
];

for (const [what, message, field, details] of WITHOUT_WORDS) {
  Deno.test(`showMessage() shows Turn's own words, or names the type: ${what}`, () => {
    const options = { text: "Words", options: [] };
    assert.deepEqual(show(message, " Words\n", USSD), { kind: "shown", ...options });
    for (const content of [null, undefined, "", " \n"]) {
      const shown = show(message, content, USSD);
      assert.ok(shown.kind === "without_words");
      assert.equal(shown.field, field);
      assert.match(shown.details, details);
    }
  });
}

for (const type of ["sticker", "reaction"]) {
  Deno.test(`showMessage() shows nothing of a ${type}`, () => {
    assert.deepEqual(show({ type, [type]: { id: "5" } }, "Words", SMS), { kind: "not_shown" });
  });
}

Deno.test("showMessage() gives the options as Turn sent them", () => {
  assert.deepEqual(optionsOf(interactive("button", BUTTONS)), [
    { kind: "button", id: "y", title: "Yes" },
    { kind: "button", id: "n", title: " No " },
  ]);
  assert.deepEqual(optionsOf(interactive("list", TWO_SECTIONS)), [
    { kind: "list", id: "a", title: "One", description: "the first" },
    { kind: "list", id: "b", title: "Two" },
    { kind: "list", id: "c", title: "Three" },
  ]);
  const { template: survey } = template("survey", []);
  const components = [{
    type: "button",
    sub_type: "quick_reply",
    index: "1",
    parameters: [{ type: "payload", payload: "NOT_WELL" }],
  }];
  assert.deepEqual(optionsOf({ type: "template", template: { ...survey, components } }), [
    { kind: "quick_reply", id: "Well", title: "Well" },
    { kind: "quick_reply", id: "NOT_WELL", title: "Not well" },
  ]);
  // A link comes first, and Turn's index counts it.
  const all = [["url", "0", "https://x"], ["quick_reply", "2", "NO"], ["quick_reply", "1", "YES"]]
    .map(([sub_type, index, payload]) => (
      { type: "button", sub_type, index, parameters: [{ type: "payload", payload }] }
    ));
  for (const components of [all, all.toReversed()]) {
    assert.deepEqual(optionsOf({ type: "template", template: { ...survey, components } }), [
      { kind: "quick_reply", id: "YES", title: "Well" },
      { kind: "quick_reply", id: "NO", title: "Not well" },
    ]);
  }
  const unnumbered = ["YES", "NO"].map((payload) => (
    { type: "button", sub_type: "quick_reply", parameters: [{ type: "payload", payload }] }
  ));
  const inOrder = { ...survey, components: unnumbered };
  assert.deepEqual(optionsOf({ type: "template", template: inOrder }), [
    { kind: "quick_reply", id: "YES", title: "Well" },
    { kind: "quick_reply", id: "NO", title: "Not well" },
  ]);
});

Deno.test("showMessage() keeps markup only where an SMS goes out as it is", () => {
  const message = media("image", { caption: "*Cat*" });
  const text = (options: ShowOptions) => {
    const shown = show(message, null, options);
    return shown.kind === "shown" && shown.text;
  };
  assert.equal(text(SMS), "*Cat*");
  assert.equal(text({ ...SMS, textEncoding: "gsm7" }), "Cat");
  assert.equal(text({ ...SMS, textEncoding: "auto" }), "Cat");
  assert.equal(text(USSD), "Cat");
});

Deno.test("showMessage() has a text for any valid message, or says why not", () => {
  fc.assert(fc.property(
    anyMessage,
    fc.option(anyText, { nil: null }),
    fc.constantFrom<ShowOptions>(USSD, SMS, { ...SMS, textEncoding: "auto" }),
    (message, content, options) => {
      const shown = show(message, content, options);
      if (shown.kind === "not_shown") return assert.match(String(message.type), /sticker|reaction/);
      if (shown.kind === "without_words") {
        assert.equal(content?.trim() ?? "", "");
        return assert.match(shown.field, /^turn\.[a-z.]+$/);
      }
      const isText = (message.type ?? "text") === "text";
      assert.ok(isText || shown.text.trim() !== "" || options !== SMS);
      const { body } = (message.text ?? {}) as { body?: string };
      if (isText && options === SMS) assert.equal(shown.text, body);
      if (options === SMS) {
        shown.options.forEach(({ title }, index) => {
          assert.ok(`\n${shown.text}`.includes(`\n${index + 1}. ${title.trim()}`));
        });
      }
    },
  ));
});

function show(message: unknown, content: string | null | undefined, options: ShowOptions) {
  return showMessage(turnMessageSchema.parse(message), content, options);
}

function optionsOf(message: unknown) {
  const shown = show(message, null, SMS);
  return shown.kind === "shown" && shown.options;
}

function button(id: string, title: string) {
  return { type: "reply", reply: { id, title } };
}

function interactive(type: string, action: unknown, parts: Record<string, unknown> = PARTS) {
  return { type: "interactive", interactive: { type, ...parts, action } };
}

function media(type: string, content: unknown) {
  return { type, [type]: content };
}

function template(
  name: string,
  components: readonly (readonly [string, ...(string | number)[]])[] = [],
  code?: string,
) {
  return {
    type: "template",
    template: {
      name,
      language: { policy: "deterministic", code },
      components: components.map(([type, ...texts]) => ({
        type,
        parameters: texts.map((text) => ({ type: "text", text })),
      })),
    },
  };
}
