/**
 * A private cluster of RabbitMQ nodes, each of which can be killed, stopped, started again and frozen.
 *
 * @module
 */

import { connect } from "amqplib";
import { type BrokerChoice, brokerChoice } from "./broker_choice.ts";
import { DEFAULT_TO_QUORUM } from "./rabbitmq.ts";
import { findTool, type ToolLaunch, toolLaunch } from "./rabbitmq_tool.ts";
import { supervise } from "./supervise.ts";
import { until } from "./until.ts";

/** What is asked for. */
export interface ClusterOptions extends BrokerChoice {
  /** How many nodes it has. */
  readonly nodes: number;
}

/** Nodes are counted from 1, as the tool does. */
export class RabbitMqCluster implements AsyncDisposable {
  /** Where each node is; they keep their ports. */
  readonly urls: readonly string[];
  readonly #launch: ToolLaunch;
  readonly #shell: Deno.ChildProcess;
  readonly #frozen = new Map<number, number>();

  private constructor(launch: ToolLaunch) {
    this.#launch = launch;
    this.urls = launch.ports.map((port) => `amqp://guest:guest@127.0.0.1:${port}`);
    this.#shell = supervise(launch);
  }

  /** Starts it; all nodes take connections when it resolves. */
  static async start({ version, nodes, queues }: ClusterOptions): Promise<RabbitMqCluster> {
    const cluster = new RabbitMqCluster(await toolLaunch(await findTool(version), nodes));
    try {
      for (let node = 1; node <= nodes; node++) await cluster.#connected(node);
      await cluster.rabbitmqctl("await_online_nodes", `${nodes}`);
      if (queues === "quorum") await cluster.rabbitmqctl(...DEFAULT_TO_QUORUM);
      return cluster;
    } catch (error) {
      const log = await cluster.#launch.log();
      await cluster[Symbol.asyncDispose]();
      throw new Error(`The cluster did not start. Its output:\n${log}`, { cause: error });
    }
  }

  /** Runs rabbitmqctl on the first node that runs, and returns its standard output. */
  async rabbitmqctl(...args: string[]): Promise<string> {
    for (let node = 1; node < this.urls.length; node++) {
      if (!this.#frozen.has(node) && await this.#runs(node)) {
        return await this.#launch.call("ctl", `${node}`, ...args);
      }
    }
    return await this.#launch.call("ctl", `${this.urls.length}`, ...args);
  }

  /** Ends a node with SIGKILL. */
  async kill(node: number): Promise<void> {
    const pid = await this.#launch.pid(node);
    this.#frozen.delete(node);
    await this.#launch.call("kill", `${node}`);
    await gone(pid);
  }

  /** Ends a node as an operator would. */
  async stopNode(node: number): Promise<void> {
    const pid = await this.#launch.pid(node);
    await this.#launch.call("stop-node", `${node}`);
    await gone(pid);
  }

  /** Starts a node that was ended; it takes connections, and is one of the cluster, when it resolves. */
  async startNode(node: number): Promise<void> {
    await this.#launch.call("start-node", `${node}`);
    await this.#connected(node);
  }

  /** Stops a node's process where it is: connections stay open and nothing answers. */
  async freeze(node: number): Promise<void> {
    const pid = await this.#launch.pid(node);
    this.#frozen.set(node, pid);
    Deno.kill(pid, "SIGSTOP");
  }

  /** Ends {@linkcode freeze}. */
  thaw(node: number): void {
    const pid = this.#frozen.get(node);
    this.#frozen.delete(node);
    if (pid !== undefined) Deno.kill(pid, "SIGCONT");
  }

  /** Ends all nodes, frozen ones too, and removes their data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell.stdin.close().catch(() => {});
    await this.#shell.status;
    await this.#launch.remove();
  }

  async #connected(node: number): Promise<void> {
    const url = this.urls[node - 1];
    if (url === undefined) throw new RangeError(`There is no node ${node}`);
    await until(`node ${node}`, () =>
      connect(url).then(async (connection) => {
        await connection.close();
        return true;
      }, () => false));
  }

  async #runs(node: number): Promise<boolean> {
    const pid = await this.#launch.pid(node).catch(() => undefined);
    return pid !== undefined && await isThere(pid);
  }
}

/** Starts a cluster; what isn't asked for is as this run of tests is to be. */
export function startCluster(
  { nodes = 3, ...wanted }: Partial<ClusterOptions> = {},
): Promise<RabbitMqCluster> {
  return RabbitMqCluster.start({ ...brokerChoice(), ...wanted, nodes });
}

async function gone(pid: number): Promise<void> {
  await until(`the end of process ${pid}`, async () => !await isThere(pid));
}

async function isThere(pid: number): Promise<boolean> {
  // What has ended and was not yet waited for has no command line any more.
  return await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "") !== "";
}
