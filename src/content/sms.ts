// A text as SMS: in its encoding, and as one message or several.

import { type Encoded, encodeText, type TextEncoding } from "./encode.ts";
import { smsSegments } from "./gsm7.ts";
import { toSmsParts } from "./sms_parts.ts";

/** How {@linkcode toSms} makes SMS. */
export interface SmsOptions {
  /** What to do with what GSM-7 lacks. */
  readonly textEncoding: TextEncoding;
  /** What becomes of a text that is longer than one SMS. */
  readonly longSms: "pass" | "split" | "refuse";
  /** As how many SMS at most, if it is split. */
  readonly maxParts: number;
}

/** What becomes of a text. */
export type Sms =
  | {
    readonly kind: "sms";
    /** One or more messages, in order. */
    readonly texts: readonly [string, ...string[]];
    /** How many characters, or runs of them, have become plain ones or none. */
    readonly substitutions: number;
    /** Whether the end is left out, as it would take too many. */
    readonly isCut: boolean;
  }
  /** Nothing is left of it: it was nothing but emoji, for example. */
  | { readonly kind: "nothing"; readonly substitutions: number }
  | Extract<Encoded, { kind: "not_encodable" }>
  /** It takes so many segments, and may take one. */
  | { readonly kind: "too_long"; readonly segments: number; readonly substitutions: number };

/** `text` as it is sent. */
export function toSms(text: string, { textEncoding, longSms, maxParts }: SmsOptions): Sms {
  const encoded = encodeText(text, textEncoding);
  if (encoded.kind === "not_encodable") return encoded;
  const { substitutions } = encoded;
  if (encoded.text.trim() === "" && text.trim() !== "") return { kind: "nothing", substitutions };
  const segments = longSms === "refuse" ? smsSegments(encoded.text) : 1;
  if (segments > 1) return { kind: "too_long", segments, substitutions };
  const { texts, isCut } = longSms === "split"
    ? toSmsParts(encoded.text, maxParts)
    : { texts: [encoded.text], isCut: false };
  const [first = "", ...others] = texts;
  return { kind: "sms", texts: [first, ...others], substitutions, isCut };
}
