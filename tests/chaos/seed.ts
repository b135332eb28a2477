/**
 * The seed of a run: as given, or as `CHAOS_SEED` has it, or by chance.
 *
 * @module
 */

/**
 * Reads it.
 *
 * @throws {RangeError} If it is no whole number.
 */
export function seedOr(given: string | undefined): number {
  const text = given ?? (Deno.env.get("CHAOS_SEED") || undefined);
  if (text === undefined) return Math.floor(Math.random() * 2 ** 31);
  const seed = Number(text);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`The seed must be a whole number: ${text}`);
  return seed;
}
