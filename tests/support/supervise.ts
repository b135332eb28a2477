/**
 * Runs a server for tests that does not outlive them.
 *
 * @module
 */

/** A server to be run. */
export interface Supervised {
  /** The program and its arguments; it stays in the foreground and ends on SIGTERM. */
  readonly command: readonly string[];
  /** Variables to add to its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** A command line for the shell that has to run beside it; may be empty. */
  readonly helper: string;
  /** Commands for the shell when it has ended; none by default. */
  readonly cleanUp?: string;
  /** Where its standard output and error go. */
  readonly logFile: string;
}

/**
 * Runs the server under a shell that stops it when our end of its standard input is closed: by us,
 * and by the operating system should this process die. Ctrl-C reaches the whole process group, so
 * the shell and the server ignore it.
 */
export function supervise(
  { command, env, helper, cleanUp = "", logFile }: Supervised,
): Deno.ChildProcess {
  const script = `
    trap '' INT HUP
    exec 3<&0 >>"$LOG_FILE" 2>&1
    if [ -n "$HELPER" ]; then $HELPER </dev/null & helper=$!; fi
    "$@" </dev/null 3<&- & server=$!
    ( cat <&3; kill -TERM $server; sleep 15 & trap "kill $!; exit" TERM
      wait; kill -KILL $server ) >/dev/null 2>&1 & watcher=$!
    wait $server; code=$?
    kill $watcher $helper
    eval "$CLEAN_UP"
    exit $code`;
  return new Deno.Command("sh", {
    args: ["-c", script, "sh", ...command],
    env: { ...env, LOG_FILE: logFile, HELPER: helper, CLEAN_UP: cleanUp },
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
}
