// Reads numbers as they are dialled in their own country. The library, a megabyte of rules, is loaded where a
// channel has a `default_country`, and not before.

import type { ReadNational } from "../cache/mod.ts";
import type { ChannelConfig } from "../config/mod.ts";

/** Reading one takes 10 to 30 µs, and each message has it read several times. */
const MOST_KNOWN = 10_000;

/** How to read national numbers of a channel's `default_country`, if it has one. */
export async function nationalNumbersOf(
  { default_country: country }: Pick<ChannelConfig, "default_country">,
): Promise<ReadNational | undefined> {
  if (country === undefined) return undefined;
  const { default: parse, isSupportedCountry } = await import("libphonenumber-js/min");
  if (!isSupportedCountry(country)) throw new TypeError(`No rules for numbers of ${country}`);
  const read = (digits: string): string | undefined => {
    const number = parse(digits, country);
    if (number === undefined) return undefined;
    const international = number.number.slice(1);
    // What begins with 0 is nothing else.
    if (digits.startsWith("0")) return number.isPossible() ? international : undefined;
    if (!number.isValid()) return undefined;
    const isUsual = number.formatNational().replace(/\D/g, "") === digits;
    // Without the 0 that belongs before it, it may be another country's, with the + left out.
    return isUsual || !parse(`+${digits}`)?.isValid() ? international : digits;
  };
  const known = new Map<string, string | undefined>();
  return (address) => {
    // No code to be dialled, no short code, no name.
    if (!/^\d{7,17}$/.test(address)) return undefined;
    if (known.has(address)) return known.get(address);
    if (known.size >= MOST_KNOWN) known.clear();
    const digits = read(address);
    known.set(address, digits);
    return digits;
  };
}
