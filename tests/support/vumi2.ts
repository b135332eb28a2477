/**
 * vumi2's own workers, each in a process of its own, where vumi2 can be had.
 *
 * @module
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type Python, pythonWith } from "./python.ts";
import { isByHand } from "./queues.ts";
import { amqpUrl } from "./rabbitmq.ts";
import { until } from "./until.ts";

/** What pip is to install as vumi2, where it is elsewhere: it has not been in its index. */
const VUMI2 = Deno.env.get("TEST_VUMI2") ?? "vumi2==0.3.2";
/** Later ones do not go with the Trio that vumi2 asks for, and it does not say so. */
const TRIOS_ANYIO = "anyio==4.3.0";
/** Where workers find classes of the tests'. */
const CLASSES = fileURLToPath(new URL("../vumi", import.meta.url));

/** A Python that has vumi2, or why there is none for this run. */
export async function pythonWithVumi2(): Promise<Python> {
  return isByHand()
    ? { kind: "missing", why: "it declares its queues without a type" }
    : await pythonWith(VUMI2, TRIOS_ANYIO);
}

/** A running worker. Disposing kills it. */
export class Vumi2Worker implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  /** Resolves when it has ended, of itself or because it was killed. */
  readonly ended: Promise<unknown>;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.ended = process.status;
  }

  /**
   * Starts one with a Python that has vumi2; resolves when `isReady`. What the worker says that is no
   * more than an error is left out, as tests make it fail.
   */
  static async start(
    python: string,
    className: string,
    config: Readonly<Record<string, unknown>>,
    isReady: () => boolean | Promise<boolean>,
  ): Promise<Vumi2Worker> {
    const file = await Deno.makeTempFile({ suffix: ".yaml" });
    try {
      const all = { amqp_url: amqpUrl(), log_level: "CRITICAL", ...config };
      await Deno.writeTextFile(file, JSON.stringify(all));
      const process = new Deno.Command(`${dirname(python)}/vumi2`, {
        args: ["worker", className],
        env: { VUMI_CONFIG_FILE: file, PYTHONPATH: CLASSES },
        stdin: "null",
        stdout: "null",
        stderr: "inherit",
      }).spawn();
      const worker = new Vumi2Worker(process);
      try {
        let hasEnded = false;
        void worker.ended.then(() => hasEnded = true);
        await until(className, async () => {
          if (hasEnded) throw new Error(`${className} has ended`);
          return await isReady();
        });
      } catch (error) {
        await worker[Symbol.asyncDispose]();
        throw error;
      }
      return worker;
    } finally {
      await Deno.remove(file);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.ended;
  }
}
