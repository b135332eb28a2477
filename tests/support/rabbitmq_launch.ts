/**
 * Finds a RabbitMQ that can be started privately: an installed one, one that apt-get installs when
 * we are root, or docker's, or for a newer version the tool's (rabbitmq_tool.ts); and prepares the
 * directory, ports and command of one server. Running it is rabbitmq.ts's.
 *
 * @module
 */

import { freePort } from "./free_port.ts";
import type { BrokerVersion } from "./broker_choice.ts";
import { installWithApt, mayInstall, run } from "./install.ts";
import { findTool, type Tool, toolLaunch } from "./rabbitmq_tool.ts";
import type { Supervised } from "./supervise.ts";

/** How servers can be started on this machine. */
export type Launcher =
  | { readonly kind: "installed"; readonly directory: string }
  | { readonly kind: "docker" }
  | Tool;

/** One server, ready to be started. */
export interface Launch extends Supervised {
  /** Where it will listen, on 127.0.0.1. */
  readonly port: number;
  /** How rabbitmqctl is called for it. */
  readonly ctl: {
    readonly command: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
  /** All that it has logged. */
  log(): Promise<string>;
  /** Removes its data, when it is stopped. */
  remove(): Promise<void>;
}

const IMAGE = "rabbitmq:3";

/**
 * For the machine's own version looks for an installed server, installs one with apt-get when we are
 * root, or else takes docker.
 *
 * @throws {Error} If nothing works; it says what was tried.
 */
export async function findLauncher(version: BrokerVersion = "own"): Promise<Launcher> {
  if (version !== "own") return await findTool(version);
  const installed = await findInstalled();
  if (installed) return installed;
  const tried = ["TEST_AMQP_URL: not set", "an installed rabbitmq-server: none found"];
  if (mayInstall()) {
    const fault = await installWithApt("rabbitmq-server");
    const found = await findInstalled();
    if (found) return found;
    tried.push(`apt-get install rabbitmq-server: ${fault || "it brought no server"}`);
  } else {
    tried.push("apt-get install rabbitmq-server: only tried on Linux as root");
  }
  const docker = await run("docker", ["version", "--format", "{{.Server.Version}}"]);
  if (docker.success) return { kind: "docker" };
  tried.push(`docker: ${docker.output}`);
  throw new Error(
    `No RabbitMQ for the tests. Install rabbitmq-server or docker, or set TEST_AMQP_URL.\n` +
      `Tried:\n${tried.map((line) => `  - ${line}`).join("\n")}`,
  );
}

/** Makes the directory of a new server and chooses its ports. */
export async function prepareLaunch(launcher: Launcher): Promise<Launch> {
  if (launcher.kind === "tool") return await toolLaunch(launcher);
  const directory = await Deno.makeTempDir({ prefix: "turn-channels-rabbitmq-" });
  const [port, epmdPort, distPort] = [freePort(), freePort(), freePort()];
  return launcher.kind === "docker"
    ? dockerLaunch(directory, port)
    : await installedLaunch(launcher.directory, directory, { port, epmdPort, distPort });
}

async function findInstalled(): Promise<Launcher | undefined> {
  // Debian's wrapper in /usr/sbin changes to the user rabbitmq and drops our environment: the
  // script behind it comes first.
  const directories = [
    "/usr/lib/rabbitmq/bin",
    "/opt/homebrew/sbin",
    "/usr/local/sbin",
    ...(Deno.env.get("PATH") ?? "").split(":"),
  ];
  for (const directory of directories) {
    const info = await Deno.stat(`${directory}/rabbitmq-server`).catch(() => undefined);
    if (info?.isFile) return { kind: "installed", directory };
  }
}

interface Ports {
  readonly port: number;
  readonly epmdPort: number;
  readonly distPort: number;
}

async function installedLaunch(
  programs: string,
  directory: string,
  { port, epmdPort, distPort }: Ports,
): Promise<Launch> {
  await Deno.writeTextFile(`${directory}/plugins`, "[].\n");
  await Deno.writeTextFile(`${directory}/env.conf`, "");
  await Deno.writeTextFile(
    `${directory}/rabbitmq.conf`,
    `listeners.tcp.1 = 127.0.0.1:${port}\ndisk_free_limit.absolute = 1MB\n` +
      "vm_memory_high_watermark.relative = 0.8\nlog.file.level = info\n",
  );
  const env = {
    HOME: directory, // The Erlang cookie is made there.
    LANG: "C.UTF-8",
    LC_ALL: "C.UTF-8",
    ERL_EPMD_PORT: `${epmdPort}`,
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: `test-${port}@localhost`,
    RABBITMQ_DIST_PORT: `${distPort}`,
    RABBITMQ_CONF_ENV_FILE: `${directory}/env.conf`,
    RABBITMQ_CONFIG_FILE: `${directory}/rabbitmq.conf`,
    RABBITMQ_ADVANCED_CONFIG_FILE: `${directory}/advanced.config`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${directory}/plugins`,
    RABBITMQ_MNESIA_BASE: `${directory}/mnesia`,
    RABBITMQ_LOG_BASE: `${directory}/log`,
    RABBITMQ_PID_FILE: `${directory}/pid`,
    // With this set the script becomes the server, instead of watching over it from a shell.
    RABBITMQ_ALLOW_INPUT: "1",
    // No busy waiting: it takes cores from the tests.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      "-noinput -kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
  };
  const logFile = `${directory}/output`;
  return {
    port,
    command: [`${programs}/rabbitmq-server`],
    env,
    // Started by us, it is ours to stop; the server would leave one running.
    helper: "env PATH=$PATH:/usr/lib/erlang/bin:/usr/local/lib/erlang/bin epmd",
    // It does start one if ours is late, which then stays.
    cleanUp: `
      for file in $(grep -slxz "ERL_EPMD_PORT=${epmdPort}" /proc/[0-9]*/environ); do
        case "$(cat "\${file%environ}comm")" in
          epmd) kill "$(echo "$file" | cut -d/ -f3)" ;;
        esac
      done`,
    logFile,
    ctl: { command: [`${programs}/rabbitmqctl`], env },
    log: async () => await readLogs(logFile) + await readLogs(`${directory}/log`),
    remove: () => Deno.remove(directory, { recursive: true }),
  };
}

function dockerLaunch(directory: string, port: number): Launch {
  const name = `turn-channels-test-${port}`;
  const logFile = `${directory}/output`;
  return {
    port,
    command: [
      ...["docker", "run", "--rm", "--name", name, "--hostname", name],
      ...["-v", `${name}:/var/lib/rabbitmq`, "-p", `127.0.0.1:${port}:5672`, IMAGE],
    ],
    env: {},
    helper: "",
    logFile,
    ctl: { command: ["docker", "exec", name, "rabbitmqctl"], env: {} },
    log: () => readLogs(logFile),
    remove: async () => {
      await run("docker", ["volume", "rm", "-f", name]);
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** The text of a file, or of all files in a directory; what isn't there is left out. */
async function readLogs(path: string): Promise<string> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (!info) return "";
  if (!info.isDirectory) return await Deno.readTextFile(path);
  let text = "";
  for await (const entry of Deno.readDir(path)) text += await readLogs(`${path}/${entry.name}`);
  return text;
}
