/**
 * `turn-channels run`: the bridge, until it is told to stop.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { CacheError } from "../cache/mod.ts";
import type { Config, Warning } from "../config/mod.ts";
import { startLogging } from "../telemetry/mod.ts";
import { EXIT } from "./exit_codes.ts";
import { ListenError } from "./http.ts";
import { type Service, startService } from "./service.ts";

const log = getLogger(["turn-channels", "cli"]);

/**
 * Runs until SIGTERM or SIGINT, then drains. A second signal ends the draining. Answers the exit
 * code.
 */
export async function run(config: Config, warnings: readonly Warning[]): Promise<number> {
  using _logging = startLogging({ level: config.log_level });
  for (const { key, message } of warnings) {
    log.warning("Configuration: {message}", { key, message });
  }
  using signals = new StopSignals();
  const service = await start(config);
  if (service === undefined) return EXIT.unavailable;
  await using running = service;
  log.info("Bridging {connector} and Turn, listening on {address}", {
    connector: config.connector_name,
    address: running.address,
  });
  await aborted(signals.first);
  log.info("Stopping: finishing what is in work");
  const deadline = AbortSignal.timeout(config.shutdown_timeout * 1000);
  await running.drain(AbortSignal.any([deadline, signals.second]));
  log.info("Stopped");
  return signals.bug ? EXIT.bug : EXIT.ok;
}

async function start(config: Config): Promise<Service | undefined> {
  try {
    return await startService(config);
  } catch (error) {
    if (!(error instanceof CacheError || error instanceof ListenError)) throw error;
    log.fatal("Cannot start: {reason}", { reason: error.message });
    return undefined;
  }
}

/** What ends the program: a signal, a second one, or a bug that nobody caught. */
class StopSignals implements Disposable {
  /** Whether it was a bug. */
  bug = false;
  readonly #first = new AbortController();
  readonly #second = new AbortController();

  constructor() {
    Deno.addSignalListener("SIGTERM", this.#stop);
    Deno.addSignalListener("SIGINT", this.#stop);
    globalThis.addEventListener("unhandledrejection", this.#onBug);
  }

  get first(): AbortSignal {
    return this.#first.signal;
  }

  get second(): AbortSignal {
    return this.#second.signal;
  }

  readonly #stop = (): void => {
    (this.#first.signal.aborted ? this.#second : this.#first).abort();
  };

  readonly #onBug = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    this.bug = true;
    log.fatal("A bug: {error}", { error: event.reason });
    this.#first.abort();
  };

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGTERM", this.#stop);
    Deno.removeSignalListener("SIGINT", this.#stop);
    globalThis.removeEventListener("unhandledrejection", this.#onBug);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
