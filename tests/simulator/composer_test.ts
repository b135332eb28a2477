/// <reference lib="dom" />
/**
 * What Turn's people make at the page, and what becomes of it on the phone.
 *
 * @module
 */

import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { type DemoPlaying, pageTest, type Person } from "./page_support.ts";

const USER = "+26612345678";
const CODE = "*120*8864#";

/** A contact of Turn's, whom nothing answers by itself. */
async function meets({ play }: DemoPlaying, person: Person, by: "sms" | "ussd"): Promise<void> {
  await play.act({ do: "setTurnReplies", on: false });
  await play.act(
    by === "sms"
      ? { do: "text", address: USER, text: "Hi" }
      : { do: "dial", address: USER, code: CODE },
  );
  await person.sees("#turn .said.user", by === "sms" ? "Hi" : CODE);
}

async function chooses(person: Person, kind: string): Promise<void> {
  await person.page.select("#send-kind", kind);
}

async function fills(person: Person, selector: string, text: string): Promise<void> {
  await person.page.$eval(selector, (field, text) => {
    (field as HTMLInputElement).value = text;
    field.dispatchEvent(new Event("input"));
  }, text);
}

async function sends(person: Person): Promise<void> {
  await person.clicks("#send button[type=submit]");
}

pageTest("buttons are a menu on the screen, and a digit picks one", async (person, playing) => {
  await meets(playing, person, "ussd");
  await chooses(person, "buttons");
  await fills(person, "#send-header", "Clinic");
  await fills(person, "#send-footer", "Reply any time");
  await fills(person, "#send-buttons", "Yes\n\nNo\nAsk me later");
  await person.enters("#send-text", "Will you come?");
  await person.sees(
    "#ussd-text",
    /^Clinic\nWill you come\?\n1\. Yes\n2\. No\n3\. Ask me later\nReply any time$/,
  );
  await person.sees("#ussd-size", /^65 of 182 characters$/);
  await person.sees("#turn .said.service", "• Ask me later");
  await person.enters("#ussd-answer", "2");
  await person.sees("#turn .said.user:last-child", /No.*picked 2 of 3 as button_reply/);
  await person.sees("#phone .said.user:last-child .meta", "picked 2 of 3 as button_reply");
  await person.sees(".trace[data-flow=inbound] .note", "No, picked 2 of 3 as button_reply");
});

pageTest("a list is a menu by SMS, and words pick a row", async (person, playing) => {
  await meets(playing, person, "sms");
  await chooses(person, "list");
  await person.enters("#send-text", "What do you need?");
  await person.sees("#phone .said.service .words", /^What do you need\?\nVisits\n1\. Book a visit/);
  await person.sees(
    "#phone .words",
    "1. Book a visit - Any weekday\n2. Move my visit\nQuestions\n",
  );
  await person.sees("#phone .said.service .meta", /\d+ characters, 1 segment/);
  await person.enters("#text-content", "ask a NURSE");
  await person.sees("#turn .said.user:last-child", /Ask a nurse.*picked 3 of 4 as list_reply/);
});

pageTest("a picture, a location and a template say what they can", async (person, playing) => {
  await meets(playing, person, "sms");
  await chooses(person, "picture");
  await fills(person, "#send-link", "http://clinic.example/map.png");
  await person.enters("#send-text", "The way");
  await person.sees("#phone .words", /^The way\nhttp:\/\/clinic\.example\/map\.png$/);
  await chooses(person, "location");
  assert.deepEqual(await person.texts("#send-text"), [], "a location has no words");
  await sends(person);
  await person.sees("#phone .words", /^Clinic\nKingsway, Maseru\n-29\.3142, 27\.4833$/);
  await chooses(person, "template");
  await fills(person, "#send-values", "Neo\nMonday");
  await person.enters("#send-text", "Neo, come on Monday");
  await person.sees("#phone .words", /^Neo, come on Monday$/);
  const { turn, content } = await lastRequest(person);
  assert.equal(content, "Neo, come on Monday");
  assert.deepEqual(Object(turn).template, {
    name: "visit_reminder",
    language: { code: "en" },
    components: [{
      type: "body",
      parameters: [{ type: "text", text: "Neo" }, { type: "text", text: "Monday" }],
    }],
  });
});

/** What was posted last, as the page shows it. */
async function lastRequest(person: Person): Promise<Readonly<Record<string, unknown>>> {
  await person.clicks(".trace[data-flow=outbound] summary");
  await person.sees(".step pre", "visit_reminder");
  const [json = ""] = await person.texts(".step pre");
  return JSON.parse(json);
}

pageTest("JSON begins as what the fields made, and may be anything", async (person, playing) => {
  await meets(playing, person, "sms");
  await chooses(person, "buttons");
  await fills(person, "#send-text", "Well?");
  await chooses(person, "json");
  const json = await person.page.$eval("#send-json", (area) => (area as HTMLTextAreaElement).value);
  assert.equal(JSON.parse(json).interactive.body.text, "Well?");
  await fills(person, "#send-text", "");
  await fills(person, "#send-json", '{ "type": ');
  await sends(person);
  const isRefused = () =>
    person.page.$eval("#send-json", (area) => !(area as HTMLTextAreaElement).validity.valid);
  await until("the field to refuse it", isRefused);
  await fills(person, "#send-json", '{ "type": "dance" }');
  await sends(person);
  await person.sees("#turn .said.failed", /\[dance\].*the bridge said 422/);
  await fills(person, "#send-json", '{ "type": "sticker", "sticker": { "id": "1" } }');
  await sends(person);
  await person.sees("#turn .said.service", /\[sticker\].*nothing that a phone can show/);
  await chooses(person, "text");
  await chooses(person, "json");
  const kept = await person.page.$eval("#send-json", (area) => (area as HTMLTextAreaElement).value);
  assert.match(kept, /sticker/);
});

pageTest(
  "a text of two pages is read on by 98, and Turn need not know",
  async (person, playing) => {
    await meets(playing, person, "ussd");
    const words = "These are many words, more than one screen of a phone can show. ".repeat(4)
      .trim();
    await playing.play.act({
      do: "send",
      to: USER,
      turn: { type: "text", text: { body: words } },
      content: "",
      waits: true,
      replyTo: "",
      badSignature: false,
    });
    await person.sees("#ussd-text", /\n98\. More$/);
    await person.sees("#ussd-size", /^\d+ of 182 characters$/);
    await person.enters("#ussd-answer", "98");
    await person.sees("#ussd-text", /can show\.$/);
    await person.sees(".trace[data-flow=inbound]", /98.*next page/);
    assert.deepEqual((await person.texts("#turn .said.user")).length, 1);
    assert.deepEqual((await person.texts("#turn .said.service")).length, 1);
  },
);

pageTest("a screen that GSM-7 can't write has 80 characters", async (person, playing) => {
  await meets(playing, person, "ussd");
  await person.enters("#send-text", "Ndeşi?");
  await person.sees("#ussd-size", /^6 of 80 characters \(UCS-2\)$/);
});
