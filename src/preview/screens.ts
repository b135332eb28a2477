// A turn as a phone shows it, by the bridge's own code: screens of USSD, or SMS.

import {
  type Capacity,
  encodeText,
  isGsm7,
  type Merged,
  mergeMessages,
  type PageOptions,
  screenCapacity,
  showMessage,
  type ShowOptions,
  sizeOf,
  type Sms,
  SMS_CAPACITY,
  type SmsOptions,
  smsSegments,
  toPages,
  toSms,
} from "../content/mod.ts";
import type { Said } from "./messages.ts";

/** How messages become words, as a channel is configured. */
export interface PhoneOptions extends Omit<ShowOptions, "medium" | "optionsBefore">, SmsOptions {
  /** Screens of USSD. */
  readonly pages: PageOptions;
}

/** What a phone shows at once. */
export interface Page {
  /** What is shown. */
  readonly text: string;
  /** How it is sent. */
  readonly encoding: "gsm7" | "ucs2";
  /** Characters, of GSM-7's extension counted twice. */
  readonly used: number;
  /** How many there is room for. */
  readonly room: number;
  /** How many SMS an operator bills for it; 1 on USSD. */
  readonly segments: number;
}

/** What a turn becomes on a phone. */
export interface Screen {
  /** Empty if nothing is shown. */
  readonly pages: readonly Page[];
  /** Before it was cut into pages. */
  readonly text: string;
  readonly options: readonly { readonly title: string; readonly of: Said }[];
  /** How many messages are shown. */
  readonly merged: number;
  /** Whether the end is left out. */
  readonly isCut: boolean;
  /** Why nothing is sent, if Turn is told so. */
  readonly refusal?: Sms;
}

const NOTHING: Screen = { pages: [], text: "", options: [], merged: 0, isCut: false };

/** Messages as one screen of USSD. */
export function onUssd(messages: readonly Said[], options: PhoneOptions): Screen {
  const merged: Merged<Said> | undefined = mergeMessages(messages, (said) => said, options);
  if (merged === undefined) return NOTHING;
  const texts = toPages(merged.text, options.pages);
  const capacity = screenCapacity(options.pages.pageChars);
  const pages = texts.map((text) => pageOf(text, capacity, 1));
  const { maxPages } = options.pages;
  const isCut = texts.length === maxPages &&
    toPages(merged.text, { ...options.pages, maxPages: maxPages + 1 }).length > maxPages;
  return {
    pages,
    text: merged.text,
    options: merged.options.map(({ option, of }) => ({ title: option.title, of })),
    merged: messages.length === 1 ? 1 : messages.filter(says).length,
    isCut,
  };

  function says({ message, content }: Said): boolean {
    return showMessage(message, content, { ...options, medium: "ussd" }).kind === "shown";
  }
}

/** A message as one SMS or several. */
export function bySms(said: Said, options: PhoneOptions): Screen {
  const shown = showMessage(said.message, said.content, { ...options, medium: "sms" });
  if (shown.kind !== "shown" || shown.text === "") return NOTHING;
  const menu = shown.options.map(({ title }) => ({ title, of: said }));
  const sms = toSms(shown.text, options);
  const screen: Screen = { ...NOTHING, text: shown.text, options: menu, merged: 1 };
  if (sms.kind !== "sms") return { ...screen, refusal: sms };
  const pages = sms.texts.map((text) => pageOf(text, SMS_CAPACITY, smsSegments(text)));
  return { ...screen, pages, isCut: sms.isCut };
}

function pageOf(text: string, room: Capacity, segments: number): Page {
  const size = sizeOf(text);
  return size.encoding === "gsm7"
    ? { text, encoding: "gsm7", used: size.septets, room: room.septets, segments }
    : { text, encoding: "ucs2", used: size.units, room: room.units, segments };
}

/** What a text has that GSM-7 lacks, and what it would be without. */
export interface Costly {
  /** The first ones, as people see them. */
  readonly characters: readonly string[];
  /** The text with plain characters for them; undefined if nothing plain stands for some. */
  readonly plain: string | undefined;
}

/** What makes a text cost more than GSM-7 does; undefined if nothing does. */
export function costlyIn(text: string): Costly | undefined {
  if (isGsm7(text)) return undefined;
  const characters = new Set<string>();
  for (const character of text) {
    if (!isGsm7(character) && /[^\p{Cf}\p{M}]/u.test(character)) characters.add(character);
    if (characters.size >= 4) break;
  }
  const plain = encodeText(text, "gsm7");
  return {
    characters: [...characters],
    plain: plain.kind === "encoded" ? plain.text : undefined,
  };
}
