/**
 * The Redis that tests run on: the shared one that `deno task test` provides ({@linkcode redisUrl}),
 * and private ones for a single test that stops its server or sets a password
 * ({@linkcode startRedis}): an installed redis-server or valkey-server, one that apt-get installs
 * when we are root, or docker's.
 *
 * @module
 */

import { freePort } from "./free_port.ts";
import { installWithApt, mayInstall, run } from "./install.ts";
import { supervise, type Supervised } from "./supervise.ts";

/** The variable with the address of the shared server. */
const URL_VARIABLE = "TEST_REDIS_URL";

/** The shared server's address. Others are using it: keep to keys that nobody else has. */
export function redisUrl(): string {
  const url = Deno.env.get(URL_VARIABLE);
  if (url) return url;
  throw new Error(
    `${URL_VARIABLE} is not set: run the tests with "deno task test", which provides Redis`,
  );
}

/** A private server, with a data directory that lives until it is disposed. */
export class RedisServer implements AsyncDisposable {
  /** Where it listens on 127.0.0.1; the same after a restart. */
  readonly port: number;
  readonly #directory: string;
  readonly #launch: Supervised;
  #process: Deno.ChildProcess | undefined;

  /** Keeps what is needed to start it; {@linkcode startRedis} does both. */
  constructor(launcher: Launcher, directory: string, settings: readonly string[]) {
    this.port = freePort();
    this.#directory = directory;
    this.#launch = {
      command: command(launcher, { port: this.port, directory, settings }),
      env: {},
      helper: "",
      logFile: `${directory}/output`,
    };
  }

  /** Its address. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** What test processes need in their environment to use it as the shared server. */
  get env(): Record<string, string> {
    return { [URL_VARIABLE]: this.url };
  }

  /** Starts it and waits until it answers. */
  async start(): Promise<void> {
    if (this.#process) return;
    const process = supervise(this.#launch);
    this.#process = process;
    let ended = false;
    process.status.then(() => ended = true);
    const deadline = Date.now() + 60_000;
    while (!await answers(this.port)) {
      if (ended || Date.now() > deadline) {
        await this.stop();
        const log = await Deno.readTextFile(this.#launch.logFile);
        throw new Error(
          `Redis ${ended ? "exited" : "did not answer within 60 s"}. Its log:\n${log}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Shuts it down; what it holds stays. */
  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (!process) return;
    // The supervising shell takes the end of its input for the order to stop the server.
    await process.stdin.close().catch(() => {});
    await process.status;
  }

  /** Has it do something that it answers in one line; for example `REPLICAOF NO ONE`. */
  async command(line: string): Promise<void> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    await connection.write(new TextEncoder().encode(`${line}\r\n`));
    const answer = new Uint8Array(1000);
    const text = new TextDecoder().decode(answer.subarray(0, await connection.read(answer) ?? 0));
    if (!text.startsWith("+")) throw new Error(`Redis does not do ${line}: ${text}`);
  }

  /** Stops it and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/**
 * Starts a private server on a free port.
 *
 * @param settings More of redis-server's arguments.
 * @throws {Error} If no server can be had or started; it says what was tried.
 */
export async function startRedis(...settings: readonly string[]): Promise<RedisServer> {
  return await launch(await findLauncher(), settings);
}

/** The same with this program, a redis-server or a valkey-server. */
export async function startServer(
  program: string,
  ...settings: readonly string[]
): Promise<RedisServer> {
  return await launch({ program }, settings);
}

async function launch(launcher: Launcher, settings: readonly string[]): Promise<RedisServer> {
  for (let attempt = 1;; attempt++) {
    const directory = await Deno.makeTempDir({ prefix: "turn-channels-redis-" });
    const server = new RedisServer(launcher, directory, settings);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      // A port that was free a moment ago may be taken by now: another may do.
      if (attempt === 3) throw error;
    }
  }
}

/** The path of an installed server; undefined if tests run on docker's. */
export async function installedServer(): Promise<string | undefined> {
  const launcher = await findLauncher();
  return "program" in launcher ? launcher.program : undefined;
}

/** The program of an installed server, or docker's image. */
type Launcher = { readonly program: string } | { readonly image: string };

async function findLauncher(): Promise<Launcher> {
  const installed = await findInstalled();
  if (installed) return installed;
  const tried = [
    `${URL_VARIABLE}: not set`,
    "an installed redis-server or valkey-server: none found",
  ];
  if (mayInstall()) {
    const fault = await installWithApt("redis-server");
    const found = await findInstalled();
    if (found) return found;
    tried.push(`apt-get install redis-server: ${fault || "it brought no server"}`);
  } else tried.push("apt-get install redis-server: only tried on Linux as root");
  const docker = await run("docker", ["version", "--format", "{{.Server.Version}}"]);
  if (docker.success) return { image: "redis:7" };
  tried.push(`docker: ${docker.output}`);
  throw new Error(
    `No Redis for the tests. Install redis-server or docker, or set ${URL_VARIABLE}.\n` +
      `Tried:\n${tried.map((line) => `  - ${line}`).join("\n")}`,
  );
}

async function findInstalled(): Promise<Launcher | undefined> {
  const directories = ["/opt/homebrew/bin", ...(Deno.env.get("PATH") ?? "").split(":")];
  for (const name of ["redis-server", "valkey-server"]) {
    for (const directory of directories) {
      const program = `${directory}/${name}`;
      if ((await Deno.stat(program).catch(() => undefined))?.isFile) return { program };
    }
  }
}

function command(
  launcher: Launcher,
  { port, directory, settings }: {
    readonly port: number;
    readonly directory: string;
    readonly settings: readonly string[];
  },
): readonly string[] {
  const common = ["--save", "", "--appendonly", "yes", ...settings];
  if ("program" in launcher) {
    const local = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", directory];
    return [launcher.program, ...local, ...common];
  }
  return [
    ...["docker", "run", "--rm", "--name", `turn-channels-test-redis-${port}`],
    ...["--user", `${Deno.uid()}`, "-v", `${directory}:/data`, "-p", `127.0.0.1:${port}:6379`],
    ...[launcher.image, "redis-server", ...common],
  ];
}

/** Whether a Redis answers on the port, be it only that it wants a password. */
async function answers(port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode("PING\r\n"));
    const answer = new Uint8Array(7);
    await connection.read(answer);
    return /^(\+PONG|-NOAUTH)/.test(new TextDecoder().decode(answer));
  } catch {
    return false; // Nobody listens yet.
  }
}
