// A text in an encoding: as GSM-7, with plain characters for those that it lacks, or as UCS-2.

import anyAscii from "any-ascii";
import { fillSeptets, isGsm7 } from "./gsm7.ts";
import { normalize } from "./normalize.ts";

/** What to do with what GSM-7 lacks: nothing; replace or refuse it; replace it or use UCS-2. */
export type TextEncoding = "as_is" | "gsm7" | "auto";

/** What became of a text. */
export type Encoded =
  | {
    readonly kind: "encoded";
    /** May be empty: a text of emoji is, as GSM-7. */
    readonly text: string;
    /** How many characters, or runs of them, have become plain ones or none. */
    readonly substitutions: number;
  }
  | {
    readonly kind: "not_encodable";
    /** What GSM-7 lacks and nothing plain stands for, the first one. */
    readonly character: string;
    /** The same, as `U+1230`. */
    readonly codePoint: string;
    /** Which character of the text it is, from 1. */
    readonly place: number;
  };

/** `text` in `encoding`. What GSM-7 has is never touched, and an encoded text is no further. */
export function encodeText(text: string, encoding: TextEncoding): Encoded {
  if (encoding === "as_is" || isGsm7(text)) return { kind: "encoded", text, substitutions: 0 };
  const composed = normalize(text.toWellFormed(), "NFC");
  const plain = substitute(composed);
  // Marks of direction and the like say nothing where all else is GSM-7; other scripts need them.
  const visible = plain.text.replace(INVISIBLE, "");
  if (isGsm7(visible)) return { kind: "encoded", ...plain, text: visible };
  if (encoding === "auto") return { kind: "encoded", ...plain };
  const [character = ""] = visible.slice(fillSeptets(visible).end);
  return {
    kind: "not_encodable",
    character,
    codePoint: `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}`,
    place: [...composed.slice(0, composed.indexOf(character))].length + 1,
  };
}

const INVISIBLE = /\p{Cf}+/gu;

/** An emoji with what modifies it and joins it to the next one, or what remains of one. */
const EMOJI =
  /\p{Extended_Pictographic}[\p{Variation_Selector}\p{Emoji_Modifier}\u200d\u{e0020}-\u{e007f}]*|[\p{Regional_Indicator}\p{Emoji_Modifier}\p{Variation_Selector}]/gu;

/** A digit in a key: an emoji too, but one that says something. */
const KEYCAP = /(?<=[0-9#*])\u20e3+/gu;

const TYPOGRAPHIC: readonly (readonly [plain: string, pattern: string])[] = [
  ["'", "‘’‚‛‹›′`´ʹʻʼ"],
  ['"', "“”„‟«»″"],
  ["-", "‐‑‒–—―−•‣⁃◦∙●"],
  ["...", "…"],
  [" ", "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\t"],
  ["\n", "\u2028\u2029\u0085\v"],
];

const PLAIN = TYPOGRAPHIC.map(([plain, chars]) => [plain, new RegExp(`[${chars}]`, "gu")] as const);

/** A letter that may need another, with its marks. */
const LATIN = /(?![A-Za-z](?!\p{M}))(\p{Script=Latin})\p{M}*/gu;

function substitute(composed: string): { readonly text: string; readonly substitutions: number } {
  let substitutions = 0;
  const put = (plain: string) => {
    substitutions++;
    return plain;
  };
  // What an emoji stood between may belong together now.
  let text = normalize(composed.replace(EMOJI, () => put("")), "NFC");
  text = text.replace(KEYCAP, () => put(""));
  for (const [plain, pattern] of PLAIN) text = text.replace(pattern, () => put(plain));
  text = text.replace(LATIN, (all: string, letter: string) => {
    const base = isGsm7(letter) ? letter : anyAscii(letter);
    return base === all || base === "" || !isGsm7(base) ? all : put(base);
  });
  return { text, substitutions };
}
