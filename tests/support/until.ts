/**
 * Waiting for a condition in place of sleeping for a time.
 *
 * @module
 */

const GENEROUS_MS = 120_000;
const PAUSE_MS = 10;

/**
 * Resolves when `condition` holds.
 *
 * @throws {Error} Naming `what`, if it does not within `ms` milliseconds: two minutes, unless given.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  ms = GENEROUS_MS,
): Promise<void> {
  const deadline = Date.now() + ms;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
