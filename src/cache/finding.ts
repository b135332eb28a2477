/**
 * What a check of a cache answers, for the command `check`.
 *
 * @module
 */

/** What a check found, in plain words. */
export interface Finding {
  /** What was looked at. */
  readonly subject: string;
  /** Whether it will do; undefined if that is for a person to say. */
  readonly ok: boolean | undefined;
  /** What was found. */
  readonly detail: string;
  /** What to do, when it will not do. */
  readonly fix?: string;
}
