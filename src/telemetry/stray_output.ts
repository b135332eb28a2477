// What libraries and the runtime would write to standard error by themselves, most of it warnings, goes
// into the log: written directly it would wait for a reader that hangs, and end the program when the
// reader is gone.

import process from "node:process";
import { format } from "node:util";
import { getLogger } from "@logtape/logtape";

const log = getLogger(["turn-channels", "runtime"]);

/** Logs from now on what is written to the console, and the runtime's warnings. */
export function logStrayOutput(): void {
  // As `key`, so that only equal ones count as a burst.
  const write = (...values: unknown[]): void => log.warning("{key}", { key: format(...values) });
  const methods = ["debug", "info", "log", "warn", "error", "trace"];
  Object.assign(globalThis.console, Object.fromEntries(methods.map((name) => [name, write])));
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message }) => write(`${name}: ${message}`));
}
