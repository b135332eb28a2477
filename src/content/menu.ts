// A menu: options with numbers, as they are shown, and which one a user's answer means.

import anyAscii from "any-ascii";
import { normalize } from "./normalize.ts";

/** Something that a user may choose. */
export interface Option {
  /** As what the choice goes back to Turn. */
  readonly kind: "button" | "list" | "quick_reply";
  /** By what a flow knows it; exactly as Turn sent it. A quick reply's payload. */
  readonly id: string;
  /** What is shown; exactly as Turn sent it, but for the blanks around it. */
  readonly title: string;
  /** More about it. */
  readonly description?: string;
}

/** What a user chose. */
export interface Picked {
  /** What was chosen. */
  readonly option: Option;
  /** Which one that is, from 1. */
  readonly number: number;
  /** How the answer said so. */
  readonly by: "number" | "title" | "number_and_title";
}

/** An option as it is shown; with `more`, its description too. */
export function menuLine(
  { title, description = "" }: Option,
  number: number,
  more: boolean,
): string {
  const line = `${number}. ${title.trim()}`;
  return more && description.trim() !== "" ? `${line} - ${description.trim()}` : line;
}

/** The option that `input` means, if it means one; else it is text. */
export function pick(input: string, options: readonly Option[]): Picked | undefined {
  const answer = plain(input);
  const [, digits = "", after = ""] = NUMBER.exec(answer) ?? [];
  const number = Number(digits);
  const option = options[number - 1];
  if (option !== undefined && NOTHING.test(after)) return { option, number, by: "number" };
  const index = indexOfTitle(answer, options);
  const titled = index === undefined ? undefined : options[index];
  if (index !== undefined && titled !== undefined) {
    return { option: titled, number: index + 1, by: "title" };
  }
  // "1.5" is another number.
  if (option === undefined || /^[.,]\d/.test(after)) return;
  const belongs = indexOfTitle(after.replace(SEPARATOR, ""), [option]) !== undefined;
  return belongs ? { option, number, by: "number_and_title" } : undefined;
}

/**
 * What is read of a title where only its beginning is shown, as titles are compared; the same for two
 * options that a user can't tell apart.
 */
export function readAs(title: string): string {
  const [shown = 0] = CUTS;
  const beginning = [...title.trim()].slice(0, shown).join("");
  return titleKey(beginning) || beginning;
}

/** Whether `input` is the answer `key`, as it is or written as a menu's numbers may be. */
export function isKey(input: string, key: string): boolean {
  const answer = plain(input);
  const [, digits, after = ""] = NUMBER.exec(answer) ?? [];
  return answer === key || digits === key && NOTHING.test(after);
}

/** A number without its leading zeros, and what comes after it. */
const NUMBER = /^[.)(#:,*-]?\s*0*([1-9][0-9]*)(.*)$/su;

/** What may come after a number that stands alone. */
const NOTHING = /^\s*[.)(#:,*-]?$/u;

/** What may stand between a number and a title. */
const SEPARATOR = /^\s*[.)(#:,*-]?\s*/u;

/** After so many characters WhatsApp ends the titles of buttons and of lists' rows. */
const CUTS = [20, 24];

/** Which one option has this title. The closest way to compare in which any has it decides. */
function indexOfTitle(answer: string, options: readonly Option[]): number | undefined {
  const key = titleKey(answer);
  const ways: readonly ((title: string) => boolean)[] = [
    (title) => plain(title) === answer,
    (title) => key !== "" && titleKey(title) === key,
    (title) => key !== "" && titleKey(title.replace(KEYCAPS, "")) === key,
    (title) => key !== "" && CUTS.some((length) => isCutTo(length, title, key)),
  ];
  for (const fits of ways) {
    const [index, another] = options.flatMap(({ title }, index) => fits(title) ? [index] : []);
    if (index !== undefined) return another === undefined ? index : undefined;
  }
}

function isCutTo(length: number, title: string, key: string): boolean {
  const chars = title.length > length ? [...title.trim()] : [];
  return chars.length > length && titleKey(chars.slice(0, length).join("")) === key;
}

/** Of some emoji letters would be made: of U+2139, which stands before "Info", an i. */
const NO_EMOJI = /\P{Extended_Pictographic}+/gu;

/** `text` as it is compared exactly: composed, trimmed, with 0 to 9 for digits of any script. */
function plain(text: string): string {
  return text.replace(NO_EMOJI, (run) => normalize(run, "NFKC")).trim().replace(
    /(?![0-9])\p{Nd}|[\u1369-\u1371]/gu,
    digit,
  );
}

/** Digits come in runs of ten; but Ethiopic's from 1 to 9, as it has no zero. */
function digit(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code >= 0x1369 && code <= 0x1371) return String(code - 0x1368);
  let value = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value++;
  return String(value % 10);
}

/** Emoji that are numbers, with which authors number their titles. */
const KEYCAPS = /[0-9#*]\ufe0f?\u20e3/gu;

/** Hamza and madda are marks to whoever writes Arabic, and to Unicode none of diacritics. */
const IGNORED =
  /[\p{Diacritic}\u0653-\u0655\p{P}~\p{Cf}\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\p{Variation_Selector}\u20e3]/gu;

/**
 * A title as titles are compared: without case, diacritics, emoji, punctuation, repeated blanks.
 * Letters are their base letters, as they may have been shown so: see encodeText.
 */
function titleKey(title: string): string {
  const bare = normalize(plain(title).replace(IGNORED, ""), "NFKD").replace(IGNORED, "");
  const letters = bare.replace(/(?![A-Za-z])\p{Script=Latin}/gu, (letter) => anyAscii(letter));
  return letters.toUpperCase().replace(/\s+/gu, " ").trim();
}
