// How much room a text takes on a phone, and what it costs, by the rules that the bridge goes by.

import { screenCapacity, sizeOf, smsSegments } from "../../content/mod.ts";
import type { ScreenSize, SmsSize } from "./events.ts";

/** @param pageChars As many characters of GSM-7 as a network's screens have. */
export function screenSize(text: string, pageChars: number): ScreenSize {
  const counted = countOf(text);
  const { septets, units } = screenCapacity(pageChars);
  return { ...counted, capacity: counted.encoding === "gsm7" ? septets : units };
}

export function smsSize(text: string): SmsSize {
  return { ...countOf(text), segments: smsSegments(text) };
}

function countOf(text: string) {
  const size = sizeOf(text);
  const characters = size.encoding === "gsm7" ? size.septets : size.units;
  return { encoding: size.encoding, characters };
}
