// How much room a text takes on a phone, and what it costs, by the rules that the bridge goes by.

import { screenCapacity, sizeOf, smsSegments } from "../../content/mod.ts";
import type { ScreenSize, SmsSize } from "./events.ts";

/** A whole screen: phones show what the standard allows (3GPP TS 23.038: 182 septets in 160 bytes). */
const SCREEN = screenCapacity(182);

export function screenSize(text: string): ScreenSize {
  const counted = countOf(text);
  const capacity = counted.encoding === "gsm7" ? SCREEN.septets : SCREEN.units;
  return { ...counted, capacity };
}

export function smsSize(text: string): SmsSize {
  return { ...countOf(text), segments: smsSegments(text) };
}

function countOf(text: string) {
  const size = sizeOf(text);
  const characters = size.encoding === "gsm7" ? size.septets : size.units;
  return { encoding: size.encoding, characters };
}
