/**
 * Newer RabbitMQs than the machine's own, single or as a cluster, by the command that the variable
 * `TEST_RABBITMQ_TOOL` names: `get VERSION` brings a version onto the machine, `start VERSION DIR
 * NODES` starts nodes with their data and the files `nN.pid` in a folder, each with five ports from
 * `BASE_PORT` on and the hundredth for their port mapper; `ctl DIR N ARGS…` is rabbitmqctl on node N,
 * `kill`, `stop-node` and `start-node DIR N` are for single nodes. Nodes are daemons that it leaves
 * alone: here they get a shell that ends them with us, and what they have started.
 *
 * @module
 */

import { type BrokerVersion, TOOL_VARIABLE } from "./broker_choice.ts";
import { listenIfFree } from "./free_port.ts";
import { run } from "./install.ts";
import type { Launch } from "./rabbitmq_launch.ts";

/** The command, and the version to start. */
export interface Tool {
  readonly kind: "tool";
  readonly command: string;
  readonly version: BrokerVersion;
}

/** A server or a cluster by the tool, ready to be started. */
export interface ToolLaunch extends Launch {
  /** Where each node listens, on 127.0.0.1. */
  readonly ports: readonly number[];
  /** Calls the tool with the directory, and returns what it prints. */
  call(verb: string, ...args: readonly string[]): Promise<string>;
  /** The process of a node, from 1; it is the server's own. */
  pid(node: number): Promise<number>;
}

/**
 * Has the tool bring the version onto the machine.
 *
 * @throws {Error} If there is no tool, or it can't.
 */
export async function findTool(version: BrokerVersion): Promise<Tool> {
  const command = Deno.env.get(TOOL_VARIABLE);
  if (!command) {
    throw new Error(
      `No RabbitMQ ${version} for the tests: ${TOOL_VARIABLE} has to name the command that starts it`,
    );
  }
  // Two that fetch at once would spoil each other's work.
  const lock = "/tmp/turn-channels-rabbitmq-tool.lock";
  const got = await run("flock", [lock, command, "get", version]);
  if (got.success) return { kind: "tool", command, version };
  throw new Error(`No RabbitMQ ${version} for the tests. ${command} get ${version}: ${got.output}`);
}

/** Makes the directory of `nodes` new nodes and chooses their ports. */
export async function toolLaunch({ command, version }: Tool, nodes = 1): Promise<ToolLaunch> {
  const directory = await Deno.makeTempDir({ prefix: "turn-channels-rabbitmq-" });
  const { base, reservation } = reserveBase(nodes);
  const call = async (verb: string, ...args: readonly string[]): Promise<string> => {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args: [verb, directory, ...args],
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    if (success) return decoder.decode(stdout);
    throw new Error(`${command} ${verb} ${args.join(" ")} failed: ${decoder.decode(stderr)}`);
  };
  const ports = Array.from({ length: nodes }, (_, place) => base + PORTS_A_NODE * place);
  const texts = async (): Promise<string> => {
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
    const outputs = names.filter((name) => name === "output" || name.endsWith(".out"));
    const read = await Promise.all(
      outputs.map((name) => Deno.readTextFile(`${directory}/${name}`)),
    );
    return read.join("\n");
  };
  return {
    port: base,
    ports,
    command: ["sh", "-c", RUN, "sh", command, version, directory, `${nodes}`, `${base}`],
    env: {},
    helper: "",
    logFile: `${directory}/output`,
    ctl: { command: [command, "ctl", directory, "1"], env: {} },
    call,
    pid: async (node) => Number(await Deno.readTextFile(`${directory}/n${node}.pid`)),
    log: texts,
    remove: async () => {
      reservation.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/**
 * Starts the nodes and stays. On SIGTERM they are told to end, one that was stopped too, and after a
 * while killed with all that they have started, the port mapper among it: all have the mapper's port
 * in their environment.
 */
const RUN = `
  tool=$1 version=$2 directory=$3 nodes=$4 base=$5
  # Those of the given processes, or of all, that are ours.
  ours() {
    files=/proc/[0-9]*/environ
    [ $# -gt 0 ] && files=$(printf '/proc/%s/environ ' "$@")
    grep -slxz "ERL_EPMD_PORT=$((base + 99))" $files | cut -d/ -f3
  }
  end() {
    trap '' TERM
    kill "$child"
    servers=$(for file in "$directory"/n*.pid; do echo $(cat "$file"); done)
    servers=$(ours 0 $servers)
    for pid in $servers; do kill -TERM "$pid"; kill -CONT "$pid"; done
    for n in $(seq 120); do [ -z "$(ours 0 $servers)" ] && break; sleep 0.1; done
    for n in 1 2 3; do [ -z "$(ours)" ] && break; kill -KILL $(ours); sleep 0.1; done
    exit 0
  }
  trap end TERM
  BASE_PORT=$base "$tool" start "$version" "$directory" "$nodes" & child=$!
  wait $child || exit 1
  while :; do sleep 3600 & child=$!; wait $child; done`;

const PORTS_A_NODE = 5;
/** Of a server's hundred ports the last is the port mapper's, and this one says that it is taken. */
const RESERVATION = 98;
const MAPPER = 99;
/** Above the ports that tests choose for programs, and below those of outgoing connections. */
const [LOWEST, HIGHEST] = [30_000, 32_600];

/** Chooses a hundred ports, of which those that `nodes` need are free; nobody else here gets them. */
function reserveBase(nodes: number): { base: number; reservation: Deno.Listener } {
  const needed = [...Array(nodes * PORTS_A_NODE).keys(), MAPPER];
  for (let attempt = 0; attempt < 200; attempt++) {
    const base = LOWEST + 100 * Math.floor(Math.random() * ((HIGHEST - LOWEST) / 100));
    const reservation = listenIfFree(base + RESERVATION);
    if (reservation === undefined) continue;
    const free = needed.every((port) => {
      const listener = listenIfFree(base + port);
      listener?.close();
      return listener !== undefined;
    });
    if (free) return { base, reservation };
    reservation.close();
  }
  throw new Error(`No free ports for RabbitMQ from ${LOWEST} to ${HIGHEST}`);
}
