/**
 * What a check of a cache answers, for the command `check`.
 *
 * @module
 */

/** What a check found, in plain words. */
export interface Finding {
  /** What was looked at. */
  readonly subject: string;
  /** Whether it will do. */
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
  /** What to do, when it will not do. */
  readonly fix?: string;
}
