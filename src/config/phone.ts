// The keys for what people read on their phones, and for how they answer: menus, screens of USSD, text
// messages, and the words of what Turn sends without words. A part of the schema in schema.ts.

import * as z from "zod";
import * as k from "./kinds.ts";
import { messageTemplates } from "./message_templates.ts";

const DAY = 86_400;
const YEAR = 365 * DAY;

const ussd = z.object({
  session_timeout: k.seconds(DAY).default(180).describe(
    "How long after a user's last USSD message an answer to it is sent as one.",
  ),
  // The standard's limit is 160 bytes, into which 182 septets go (3GPP TS 23.038).
  page_chars: k.integer(60, 182).default(182).describe(
    "Characters of GSM-7 on a screen, extension characters counted twice. 182 is the standard's limit; many networks show less, so 160 is wise. Longer texts become pages.",
  ),
  more_key: k.phoneKeys.default("98").describe(
    "What a user answers to read the next page. Take none that your menus have as a number.",
  ),
  more_text: k.shortLine(20).default("More").describe(
    "What stands beside ussd.more_key at the end of a page.",
  ),
  max_pages: k.integer(1, 50).default(6).describe(
    "Pages of one message; a longer text is cut off there, with ... at its end.",
  ),
}).readonly();

const sms = z.object({
  long: k.oneOf(["pass", "split", "refuse"]).default("pass").describe(
    "What becomes of a text that is too long for one SMS: pass hands it on whole, split makes numbered messages of it, refuse answers Turn with 422.",
  ),
  max_parts: k.integer(1, 20).default(4).describe(
    "Most messages that split makes of one text; what is left of a longer one is cut off.",
  ),
}).readonly();

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
    "How long an answer by SMS may pick an option by its number or title. On USSD that lasts as long as the session.",
  ),
  menu_reply: k.oneOf(["auto", "interactive", "text"]).default("auto").describe(
    "How Turn is told which option was picked: as WhatsApp does it, or as text with the option's title. auto is interactive, and for an hour text when Turn refuses that.",
  ),
  text_encoding: k.oneOf(["as_is", "gsm7", "auto"]).default("as_is").describe(
    "Characters of SMS: as_is changes none. gsm7 replaces those that GSM-7 lacks by plain ones, and refuses a text in which others are left; auto sends that as UCS-2.",
  ),
  ussd,
  sms,
  words,
  templates: messageTemplates.default({}).describe(
    "The words of WhatsApp's templates, which Turn sends by name only. {{1}}, {{2}} and so on are filled in; buttons are the titles of quick replies. A language (en, pt_BR) may have its own.",
  ),
};

/** How much of a screen of UCS-2 what stands at its end may take: half, so that there is room to read. */
export function moreTextFits(): z.core.$ZodCheck<{ readonly ussd?: z.output<typeof ussd> }> {
  return z.refine(
    ({ ussd }) => {
      if (ussd === undefined) return true; // It is faulty, which is told.
      const { page_chars, more_key, more_text } = ussd;
      const units = Math.floor(Math.ceil(page_chars * 7 / 8) / 2);
      return 2 * `\n${more_key}. ${more_text}`.length <= units;
    },
    {
      path: ["ussd", "more_text"],
      when: () => true, // Also if other keys are faulty, so that all faults are told at once.
      params: {
        expected: "shorter: with ussd.more_key it would take more than half a screen of " +
          "ussd.page_chars in UCS-2",
      },
    },
  );
}
