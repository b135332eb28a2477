// `turn-channels run`: the bridge, until a signal stops it.

import manifest from "../../deno.json" with { type: "json" };
import { getLogger } from "@logtape/logtape";
import { aborted } from "../async/mod.ts";
import {
  type Config,
  type ConfigPlace,
  formatBind,
  type LoadedConfig,
  redactedConfig,
  type Warning,
} from "../config/mod.ts";
import { type LogPrivacy, logStrayOutput, startLogging } from "../telemetry/mod.ts";
import { logWarnings, Reloader } from "../service/reload.ts";
import { ListenError } from "../service/listener.ts";
import { startService } from "../service/service.ts";
import { COMMIT_VARIABLE, type Shell } from "./config_command.ts";
import { brokerPlace } from "./broker_place.ts";
import { commandError, EXIT } from "./exit_codes.ts";

const log = getLogger(["turn-channels", "cli"]);

/** Runs until a signal, then drains until a second one; reloads at SIGHUP. Returns the exit code. */
export async function run(
  { signals, env }: Pick<Shell, "signals" | "env">,
  config: Config,
  warnings: readonly Warning[],
  load: () => Promise<LoadedConfig>,
  file: ConfigPlace | undefined,
): Promise<number> {
  await using logging = startLogging({
    level: config.log_level,
    format: config.log_format,
    privacy: privacyOf(config),
  });
  logStart(config, file, env[COMMIT_VARIABLE]);
  logWarnings(warnings);
  logStrayOutput();
  let hasBug = false;
  using _watch = watchForBugs((error) => {
    if (error instanceof ListenError) log.fatal("Stopping: {reason}", { reason: error.message });
    else log.fatal("A bug, please report it: {error}", { error });
    hasBug = true;
    // A second signal would end the draining.
    if (!signals.first.aborted) signals.stop();
  });
  let failed: number = EXIT.ok;
  const { figures } = logging;
  await using service = await startService(config, { log: figures, commit: env[COMMIT_VARIABLE] })
    .catch((error) => {
      const { exitCode, message } = commandError(error);
      log.fatal("Cannot start: {reason}", { reason: message });
      failed = exitCode;
      return undefined;
    });
  if (service === undefined) return failed;
  // Nothing is opened for writing from now on; the cache's file stays open. A socket in the file
  // system may have to be made anew.
  Deno.permissions.revokeSync({ name: "sys" });
  const binds = [config.http_bind, config.admin_bind];
  if (!binds.some((bind) => bind?.kind === "unix")) Deno.permissions.revokeSync({ name: "write" });
  const connectors = config.channels.map(({ connector_name }) => connector_name);
  log.info("Bridging {connector} and Turn, listening on {address}", {
    connector: connectors.join(", "),
    address: service.address,
    ...(service.adminAddress && { admin: service.adminAddress }),
  });
  const reloader = new Reloader({
    config,
    load,
    apply(changed) {
      service.reload(changed);
      logging.change(changed.log_level, privacyOf(changed));
    },
  });
  signals.onHangup(() => reloader.reload());
  await aborted(signals.first);
  log.info("Stopping: finishing work in progress");
  const deadline = AbortSignal.timeout(reloader.current.shutdown_timeout * 1000);
  await service.drain(AbortSignal.any([deadline, signals.second]));
  log.info("Stopped");
  return hasBug ? EXIT.bug : EXIT.ok;
}

/** The first line: what runs, and with what; also if it can't start then. */
function logStart(config: Config, file: ConfigPlace | undefined, commit = "unknown"): void {
  const shown = redactedConfig(config);
  const [of] = [shown["message_cache_config.path"], shown["message_cache_config.url"]]
    .filter((value) => value !== undefined && value !== "");
  const admin = config.admin_bind === undefined
    ? ""
    : `, admin_bind ${formatBind(config.admin_bind)}`;
  const text =
    "turn-channels {version} (commit {commit}) starts: configuration {configuration}, cache {cache}, " +
    "RabbitMQ {broker}, http_bind {binds}";
  log.info(text, {
    version: manifest.version,
    commit,
    configuration: file === undefined ? "of flags and variables" : `${file.path} (${file.source})`,
    cache: of === undefined ? config.message_cache_class : `${config.message_cache_class} ${of}`,
    broker: brokerPlace(config),
    binds: `${formatBind(config.http_bind)}${admin}`,
  });
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
