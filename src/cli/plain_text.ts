/**
 * What others wrote, so that a terminal only shows it: no colour, no title of the window, no cursor
 * that goes back over other lines, no text that runs the other way.
 *
 * @module
 */

/** Control characters, format characters (they turn the direction, or are not seen), separators. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text as one line, in which what can't be seen stands as JSON would have it: `\u001b`. */
export function plainText(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** JSON that is all to be seen, on one line, or on several. */
export function plainJson(value: unknown, indent?: number): string {
  // JSON.stringify leaves most of it as it is. The line breaks are its own, and not in any text.
  return JSON.stringify(value, undefined, indent)
    .replace(UNSEEN, (character) => character === "\n" ? character : escaped(character));
}

/** Each half of a character outside the first 65,536 for itself, as JSON has it. */
function escaped(character: string): string {
  return character.split("")
    .map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
