// Ids of what one of Turn's messages became, where that is several: pages of USSD, or SMS that a long
// text was split into. The id says which it is, so that an event about one needs no look-up.

/** One of several. */
export interface PartId {
  /** The id that Turn was given. */
  readonly of: string;
  /** A screen of USSD, or an SMS. */
  readonly kind: "page" | "sms";
  /** Which of them, from 1. */
  readonly nth: number;
}

/** A page but the first, which has the id that Turn was given. */
export function pageId(of: string, nth: number): string {
  return `${of}-p${nth}`;
}

/** What Turn is given for a text that is split into SMS: the first one's id, by a new id. */
export function firstSmsId(newId: string): string {
  return `${newId}-s1`;
}

/** The id of another SMS of that text. */
export function smsId(of: string, nth: number): string {
  return `${of.slice(0, -1)}${nth}`;
}

/** Reads what the functions above have made; undefined for all else. */
export function readPartId(id: string): PartId | undefined {
  const [, base, kind, digits] = /^([0-9a-f]{32})-([ps])([1-9]\d?)$/.exec(id) ?? [];
  if (base === undefined) return undefined;
  const nth = Number(digits);
  return kind === "p"
    ? { of: base, kind: "page", nth }
    : { of: firstSmsId(base), kind: "sms", nth };
}
