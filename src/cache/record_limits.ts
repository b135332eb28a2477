/**
 * What the adapters share of notes: how much a put may hold, so that each can keep all or none.
 *
 * @module
 */

import { MAX_NOTE_LENGTH, MAX_NOTES, type Note } from "./mod.ts";

/**
 * Refuses what can't be noted down.
 *
 * @throws {RangeError} If there are too many notes, or the value of one is too long.
 */
export function checkNotes(notes: readonly Note[]): void {
  if (notes.length > MAX_NOTES) {
    throw new RangeError(`Cannot keep ${notes.length} notes at once: at most ${MAX_NOTES}`);
  }
  for (const { kind, value } of notes) {
    if (value.length <= MAX_NOTE_LENGTH) continue;
    throw new RangeError(
      `Cannot keep a ${kind} note of ${value.length} characters: at most ${MAX_NOTE_LENGTH}`,
    );
  }
}
