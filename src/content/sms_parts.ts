// A long text as several SMS that each make sense by themselves: cut at words' ends, and numbered.

import { cut } from "./cut.ts";
import { fits, SMS_CAPACITY } from "./gsm7.ts";

/** A text as SMS. */
export interface SmsParts {
  /** One or more, in order. */
  readonly texts: readonly string[];
  /** Whether more would have been needed; the last one ends with `...` then. */
  readonly isCut: boolean;
}

/** `text` as SMS, `maxParts` at most; what fits into one is not changed. */
export function toSmsParts(text: string, maxParts: number): SmsParts {
  const trimmed = text.trim();
  for (const whole of [text, trimmed]) {
    if (fits(whole, SMS_CAPACITY)) return { texts: [whole], isCut: false };
  }
  const suffix = partSuffix(maxParts, maxParts);
  const parts: string[] = [];
  let rest = trimmed;
  while (!fits(rest + suffix, SMS_CAPACITY)) {
    const isLast = parts.length === maxParts - 1;
    const { head, rest: next } = cut(rest, SMS_CAPACITY, isLast ? `...${suffix}` : suffix, false);
    parts.push(isLast ? `${head}...` : head);
    if (isLast) return { texts: numbered(parts), isCut: true };
    rest = next;
  }
  return { texts: numbered([...parts, rest]), isCut: false };
}

function numbered(parts: readonly string[]): readonly string[] {
  if (parts.length === 1) return parts;
  return parts.map((part, index) => part + partSuffix(index + 1, parts.length));
}

function partSuffix(number: number, of: number): string {
  return ` (${number}/${of})`;
}
