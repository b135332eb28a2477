/**
 * The processes that take part: how they end, and what is told of those that were not to.
 *
 * @module
 */

/** How much of a log is told. */
const LINES_TOLD = 10;

/** A process whose standard error is a file. */
export class LoggedProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #process: Deno.ChildProcess;
  readonly #logFile: string;

  /** Starts `command`, which is called `name`; what it logs goes to `logFile`. */
  constructor(name: string, command: readonly string[], logFile: string) {
    this.#name = name;
    this.#logFile = logFile;
    this.#process = new Deno.Command("sh", {
      args: ["-c", 'exec "$@" 2>"$LOG_FILE"', "sh", ...command],
      env: { LOG_FILE: logFile },
      stdin: "null",
      stdout: "null",
    }).spawn();
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Rejects when it has ended, with the end of what it logged. */
  async ends(): Promise<never> {
    const { code } = await this.#process.status;
    const lines = (await Deno.readTextFile(this.#logFile)).trimEnd().split("\n");
    const end = lines.slice(-LINES_TOLD).join("\n");
    throw new Error(`${this.#name} has ended with ${code}. The end of its log:\n${end}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.#process, "SIGTERM");
  }
}

/** Ends a process, if it has not ended by itself, and waits until it has. */
export async function stop(process: Deno.ChildProcess, signal: Deno.Signal): Promise<void> {
  try {
    process.kill(signal);
  } catch (error) {
    // It has ended.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
  await process.status;
}
