/**
 * The RabbitMQ that tests run on: the shared one that `deno task test` provides
 * ({@linkcode amqpUrl}, {@linkcode rabbitmqctl}), and private ones for a single test that stops or
 * restarts its server ({@linkcode startRabbitMq}). How a server is found: rabbitmq_launch.ts.
 *
 * @module
 */

import { type BrokerChoice, brokerChoice } from "./broker_choice.ts";
import { findLauncher, type Launch, prepareLaunch } from "./rabbitmq_launch.ts";
import { supervise } from "./supervise.ts";

/** The variable with the address of the shared server. */
const URL_VARIABLE = "TEST_AMQP_URL";
/** The variable that tells test processes how to call rabbitmqctl on it: a {@linkcode Command}. */
const CTL_VARIABLE = "TEST_RABBITMQCTL";

/** A program with its arguments and environment. */
interface Command {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The shared server's address. */
export function amqpUrl(): string {
  const url = Deno.env.get(URL_VARIABLE);
  if (url) return url;
  throw new Error(
    `${URL_VARIABLE} is not set: run the tests with "deno task test", which provides RabbitMQ`,
  );
}

/** Why {@linkcode rabbitmqctl} can't be used, for the name of an ignored test, if it can't. */
export function noRabbitmqctl(): string | undefined {
  if (Deno.env.get(CTL_VARIABLE)) return undefined;
  return `${URL_VARIABLE} names a server that is not ours: rabbitmqctl can't be used on it`;
}

/** Runs rabbitmqctl on the shared server and returns its standard output. */
export function rabbitmqctl(...args: string[]): Promise<string> {
  const command = Deno.env.get(CTL_VARIABLE);
  if (!command) throw new Error(noRabbitmqctl() ?? `${CTL_VARIABLE} is not set`);
  return runCtl(JSON.parse(command), args);
}

/** A private server, with a data directory that lives until it is disposed. */
export class RabbitMqServer implements AsyncDisposable {
  /** Its address; the same after a restart. */
  readonly url: string;
  readonly #launch: Launch;
  readonly #choice: BrokerChoice;
  #process: Deno.ChildProcess | undefined;
  #isSet = false;

  /** Keeps what is needed to start it; {@linkcode startRabbitMq} does both. */
  constructor(launch: Launch, choice: BrokerChoice) {
    this.#launch = launch;
    this.#choice = choice;
    this.url = `amqp://guest:guest@127.0.0.1:${launch.port}`;
  }

  /** What test processes need in their environment to use it as the shared server. */
  get env(): Record<string, string> {
    return { [URL_VARIABLE]: this.url, [CTL_VARIABLE]: JSON.stringify(this.#launch.ctl) };
  }

  /** Starts it and waits until it speaks AMQP. */
  async start(): Promise<void> {
    if (this.#process) return;
    const process = supervise(this.#launch);
    this.#process = process;
    let ended = false;
    process.status.then(() => ended = true);
    const deadline = Date.now() + 120_000;
    while (!await speaksAmqp(this.#launch.port)) {
      if (ended || Date.now() > deadline) {
        await this.stop();
        const why = ended ? "exited" : "did not accept AMQP within 120 s";
        throw new Error(`RabbitMQ ${why}. Its log:\n${await this.#launch.log()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    if (!this.#isSet && makesQuorumQueues(this.#choice)) {
      await this.rabbitmqctl(...DEFAULT_TO_QUORUM);
    }
    this.#isSet = true;
  }

  /** Shuts it down, messages of durable queues stay. */
  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (!process) return;
    // The supervising shell takes the end of its input for the order to stop the server.
    await process.stdin.close().catch(() => {});
    await process.status;
  }

  /** Runs rabbitmqctl on it and returns its standard output. */
  rabbitmqctl(...args: string[]): Promise<string> {
    return runCtl(this.#launch.ctl, args);
  }

  /** Stops it and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#launch.remove();
  }
}

/** Has queues of `/` that are declared without a type be quorum queues, for ever. */
export const DEFAULT_TO_QUORUM = [
  ...["update_vhost_metadata", "/", "--default-queue-type", "quorum"],
];

/** Whether queues are quorum queues by the server's own doing: 3.10 can't, see queues.ts. */
export function makesQuorumQueues({ version, queues }: BrokerChoice): boolean {
  return version !== "own" && queues === "quorum";
}

/**
 * Starts a private server on free ports, found as {@linkcode findLauncher} says. It is as this run
 * of tests is to be, unless `wanted` says otherwise.
 */
export async function startRabbitMq(wanted: Partial<BrokerChoice> = {}): Promise<RabbitMqServer> {
  const choice = { ...brokerChoice(), ...wanted };
  const launcher = await findLauncher(choice.version);
  for (let attempt = 1;; attempt++) {
    const server = new RabbitMqServer(await prepareLaunch(launcher), choice);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      // A port that was free a moment ago may be taken by now: other ports may do.
      if (attempt === 3) throw error;
    }
  }
}

/** Whether something answers AMQP's protocol header on the port. */
async function speaksAmqp(port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new Uint8Array([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]));
    return (await connection.read(new Uint8Array(1))) === 1;
  } catch {
    return false; // Nobody listens yet.
  }
}

async function runCtl({ command, env }: Command, args: string[]): Promise<string> {
  const [program = "", ...first] = command;
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...first, ...args],
    env,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`rabbitmqctl ${args[0]} failed: ${decoder.decode(stderr)}`);
}
