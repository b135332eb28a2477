/**
 * What is measured: the floor or the bridge in one of its forms, as a process of its own, and what
 * the system says of that process.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { freePort } from "../support/free_port.ts";
import { PERMISSIONS } from "../support/program.ts";
import { TICKS_PER_SECOND } from "./machine.ts";
import { LoggedProcess } from "./process.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A program and its first arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** Something to be measured. */
export interface Subject {
  /** What it is called in tables. */
  readonly name: string;
  /** The name of the subject that it is compared with; its own, if with none. */
  readonly base: string;
  /** How many processes share its connector. */
  readonly processes: number;
  /** How it is started. */
  readonly command: Command;
  /** Flags that make it what it is. */
  readonly flags: Readonly<Record<string, string>>;
}

/** From source, by the Deno that runs the benchmark. */
export function fromSource(file: string): Command {
  return [Deno.execPath(), "run", "--quiet", "--no-check", ...PERMISSIONS, `${ROOT}/${file}`];
}

/** Compiled to `output`. Answers why not, if it can't be. */
export async function compile(file: string, output: string): Promise<string | undefined> {
  const deno = Deno.env.get("DENO_COMPILE") || Deno.execPath();
  const args = ["compile", "--quiet", "--no-check", ...PERMISSIONS, "--output", output, file];
  const { success, stderr } = await new Deno.Command(deno, {
    args,
    cwd: ROOT,
    env: { RUST_MIN_STACK: "8388608" },
  }).output();
  return success ? undefined : new TextDecoder().decode(stderr).trim().split("\n").at(0);
}

/** What a process has used so far. */
export interface Usage {
  /** Time on a processor, of all its threads, in seconds. */
  readonly cpuSeconds: number;
  /** Memory that it holds now, in MiB. */
  readonly rss: number;
  /** The most that it has held, in MiB. */
  readonly peak: number;
}

/** A subject that runs. */
export class Running implements AsyncDisposable {
  /** What runs. */
  readonly subject: Subject;
  /** Its connector's name; empty if it has several. */
  readonly connector: string;
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
  /** Milliseconds from the start of the process to its first healthy answer. */
  readonly startMs: number;
  readonly #process: LoggedProcess;

  private constructor(
    process: LoggedProcess,
    fields: Pick<Running, "subject" | "connector" | "port" | "startMs">,
  ) {
    this.#process = process;
    this.subject = fields.subject;
    this.connector = fields.connector;
    this.port = fields.port;
    this.startMs = fields.startMs;
  }

  /** Starts it and waits until it is healthy. Without a connector its configuration names them. What it logs goes to a file in `folder`. */
  static async start(
    subject: Subject,
    connector: string | undefined,
    flags: Readonly<Record<string, string>>,
    folder: string,
  ): Promise<Running> {
    const port = freePort();
    const own = {
      "http-bind": `127.0.0.1:${port}`,
      ...connector === undefined ? {} : { "connector-name": connector },
    };
    const args = Object.entries({ ...flags, ...subject.flags, ...own });
    const begin = performance.now();
    const process = new LoggedProcess(
      subject.name,
      [...subject.command, ...args.map(([flag, value]) => `--${flag}=${value}`)],
      `${folder}/log-${port}`,
    );
    await Promise.race([healthy(`http://127.0.0.1:${port}/health`), process.ends()]);
    const startMs = performance.now() - begin;
    return new Running(process, { subject, connector: connector ?? "", port, startMs });
  }

  /** Rejects when it has ended, with the end of what it logged. */
  ends(): Promise<never> {
    return this.#process.ends();
  }

  /** What it has used so far. */
  async usage(): Promise<Usage> {
    const folder = `/proc/${this.#process.pid}`;
    const stat = await Deno.readTextFile(`${folder}/stat`);
    const status = await Deno.readTextFile(`${folder}/status`);
    // The second field, in brackets, is the program's name and may hold anything; proc(5).
    const [user = 0, system = 0] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13)
      .map(Number);
    const mebibytes = (key: string) =>
      Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
    return {
      cpuSeconds: (user + system) / TICKS_PER_SECOND,
      rss: mebibytes("VmRSS"),
      peak: mebibytes("VmHWM"),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

async function healthy(url: string): Promise<void> {
  while (!await isHealthy(url)) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false; // It does not listen yet.
  }
}
