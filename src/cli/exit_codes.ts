/**
 * Exit codes; numbers of BSD's sysexits.h where there is one.
 *
 * @module
 */

export const EXIT = {
  /** Done, or stopped as asked. */
  ok: 0,
  /**
   * `check` found something to fix, `audit` does not add up, `find` or `parked show` found nothing, or a
   * flow of `demo --once` failed.
   */
  findings: 1,
  /** The command line is wrong (EX_USAGE). */
  usage: 64,
  /** What is needed to start can't be had: the address is taken, the cache won't open (EX_UNAVAILABLE). */
  unavailable: 69,
  /** A bug in the program (EX_SOFTWARE). A service manager should start it again. */
  bug: 70,
  /** The configuration is wrong (EX_CONFIG). */
  config: 78,
} as const;
