/**
 * Arbitrary messages of Turn's, for properties: valid ones of each type, with fields that nobody
 * knows, and with what is optional there, missing or null.
 *
 * @module
 */

import fc from "fast-check";

/** A text with all that is hard about texts. */
export const anyText: fc.Arbitrary<string> = fc.array(
  fc.oneof(
    fc.string(),
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      ...[" ", "  ", "\n", "\r\n", "\n\n", "\t", "*b*", "_i_", "*120*8864#", "1", "2. ", "98"],
      ...[
        "word ",
        "a long line of words\n",
        "[~^|€{}\\]",
        "é",
        "e\u0301\u0323",
        "ŋł",
        "“”…–•\u00a0",
      ],
      ...["👩🏽‍⚕️", "🇿🇦", "1️⃣", "❤️", "سلام ", "ሰላም", "नमस्ते", "\u200f", "\u200d", "\ud83d", "\ude00"],
      ...[
        "{{1}}",
        "$&",
        "__proto__",
        "\u0301".repeat(40),
        "https://x.org/_a_?b=*c* ",
        "x".repeat(90),
      ],
    ),
  ),
  { maxLength: 12 },
).map((parts) => parts.join(""));

/** A title that a schema lets through. */
export const anyTitle = anyText.filter((text) => text.trim() !== "");

/** An option as WhatsApp's buttons and rows have it. */
const choice = object({ title: anyTitle }, { id: anyText, description: anyText });
const media = object({}, { id: anyText, link: anyText, caption: anyText, filename: anyText });
const spoken = object({}, { text: anyText });
const parts = {
  header: object({}, { type: anyText, text: anyText, image: media, video: media, document: media }),
  body: spoken,
  footer: spoken,
};

const interactive = fc.oneof(
  object({
    type: fc.constant("button"),
    action: object({ buttons: fc.array(object({ reply: choice }), { maxLength: 4 }) }),
  }, parts),
  object({
    type: fc.constant("list"),
    action: object({
      sections: fc.array(
        object({ rows: fc.array(choice, { maxLength: 4 }) }, { title: anyText }),
        { maxLength: 3 },
      ),
    }),
  }, parts),
  object({
    type: fc.constant("cta_url"),
    action: object({ parameters: object({}, { display_text: anyText, url: anyText }) }),
  }, parts),
  object({
    type: fc.constant("carousel"),
    action: object({ cards: fc.array(object({}, { body: spoken }), { maxLength: 3 }) }),
  }, parts),
  object({ type: fc.constantFrom("flow", "location_request_message", "product_list") }, {
    ...parts,
    action: fc.jsonValue(),
  }),
);

const component = object({ type: fc.constantFrom("body", "BODY", "header", "button") }, {
  sub_type: fc.constantFrom("quick_reply", "url"),
  index: fc.oneof(fc.nat(3), fc.nat(3).map(String), anyText),
  parameters: fc.array(
    object({}, {
      text: fc.oneof(anyText, fc.nat()),
      payload: anyText,
      currency: object({}, { fallback_value: anyText }),
    }),
    { maxLength: 3 },
  ),
});

const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), anyText);

/** A message of any type, as JSON has it. */
export const anyMessage: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc.oneof(
  object({ text: object({ body: anyText }) }, { type: fc.constant("text") }),
  of("interactive", interactive),
  ...["image", "video", "audio", "document"].map((type) => of(type, media)),
  of("location", object({}, { latitude: number, longitude: number, name: anyText })),
  of(
    "contacts",
    fc.array(
      object({}, {
        name: object({}, { formatted_name: anyText }),
        phones: fc.array(object({}, { phone: anyText }), { maxLength: 4 }),
      }),
      { maxLength: 3 },
    ),
  ),
  of(
    "template",
    object({ name: fc.constantFrom("welcome", "survey", "unknown", "__proto__") }, {
      language: object({}, { code: fc.constantFrom("en", "af") }),
      components: fc.array(component, { maxLength: 4 }),
    }),
  ),
  of("sticker", fc.jsonValue()),
  of("reaction", fc.jsonValue()),
  object({ type: fc.constantFrom("order", "unknown", "other", "", "__proto__", "constructor") }),
);

function of(type: string, content: fc.Arbitrary<unknown>) {
  return object({ type: fc.constant(type), [type]: content });
}

/** An object with `optional` there, null or missing, and with a field that nobody knows. */
function object(
  required: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  optional: Readonly<Record<string, fc.Arbitrary<unknown>>> = {},
): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  const nullable = Object.fromEntries(
    Object.entries(optional).map(([name, value]) => [name, fc.option(value)]),
  );
  const fields: Record<string, fc.Arbitrary<unknown>> = {
    ...required,
    ...nullable,
    new_in_2030: fc.jsonValue(),
  };
  return fc.record(fields, { requiredKeys: Object.keys(required) });
}
