/**
 * A process that helps to measure: it is told what to do in lines of JSON on its standard input, and
 * answers each with a line on its standard output.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { TextLineStream } from "./lines.ts";
import { stop } from "./process.ts";

/** The helper's end: does what each line says, one after the other, and answers what `work` answers. */
export async function answerLines<T>(work: (asked: T) => Promise<unknown>): Promise<void> {
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(
    new TextLineStream(),
  );
  const encoder = new TextEncoder();
  for await (const line of lines) {
    // The other end is ours too: asked() below.
    const bytes = encoder.encode(`${JSON.stringify(await work(JSON.parse(line)) ?? null)}\n`);
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
  }
}

/** Our end. */
export class Helper<Asked> implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;

  /** Starts `file` of this directory. */
  constructor(file: string) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--allow-all", path],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#output = this.#process.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(
      new TextLineStream(),
    ).getReader();
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Asks one thing, when the earlier ones are answered. What `T` is, the helper's file says. */
  async ask<T = null>(asked: Asked): Promise<T> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify(asked)}\n`));
    const { value, done } = await this.#output.read();
    if (done) throw new Error("A helper has ended; what it said stands above");
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It may wait for what a subject that has failed will not do.
    await stop(this.#process, "SIGKILL");
    await this.#input.abort();
    await this.#output.cancel();
  }
}
