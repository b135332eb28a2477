// What there is to say of a screen of USSD, or of an SMS: how long it is, and what that costs.

import { screenCapacity, sizeOf, smsSegments, toPages } from "../content/mod.ts";
import type { Block, Language } from "./container.ts";
import type { Said } from "./messages.ts";
import { type Costly, costlyIn, onUssd, type PhoneOptions, type Screen } from "./screens.ts";
import { named, type Warning, warningAt, type WarningKind } from "./warnings.ts";

/** People type one digit without thinking. */
const ONE_DIGIT = 9;

/** What there is to say of a screen of USSD. */
export function screenWarnings(
  screen: Screen,
  messages: readonly [Said, ...Said[]],
  { name: language }: Language,
  options: PhoneOptions,
): readonly Warning[] {
  const [first] = messages;
  const found: Warning[] = [];
  const warn = (block: Block, kind: WarningKind, message: string, remedy: string) =>
    found.push(warningAt(block, language, kind, message, remedy));
  const { pages, text, isCut } = screen;
  const { pageChars, moreKey, maxPages } = options.pages;
  const atLeast = messages.some(({ unknown }) => unknown.length > 0) ? "at least " : "";
  const { units } = screenCapacity(pageChars);
  const size = sizeOf(text);
  const [used, room] = size.encoding === "gsm7" ? [size.septets, pageChars] : [size.units, units];
  if (pages.length > 1) {
    const together = screen.merged > 1 ? `Its ${screen.merged} messages together take` : "It takes";
    warn(
      longest(messages, options),
      "pages",
      isCut
        ? `${together} more than the ${maxPages} pages that are shown: the end is missing.`
        : `${together} ${atLeast}${pages.length} pages; people have to type ${moreKey} to read on.`,
      `Shorten it by about ${Math.max(1, used - room)} characters, or ask in two steps.`,
    );
  }
  if (screen.options.length > ONE_DIGIT) {
    const block = screen.options.at(-1)?.of.block ?? first.block;
    warn(block, "many_options", twoDigits(screen.options), OFFER_NINE);
  }
  const costly = costlyIn(text);
  if (costly !== undefined) {
    const { plain } = costly;
    const without = plain === undefined ? pages.length : toPages(plain, options.pages).length;
    const cost = without < pages.length
      ? `, so it takes ${pages.length} pages and not ${without}`
      : "";
    const of = messages.find((said) => costlyIn(onUssd([said], options).text) !== undefined);
    warn(
      of?.block ?? first.block,
      "not_gsm7",
      `${
        areNot(costly)
      }: a screen with that holds ${units} characters and not ${pageChars}${cost}.`,
      plain !== undefined ? WRITE_PLAIN : pages.length > 1 ? SHORTEN : NOTHING_TO_DO,
    );
  }
  return found;
}

/** What there is to say of a message sent by SMS. */
export function smsWarnings(
  { pages, text, isCut, refusal, options: menu }: Screen,
  { block }: Said,
  { name: language }: Language,
  { maxParts }: PhoneOptions,
): readonly Warning[] {
  const found: Warning[] = [];
  const warn = (kind: WarningKind, message: string, remedy: string) =>
    found.push(warningAt(block, language, kind, message, remedy));
  if (menu.length > ONE_DIGIT) warn("many_options", twoDigits(menu), OFFER_NINE);
  switch (refusal?.kind) {
    case "not_encodable":
      warn(
        "not_sent",
        `"${refusal.character}" is not GSM-7 and text_encoding is gsm7: it is not sent, and Turn ` +
          "is answered 422.",
        "Write plain characters, or set text_encoding to auto.",
      );
      break;
    case "too_long":
      warn(
        "not_sent",
        `It takes ${refusal.segments} SMS and sms.long is refuse: it is not sent, and Turn is ` +
          "answered 422.",
        "Shorten it, or set sms.long to split or pass.",
      );
      break;
    case "nothing":
      warn("not_sent", "Nothing is left of it as GSM-7, so it is not sent.", "Say it in words.");
  }
  if (isCut) {
    const message = `It takes more than sms.max_parts, ${maxParts} SMS: the end is missing.`;
    warn("pages", message, "Shorten it, or raise sms.max_parts.");
  }
  const costly = pages.some(({ encoding }) => encoding === "ucs2") ? costlyIn(text) : undefined;
  if (costly !== undefined) {
    const segments = pages.reduce((sum, { segments }) => sum + segments, 0);
    const plain = costly.plain === undefined ? segments : smsSegments(costly.plain);
    const cost = plain < segments
      ? `${segments} SMS and not ${plain}`
      : `${segments} SMS all the same`;
    warn(
      "not_gsm7",
      `${areNot(costly)}: 70 characters go into one SMS and not 160. That costs ${cost}.`,
      costly.plain !== undefined
        ? "Leave it out, or set text_encoding to auto, which writes plain characters."
        : segments > 1
        ? SHORTEN
        : NOTHING_TO_DO,
    );
  }
  return found;
}

const OFFER_NINE = "Offer nine at most, one of which leads to the others.";
const WRITE_PLAIN = "Leave it out, or write plain characters.";
const SHORTEN = "Shorten it: there are no plain characters for that.";
/** What is said of a whole alphabet needs to be said once. */
export const NOTHING_TO_DO = "Nothing while it fits: there are no plain characters for that.";

/** Which of messages takes most of a screen. */
function longest(messages: readonly [Said, ...Said[]], options: PhoneOptions): Block {
  const sizes = messages.map((said) => onUssd([said], options).text.length);
  return (messages[sizes.indexOf(Math.max(...sizes))] ?? messages[0]).block;
}

function twoDigits({ length }: Screen["options"]): string {
  return `It has ${length} options: from 10 on people have to type two digits.`;
}

function areNot({ characters }: Costly): string {
  const quoted = characters.map((character) => `"${character}"`);
  return `${named(quoted)} ${quoted.length > 1 ? "are" : "is"} not GSM-7`;
}
