// The port below the cache: a store of small values that expire, and of counters. An adapter knows its
// technology; what is kept, and under which keys, `MessageCache` knows.

/** Of each kind, a plain word, any string is an id of its own. */
export type Key = readonly [kind: string, id: string];

/** What is kept under a key: a text, or a row of anything that is JSON. Up to 1 MiB as JSON. */
export type Value = string | readonly unknown[];

/** What is counted, in plain words: of up to 32 letters, digits, `_` and `-`. */
export interface Tally {
  /** Which way: `inbound`, `status`, `outbound`. */
  readonly flow: string;
  /** What it came to. */
  readonly result: string;
}

/** How often something was counted on a day. */
export interface DayCount extends Tally {
  /** The day in UTC, `YYYY-MM-DD`. */
  readonly day: string;
  /** More than 0. */
  readonly count: number;
}

/** A value for keys. */
export interface Setting {
  /** Tells it from other changes. */
  readonly type: "set";
  /** All of these get the value, in place of an older one. */
  readonly keys: readonly Key[];
  /** The value. */
  readonly value: Value;
  /** Milliseconds from now, more than 0. */
  readonly ttlMs: number;
  /** Leaves some of the keys alone. */
  readonly unless?: Guard;
}

/** Which keys are left alone if they have a value already. */
export interface Guard {
  /** Those of this kind. */
  readonly kind: string;
  /** What they must have: any value, or a row with a greater text than the new one at this place. */
  readonly has: "any" | { readonly greaterAt: number };
}

/** A change of what is kept. */
export type Change =
  | Setting
  | { readonly type: "delete"; readonly key: Key }
  /** One more on that day. Kept for at least {@linkcode TALLY_DAYS} days. */
  | Tally & { readonly type: "count"; readonly day: string };

/** The store can't be reached or refuses; what was to be kept is not kept. It may work later. */
export class CacheError extends Error {
  /** Always "CacheError". */
  override readonly name = "CacheError";
}

/**
 * A store; see the head of this file. Every method throws {@linkcode CacheError} if it can't be
 * reached. Not to be used after it was disposed, which waits for what is under way.
 */
export interface Store extends AsyncDisposable {
  /**
   * The {@linkcode Value} of the key; anything else if it is damaged, and undefined if there is none.
   * What has outlived its time is not returned, swept or not; what this program began to commit before
   * is waited for.
   */
  get(key: Key): Promise<unknown>;

  /** Makes all of the changes, in their order, or none. */
  commit(changes: readonly Change[]): Promise<void>;

  /** The counters of these days, which follow each other, in any order. */
  counters(days: readonly string[]): Promise<readonly DayCount[]>;

  /**
   * The values of all keys of this kind that have not outlived their time, in any order, as `get` has them;
   * one may come twice.
   */
  all(kind: string): AsyncIterable<unknown>;

  /** Whether what is committed is still where it is looked for next time; for stores that can lose it. */
  lasts?(): Promise<boolean>;

  /** How much of each kind is kept, where that is cheap to tell; some may have outlived its time. */
  sizes?(): Readonly<Record<string, number>>;
}

/** What guards the key from a change of its value. */
export function guardOf({ unless }: Setting, [kind]: Key): Guard["has"] | undefined {
  return kind === unless?.kind ? unless.has : undefined;
}

/** Whether a key that is guarded so is left alone; `kept` is its value, undefined if it has none. */
export function isLeftAlone(guard: Guard["has"], { value }: Setting, kept: unknown): boolean {
  if (kept === undefined) return false;
  return guard === "any" || textAt(guard.greaterAt, kept) > textAt(guard.greaterAt, value);
}

/** The text at a place in a row; empty if there is none. */
export function textAt(place: number, value: unknown): string {
  const text: unknown = Array.isArray(value) ? value[place] : "";
  return typeof text === "string" ? text : "";
}

/** How many days counters are kept, at least: those before today. */
export const TALLY_DAYS = 30;

/** The day in UTC at a time in milliseconds since 1970, or so many days later. Days compare as texts. */
export function dayAt(ms: number, daysLater = 0): string {
  return new Date(ms + daysLater * 86_400_000).toISOString().slice(0, 10);
}

/** All counters that a store has at a time in milliseconds since 1970, by day, flow and result. */
export async function keptCounts(store: Store, now: number): Promise<readonly DayCount[]> {
  // And the next day: the clock of another machine may be there.
  const days = Array.from({ length: TALLY_DAYS + 2 }, (_, day) => dayAt(now, day - TALLY_DAYS));
  const counts = await store.counters(days);
  // A space comes before all that words may have.
  const nameOf = ({ day, flow, result }: DayCount) => `${day} ${flow} ${result}`;
  return counts.toSorted((a, b) => nameOf(a) < nameOf(b) ? -1 : 1);
}

const WORD = /^[\w-]{1,32}$/;

/**
 * The change that counts one on a day.
 * @throws {RangeError} If its flow or result is no plain word.
 */
export function countOf({ flow, result }: Tally, day: string): Change {
  if (WORD.test(flow) && WORD.test(result)) return { type: "count", day, flow, result };
  throw new RangeError(`Cannot count ${JSON.stringify([flow, result])}: must be plain words`);
}
