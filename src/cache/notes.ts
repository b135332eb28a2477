// What can be noted down about an id beside messages, and within which limits.

import type { Setting } from "./store.ts";

/** What can be noted down about an id, beside messages. An id means another thing in each kind. */
export type NoteKind =
  /** Turn has this message of a user's, since when; by message id. */
  | "delivered_inbound"
  /** What Turn has been told of a message of its own; by the message's id. */
  | "told"
  /** When the broker has confirmed a message to a user; by the message's id. */
  | "confirmed"
  /** As what one of Turn's messages is held; by the id of the user's message and the hash of its body. */
  | "held"
  /** Which connector's message it is that another one sends; by the message's id. */
  | "owner"
  /** What a request of Turn's was answered with; by the hash of its body. */
  | "answer"
  /** Which of a user's messages wait elsewhere, so that others go behind them; by flow and user. */
  | "order"
  /** That a message or event waits in a delay queue, and until when; by flow and id. */
  | "delayed"
  /** What of a user's, or of a message's, is `delayed`; by the user's address or the message's id. */
  | "delayed_list";

/** Something noted down about an id. */
export interface Note {
  /** What it is about. */
  readonly kind: NoteKind;
  /** Any string, as for messages. */
  readonly id: string;
  /** What is to be remembered; short: up to {@linkcode MAX_NOTE_LENGTH} characters. */
  readonly value: string;
  /** Milliseconds from now, more than 0. */
  readonly ttlMs: number;
}

/** How many notes can be kept at once, all or none. */
export const MAX_NOTES = 100;

/** How many characters the value of a note may have. */
export const MAX_NOTE_LENGTH = 1000;

/**
 * The changes that keep the notes.
 * @throws {RangeError} If there are too many, or one is too long.
 */
export function noteDown(notes: readonly Note[]): Setting[] {
  if (notes.length > MAX_NOTES || notes.some(({ value }) => value.length > MAX_NOTE_LENGTH)) {
    throw new RangeError(
      `Cannot keep ${notes.length} notes: at most ${MAX_NOTES} of ${MAX_NOTE_LENGTH} characters`,
    );
  }
  return notes.map(({ kind, id, value, ttlMs }) => (
    { type: "set", keys: [[kind, id]], value, ttlMs }
  ));
}
