// Exit codes, numbers of BSD's sysexits.h where there is one, and the error that ends a command with one.

import { CacheError } from "../cache/mod.ts";
import { ListenError } from "../service/listener.ts";
import { PublishError } from "../vumi/mod.ts";

export const EXIT = {
  /** Done, or stopped as asked. */
  ok: 0,
  /**
   * `status` shows that something is wrong, or no bridge answers, `check` found something to fix, `audit` does
   * not add up, `find` or `parked show` found nothing, `parked replay` or `parked discard` had nothing to do, a
   * flow of `demo --once` failed, or `preview` could show no flow, or with `--strict` has something to say.
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

/** Ends a command: the message says to an operator what is wrong and what to do. */
export class CommandError extends Error {
  override readonly name = "CommandError";

  constructor(readonly exitCode: number, message: string) {
    super(message);
  }
}

/** The end of a command that failed with `error`: a bug, if it is not one of those that are expected. */
export function commandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof PublishError) {
    const message = `${error.message}\nRun turn-channels check to see what to fix.`;
    return new CommandError(EXIT.unavailable, message);
  }
  if (error instanceof CacheError || error instanceof ListenError) {
    return new CommandError(EXIT.unavailable, error.message);
  }
  const told = error instanceof Error ? error.stack ?? error.message : String(error);
  return new CommandError(EXIT.bug, `A bug, please report it: ${told}`);
}
