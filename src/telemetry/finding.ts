// What the command `check` finds of something outside the program.

/** What was found out about one thing, in plain words. */
export interface Finding {
  /** The connector of the channel that it is about; not if it is about all of them. */
  readonly channel?: string;
  /** What was looked at. */
  readonly subject: string;
  /** Whether it will do; undefined if that is for a person to say. */
  readonly ok: boolean | undefined;
  /** What was found. */
  readonly detail: string;
  /** What to do, when it will not do and something can be said. */
  readonly fix?: string;
}
