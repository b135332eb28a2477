/**
 * Messages of all of Turn's types, and what each says on a phone.
 *
 * @module
 */

/** Buttons, with a header and a footer. */
export const BUTTONS = {
  type: "interactive",
  interactive: {
    type: "button",
    header: { type: "text", text: "Clinic" },
    body: { text: "Do you *agree*?" },
    footer: { text: "Reply STOP to end" },
    action: {
      buttons: [
        { type: "reply", reply: { id: "b-yes", title: "Yes" } },
        { type: "reply", reply: { id: "b-no", title: "No, thanks" } },
      ],
    },
  },
};

/** A list of two sections. */
export const LIST = {
  type: "interactive",
  interactive: {
    type: "list",
    body: { text: "Pick one" },
    action: {
      button: "Open",
      sections: [
        { title: "Days", rows: [{ id: "mon", title: "Monday", description: "morning only" }] },
        { title: "Nights", rows: [{ id: "tue", title: "Tuesday" }] },
      ],
    },
  },
};

/** A template with a quick reply. */
export const TEMPLATE = {
  type: "template",
  template: {
    name: "reminder",
    language: { code: "en" },
    components: [{ type: "body", parameters: [{ type: "text", text: "Monday" }] }, {
      type: "button",
      sub_type: "quick_reply",
      index: "0",
      parameters: [{ type: "payload", payload: "p-coming" }],
    }],
  },
};

const LINK = "https://example.org/a_b.jpg";
/** What the configuration says of templates. */
export const TEMPLATES = JSON.stringify({
  reminder: { text: "Your visit is on {{1}}.", buttons: ["I come", "Not me"] },
});

/** A message of Turn's, and what it says on USSD and by SMS. */
export const SHOWN:
  readonly (readonly [string, unknown, ussd: string, sms: string, content?: string])[] = [
    ["text", { type: "text", text: { body: " *Hi* " } }, "Hi", " *Hi* "],
    [
      "buttons",
      BUTTONS,
      "Clinic\nDo you agree?\n1. Yes\n2. No, thanks\nReply STOP to end",
      "Clinic\nDo you *agree*?\n1. Yes\n2. No, thanks\nReply STOP to end",
    ],
    [
      "list",
      LIST,
      "Pick one\nDays\n1. Monday\nNights\n2. Tuesday",
      "Pick one\nDays\n1. Monday - morning only\nNights\n2. Tuesday",
    ],
    ["template", TEMPLATE, ...twice("Your visit is on Monday.\n1. I come\n2. Not me")],
    [
      "template without words",
      { type: "template", template: { name: "other" } },
      ...twice("In Turn's words"),
      "In Turn's words",
    ],
    [
      "image",
      { type: "image", image: { link: LINK, caption: "A map" } },
      "A map",
      `A map\n${LINK}`,
    ],
    ["video", { type: "video", video: { id: "1" } }, ...twice("[Video]")],
    ["audio", { type: "audio", audio: { id: "1" } }, ...twice("[Voice message]")],
    [
      "document",
      { type: "document", document: { link: LINK, filename: "a.pdf" } },
      "[Document: a.pdf]",
      `[Document: a.pdf]\n${LINK}`,
    ],
    [
      "location",
      { type: "location", location: { name: "Clinic", latitude: -26.2, longitude: 28 } },
      ...twice("Clinic\n-26.2, 28"),
    ],
    [
      "contacts",
      {
        type: "contacts",
        contacts: [{ name: { formatted_name: "Nurse" }, phones: [{ phone: "+2711" }] }],
      },
      ...twice("Nurse: +2711"),
    ],
    ["unknown", { type: "hologram", hologram: {} }, ...twice("In Turn's words"), "In Turn's words"],
  ];

function twice(text: string): readonly [string, string] {
  return [text, text];
}
