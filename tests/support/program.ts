/**
 * The program as its users run it, in a process of its own: from source with the permissions of
 * `deno task start`, or the compiled binary.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** What a run that ended left. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The permissions that the program is compiled and started with. */
export const PERMISSIONS = [
  "--no-prompt",
  "--no-remote",
  "--deny-run",
  "--deny-ffi",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys=statfs",
];

/** A way to start the program. */
export class Program {
  readonly #command: string;
  readonly #args: readonly string[];

  private constructor(command: string, args: readonly string[]) {
    this.#command = command;
    this.#args = args;
  }

  /** From source, by the Deno that runs the tests; `main` is another program with its permissions. */
  static fromSource(main = `${ROOT}/src/main.ts`): Program {
    const args = ["run", "--quiet", "--no-check", ...PERMISSIONS, main];
    return new Program(Deno.execPath(), args);
  }

  /** The compiled binary. */
  static binary(path: string): Program {
    return new Program(path, []);
  }

  /** The same, where it may have no more than so many files and connections open. */
  limited(files: number): Program {
    const script = `ulimit -n ${files} && exec "$0" "$@"`;
    return new Program("bash", ["-c", script, this.#command, ...this.#args]);
  }

  /** Runs it to its end, with `env` beside the tests' own environment. */
  async output(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Output> {
    const { code, stdout, stderr } = await this.#make(args, env).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Starts it, likewise, and waits until it says where it listens, unless that is known. */
  async start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    address = "",
  ): Promise<Running> {
    return await Running.of(this.spawn(args, env), address);
  }

  /** Starts it, likewise, and waits for nothing. */
  spawn(args: readonly string[], env: Readonly<Record<string, string>> = {}): Deno.ChildProcess {
    return this.#make(args, env).spawn();
  }

  /** How a shell would start it. */
  commandLine(args: readonly string[]): string {
    const words = [this.#command, ...this.#args, ...args];
    return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  }

  #make(args: readonly string[], env: Readonly<Record<string, string>>): Deno.Command {
    return new Deno.Command(this.#command, {
      args: [...this.#args, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1", ...env },
    });
  }
}

/** A program that runs. */
export class Running implements AsyncDisposable {
  /** Where it listens. */
  address = "";
  readonly #process: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  #stderr = "";
  #stdout = "";
  /** Resolved while the log is read. */
  #reading = Promise.withResolvers<void>();

  private constructor(process: Deno.ChildProcess, onText: () => void) {
    this.#process = process;
    const decoder = new TextDecoder();
    this.#reading.resolve();
    const collect = new WritableStream<Uint8Array>({
      write: async (bytes) => {
        await this.#reading.promise;
        this.#stderr += decoder.decode(bytes, { stream: true });
        onText();
      },
    });
    const stdout = new Response(process.stdout).text().then((text) => void (this.#stdout = text));
    this.#read = Promise.all([process.stderr.pipeTo(collect), stdout]);
  }

  /** Waits for the line that says where it listens, unless that is known. */
  static async of(process: Deno.ChildProcess, known = ""): Promise<Running> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const running: Running = new Running(process, () => {
      if (running.address !== "") return;
      const [, address] = /"address":"([^"]+)"/.exec(running.#stderr) ?? [];
      if (address !== undefined) resolve(address);
    });
    process.status.then(({ code }) => {
      reject(new Error(`It ended with exit code ${code}:\n${running.#stderr}`));
    });
    if (known !== "") resolve(known);
    running.address = await promise;
    return running;
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** What it has logged. */
  stderr(): string {
    return this.#stderr;
  }

  /** Leaves its log unread, so that its pipe fills up, until {@linkcode Running.readLog}. */
  leaveLog(): void {
    this.#reading = Promise.withResolvers();
  }

  /** Reads on. */
  readLog(): void {
    this.#reading.resolve();
  }

  /** What it has printed, when it has ended. */
  stdout(): string {
    return this.#stdout;
  }

  /** Sends a signal. */
  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Sends a signal and answers the exit code. */
  async stop(signal: Deno.Signal): Promise<number> {
    this.#process.kill(signal);
    return await this.ended();
  }

  /** Waits until it ends by itself, and answers the exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#process.status;
    this.readLog();
    await this.#read;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    this.readLog();
    await this.#process.status;
    await this.#read;
  }
}
