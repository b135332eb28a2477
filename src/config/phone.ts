// The keys for what people read on their phones, and for how they answer: menus, screens of USSD, text
// messages, and the words of what Turn sends without words. A part of the schema in schema.ts.

import * as z from "zod";
import { country } from "./countries.ts";
import * as k from "./kinds.ts";
import { mapOf } from "./maps.ts";
import { messageTemplates } from "./message_templates.ts";
import { smsFallback } from "./sms_fallback.ts";
import { ussd } from "./ussd_keys.ts";

const DAY = 86_400;
const YEAR = 365 * DAY;

const sms = z.object({
  long: k.oneOf(["pass", "split", "refuse"]).default("pass").describe(
    "What becomes of a text that is too long for one SMS: pass hands it on whole, split makes numbered messages of it, refuse answers Turn with 422.",
  ),
  max_parts: k.integer(1, 20).default(4).describe(
    "Most messages that split makes of one text; what is left of a longer one is cut off.",
  ),
  resend_for: k.secondsOrZero(DAY).default(900).describe(
    "How long an SMS is sent again that the operator throttles; then it has failed. What it says is kept in the message cache meanwhile. 0: it has failed at once, and nothing is kept.",
  ),
  max_per_second: k.integer(0, 10_000).default(0).describe(
    "Most SMS that are sent in a second, each segment of a long one counted; 0 for any number. What is more waits in NAME.held.sms.",
  ),
  unacked_after: k.seconds(DAY).default(60).describe(
    "An SMS of which the transport has said nothing by then is counted and named in the log; for so long the user's next one may wait if the transport is slowed down.",
  ),
  fail_unacked: k.yesOrNo.default(false).describe(
    "Whether Turn is told then that it has failed.",
  ),
}).readonly();

const STATES = ["delivered", "failed", "sent", "nothing"] as const;

const reportWords = mapOf({
  type: `mapping of words to one of ${STATES.join(", ")}`,
  names: /^\S(.{0,38}\S)?$/,
  expectedName: "a word of 1 to 40 characters, without blanks at its ends",
  values: k.oneOf(STATES),
  written: { enum: STATES },
  ignoresCase: true,
});
const reportStates = mapOf({
  type: "mapping of fields to {word: delivered, failed, sent or nothing}",
  names: /^\S{1,64}$/,
  expectedName: "a field of transport_metadata, of 1 to 64 characters without blanks",
  values: reportWords,
  written: { type: "object", additionalProperties: { enum: STATES } },
});

const words = z.object({
  picture: k.word.default("Picture").describe(
    "What stands, in brackets, for a picture without caption.",
  ),
  video: k.word.default("Video").describe("The same for a video."),
  voice_message: k.word.default("Voice message").describe("The same for a sound."),
  document: k.word.default("Document").describe(
    "The same for a document; its name follows, if it has one.",
  ),
}).readonly();

/** Each channel may have these for itself. */
export const phone = {
  menu_timeout: k.seconds(YEAR).default(DAY).describe(
    "How long an answer by SMS may pick an option by its number or title. On USSD that lasts as long as the session, and ussd.resume_window.",
  ),
  menu_reply: k.oneOf(["auto", "interactive", "text"]).default("auto").describe(
    "How Turn is told which option was picked: as WhatsApp does it, or as text with the option's title. auto is interactive, and for an hour text when Turn refuses that.",
  ),
  text_encoding: k.oneOf(["as_is", "gsm7", "auto"]).default("as_is").describe(
    "Characters of SMS: as_is changes none. gsm7 replaces those that GSM-7 lacks by plain ones, and refuses a text in which others are left; auto sends that as UCS-2.",
  ),
  ussd,
  sms_fallback: smsFallback,
  default_country: country.optional().describe(
    "The country of national numbers (ZA: 0821234567 is +27821234567), for transports that have those. If not set: only international numbers are read.",
  ),
  contact_ids: k.oneOf(["as_is", "e164"]).default("as_is").describe(
    "How Turn is told users' addresses: as_is as the transport has them, e164 as +27821234567, so that one person is one contact by SMS, USSD and WhatsApp.",
  ),
  sms,
  report_states: reportStates.default({}).describe(
    "What operators' words in delivery reports mean, by the field of an event's transport_metadata in which the transport has them. nothing: Turn is not told. SMPP's words, in smpp_delivery_status, are known.",
  ),
  words,
  templates: messageTemplates.default({}).describe(
    "The words of WhatsApp's templates, which Turn sends by name only. {{1}}, {{2}} and so on are filled in; buttons are the titles of quick replies. A language (en, pt_BR) may have its own.",
  ),
};
