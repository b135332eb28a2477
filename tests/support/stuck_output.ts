/**
 * The program with a standard error that takes nothing: a real pipe or socket whose reader hangs
 * or is gone, a pipe that does not block, a device or a disk that is full. Python makes it, which can.
 *
 * @module
 */

import type { Program } from "./program.ts";
import { until } from "./until.ts";

/** `pipe`, `nonblocking` (a pipe, too) or `socket`, read by nobody; or the path of a file. */
export type OutputKind = "pipe" | "nonblocking" | "socket" | `/${string}`;

/** Tells the program's id, does what it is told, and ends as the program ends. */
const SCRIPT = `
import fcntl, os, socket, subprocess, sys, threading
kind, command = sys.argv[1:]
if kind.startswith("/"): r, w = -1, os.open(kind, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
elif kind == "socket": r, w = [end.detach() for end in socket.socketpair()]
else:
    r, w = os.pipe()
    fcntl.fcntl(w, 1031, 4096) # F_SETPIPE_SZ
os.set_blocking(w, kind != "nonblocking")
null = subprocess.DEVNULL
child = subprocess.Popen(["sh", "-c", "exec " + command], stdin=null, stdout=null, stderr=w)
os.close(w)
print(child.pid, flush=True)
def read():
    while data := os.read(r, 65536):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
reader = threading.Thread(target=read)
def obey():
    for line in sys.stdin:
        if line == "close\\n": os.close(r)
        if line == "read\\n": reader.start()
threading.Thread(target=obey, daemon=True).start()
code = child.wait()
if reader.ident: reader.join()
os._exit(code if code >= 0 else 128 - code)
`;

/** A program that runs so. */
export class StuckOutput implements AsyncDisposable {
  readonly #python: Deno.ChildProcess;
  readonly #commands: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #told = "";

  /** Starts `program`. */
  constructor(program: Program, args: readonly string[], kind: OutputKind) {
    this.#python = new Deno.Command("python3", {
      args: ["-c", SCRIPT, kind, program.commandLine(args)],
      stdin: "piped",
      stdout: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    this.#commands = this.#python.stdin.getWriter();
    const decoder = new TextDecoder();
    this.#reading = this.#python.stdout.pipeTo(
      new WritableStream({
        write: (bytes) => void (this.#told += decoder.decode(bytes, { stream: true })),
      }),
    );
  }

  /** Has it read from now on, or closes the reader's end. */
  async reader(act: "read" | "close"): Promise<void> {
    await this.#commands.write(new TextEncoder().encode(`${act}\n`));
  }

  /** What has been read. */
  read(): string {
    return this.#told.replace(/^\d+\n/, "");
  }

  /** The program's process id. */
  async pid(): Promise<number> {
    await until("the program's start", () => this.#told.includes("\n"));
    return Number(/^\d+/.exec(this.#told)?.[0]);
  }

  /** Waits for its end, and answers its exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#python.status;
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      Deno.kill(await this.pid(), "SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.ended();
    await this.#commands.close().catch(() => {});
  }
}
