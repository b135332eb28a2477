/**
 * The bridge in a process of its own, with a configuration file: it can be killed, and started again
 * as it was. From source, or the binary that the variable `CHAOS_BINARY` names.
 *
 * @module
 */

import { freePort } from "../support/free_port.ts";
import { readSamples } from "../../src/telemetry/mod.ts";
import { Program, type Running } from "../support/program.ts";
import { until } from "../support/until.ts";

/** The configuration, as it is in a file. */
export type ConfigFile = Readonly<Record<string, unknown>>;

/** A component in the answer of `GET /health`. */
interface Component {
  readonly health: string;
  readonly breaker?: string;
}

/** A bridge that is started and stopped. */
export class BridgeProcess implements AsyncDisposable {
  /** Where it listens, each time. */
  readonly address: string;
  readonly #program: Program;
  readonly #folder: string;
  #running: Running | undefined;
  /** Its exit code, if it ended and was not told to. */
  #endedWith: number | undefined;
  #log = "";

  private constructor(address: string, folder: string) {
    this.address = address;
    this.#folder = folder;
    const binary = Deno.env.get("CHAOS_BINARY");
    this.#program = binary ? Program.binary(binary) : Program.fromSource();
  }

  /** Writes the configuration, `http_bind` and the cache added. Starts nothing yet. */
  static async prepare(config: ConfigFile): Promise<BridgeProcess> {
    const folder = await Deno.makeTempDir({ prefix: "turn-channels-chaos-" });
    const bind = `127.0.0.1:${freePort()}`;
    const whole = {
      http_bind: bind,
      message_cache_class: "DenoKvMessageCache",
      message_cache_config: { path: `${folder}/cache.kv` },
      ...config,
    };
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(whole));
    return new BridgeProcess(`http://${bind}`, folder);
  }

  /** Starts it; resolves when it listens, whatever it has reached by then. */
  async start(): Promise<void> {
    const running = await this.#program.start(["run", "--config", `${this.#folder}/config.json`]);
    this.#running = running;
    this.#endedWith = undefined;
    void running.ended().then((code) => {
      if (this.#running === running) this.#endedWith = code;
    });
  }

  /** Resolves when it is in health. */
  async healthy(): Promise<void> {
    await until("the bridge's health", async () => (await this.health()).status === 200);
  }

  /** What it says of itself; status 0 if it says nothing. */
  async health(): Promise<{ status: number; components: Readonly<Record<string, Component>> }> {
    try {
      const response = await fetch(`${this.address}/health`, { signal: AbortSignal.timeout(5000) });
      return { status: response.status, components: (await response.json()).components };
    } catch {
      return { status: 0, components: {} };
    }
  }

  /** How often something kept messages up, in both flows, since the process was started; 0 while it is away. */
  async count(setback: string): Promise<number> {
    try {
      const response = await fetch(`${this.address}/metrics`, {
        signal: AbortSignal.timeout(5000),
      });
      return readSamples(await response.text(), "turn_channels_setbacks_total")
        .filter(({ labels }) => labels.result === setback)
        .reduce((sum, { value }) => sum + value, 0);
    } catch {
      return 0;
    }
  }

  /** How many requests of Turn's have no answer yet. */
  async requests(): Promise<number> {
    const response = await fetch(`${this.address}/metrics`);
    return readSamples(await response.text(), "turn_channels_requests_in_flight")
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** Sends a signal, and answers the exit code. */
  async stop(signal: "SIGKILL" | "SIGTERM"): Promise<number> {
    const running = this.process;
    this.#running = undefined;
    const code = await running.stop(signal);
    this.#log += running.stderr();
    return code;
  }

  /** Starts it again if it ended by itself, as a service manager does; answers the exit code if so. */
  async revive(): Promise<number | undefined> {
    const code = this.#endedWith;
    if (code === undefined) return undefined;
    this.#log += this.#running?.stderr() ?? "";
    await this.start();
    return code;
  }

  /** Its process, while it runs. */
  get process(): Running {
    if (this.#running === undefined) throw new Error("The bridge does not run");
    return this.#running;
  }

  /** All that it has logged. */
  log(): string {
    return this.#log + (this.#running?.stderr() ?? "");
  }

  /** Processor time that it takes in about a second, as a share of one core. */
  async load(): Promise<number> {
    const before = await this.#ticks();
    const begin = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const seconds = (performance.now() - begin) / 1000;
    // Linux counts in hundredths of a second for all programs.
    return (await this.#ticks() - before) / 100 / seconds;
  }

  /** Memory that it holds, in MiB. */
  async residentMiB(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.#pid()}/status`);
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
  }

  /** Ends it, and removes its files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #ticks(): Promise<number> {
    const stat = await Deno.readTextFile(`/proc/${this.#pid()}/stat`);
    // Fields 14 and 15, utime and stime; the second one is a name in brackets, with anything in it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[11]) + Number(fields[12]);
  }

  #pid(): number {
    return this.process.pid;
  }
}
