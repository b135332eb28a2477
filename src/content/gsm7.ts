// The alphabet of GSM 03.38 (3GPP TS 23.038, 6.2.1), and how much room a text takes: septets where
// all of it is in the alphabet, else UTF-16 units, as the whole text is sent as UCS-2 then.

/** The default alphabet in the order of its codes; the one at 0x1B leads to the extension. */
const BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/** The extension: an escape and a code, so two septets each. */
const EXTENSION = "\f^{}\\[~]|€";

/** The septets of each UTF-16 unit; 0 for what the alphabet lacks. */
const SEPTETS = new Uint8Array(0x10000);
for (const char of BASIC) SEPTETS[char.charCodeAt(0)] = 1;
for (const char of EXTENSION) SEPTETS[char.charCodeAt(0)] = 2;
SEPTETS[0x1b] = 0;

/** How much may be in one message or on one screen. */
export interface Capacity {
  /** Septets, if all of the text is GSM-7. */
  readonly septets: number;
  /** UTF-16 units, if it isn't. */
  readonly units: number;
}

/** How a text is sent, and how much room it takes so. */
export type Size =
  | { readonly encoding: "gsm7"; readonly septets: number }
  | { readonly encoding: "ucs2"; readonly units: number };

/** How much room `text` takes. */
export function sizeOf(text: string): Size {
  const { end, septets } = fillSeptets(text);
  return end === text.length
    ? { encoding: "gsm7", septets }
    : { encoding: "ucs2", units: text.length };
}

/** Whether `text` fits into `capacity`. */
export function fits(text: string, capacity: Capacity): boolean {
  // A character is a septet at least, so the long ones need no counting.
  if (text.length > capacity.septets) return false;
  const size = sizeOf(text);
  return size.encoding === "gsm7" ? size.septets <= capacity.septets : size.units <= capacity.units;
}

/** How far `text` is GSM-7 from `start`, within so many septets, and how many those are. */
export function fillSeptets(
  text: string,
  atMost = 2 * text.length,
  start = 0,
): { end: number; septets: number } {
  let septets = 0;
  let end = start;
  for (; end < text.length; end++) {
    const more = SEPTETS[text.charCodeAt(end)] ?? 0;
    if (more === 0 || septets + more > atMost) break;
    septets += more;
  }
  return { end, septets };
}

/** Whether all of `text` is GSM-7. */
export function isGsm7(text: string): boolean {
  return fillSeptets(text).end === text.length;
}

/** What one SMS holds. */
export const SMS_CAPACITY: Capacity = { septets: 160, units: 70 };

/** What one of several SMS holds that are shown as one: 6 bytes say which it is. */
const SEGMENT_CAPACITY: Capacity = { septets: 153, units: 67 };

/** How many SMS an operator bills for `text` sent as one message. */
export function smsSegments(text: string): number {
  if (fits(text, SMS_CAPACITY)) return 1;
  const inSeptets = isGsm7(text);
  let segments = 0;
  for (let start = 0; start < text.length; segments++) {
    start = inSeptets
      ? fillSeptets(text, SEGMENT_CAPACITY.septets, start).end
      : wholeEnd(text, start + SEGMENT_CAPACITY.units);
  }
  return segments;
}

/** `end`, or one before it if it is within a surrogate pair. */
export function wholeEnd(text: string, end: number): number {
  const unit = text.charCodeAt(end);
  const before = text.charCodeAt(end - 1);
  return isBetween(unit, 0xdc00, 0xdfff) && isBetween(before, 0xd800, 0xdbff) ? end - 1 : end;
}

function isBetween(unit: number, first: number, last: number): boolean {
  return unit >= first && unit <= last;
}
