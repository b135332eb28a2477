// `turn-channels run`: the bridge, until a signal stops it.

import { getLogger } from "@logtape/logtape";
import { aborted } from "../async/mod.ts";
import type { Config, LoadedConfig, Warning } from "../config/mod.ts";
import { type LogPrivacy, startLogging } from "../telemetry/mod.ts";
import { logWarnings, Reloader } from "../service/reload.ts";
import { startService } from "../service/service.ts";
import { StopSignals } from "../service/signals.ts";
import { commandError, EXIT } from "./exit_codes.ts";

const log = getLogger(["turn-channels", "cli"]);

/** Runs until a signal, then drains until a second one; reloads at SIGHUP. Returns the exit code. */
export async function run(
  config: Config,
  warnings: readonly Warning[],
  load: () => Promise<LoadedConfig>,
): Promise<number> {
  using logging = startLogging({
    level: config.log_level,
    format: config.log_format,
    privacy: privacyOf(config),
  });
  logWarnings(warnings);
  using signals = new StopSignals();
  let hasBug = false;
  using _watch = watchForBugs((error) => {
    log.fatal("A bug, please report it: {error}", { error });
    hasBug = true;
    // A second signal would end the draining.
    if (!signals.first.aborted) signals.stop();
  });
  await using service = await startService(config).catch((error) => {
    log.fatal("Cannot start: {reason}", { reason: commandError(error).message });
    return undefined;
  });
  if (service === undefined) return EXIT.unavailable;
  // Nothing is opened for writing from now on; the cache's file and the socket stay open.
  for (const name of ["write", "sys"] as const) Deno.permissions.revokeSync({ name });
  const connectors = config.channels.map(({ connector_name }) => connector_name);
  log.info("Bridging {connector} and Turn, listening on {address}", {
    connector: connectors.join(", "),
    address: service.address,
    ...(service.adminAddress && { admin: service.adminAddress }),
  });
  using reloader = new Reloader({
    config,
    load,
    apply(changed) {
      service.reload(changed);
      logging.change(changed.log_level, privacyOf(changed));
    },
  });
  await aborted(signals.first);
  log.info("Stopping: finishing work in progress");
  const deadline = AbortSignal.timeout(reloader.current.shutdown_timeout * 1000);
  await service.drain(AbortSignal.any([deadline, signals.second]));
  log.info("Stopped");
  return hasBug ? EXIT.bug : EXIT.ok;
}

function privacyOf({ log_addresses, log_content }: Config): LogPrivacy {
  return { addresses: log_addresses, content: log_content };
}

/** Calls `found` at each error that nothing else handles; the program goes on. */
function watchForBugs(found: (error: unknown) => void): Disposable {
  const watching = new AbortController();
  const { signal } = watching;
  const onBug = (event: ErrorEvent | PromiseRejectionEvent): void => {
    event.preventDefault();
    found("reason" in event ? event.reason : event.error);
  };
  globalThis.addEventListener("unhandledrejection", onBug, { signal });
  globalThis.addEventListener("error", onBug, { signal });
  return { [Symbol.dispose]: () => watching.abort() };
}
