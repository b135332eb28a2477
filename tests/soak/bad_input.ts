/**
 * What should not come in: what nobody can read, at all entries of a channel, which is to be parked or
 * refused; and HTTP clients that ask for nothing, or for half of something.
 *
 * @module
 */

import { lettersTo, readable, requestAll } from "../chaos/malformed.ts";
import { dosesFor, takeParked } from "../chaos/poison.ts";
import { randomOf } from "../chaos/random.ts";
import type { Run } from "../chaos/report.ts";
import type { World } from "../chaos/world.ts";
import { publishRaw } from "../support/raw_amqp.ts";

/** Malformed inputs at each entry, each time. */
const EACH = 40;

/** Sends what nobody can read, and looks for it in the end. */
export class BadInput {
  readonly #world: World;
  readonly #run: Run;
  /** What was put on queues, as text. */
  readonly #put: string[] = [];
  readonly #statuses = new Set<number>();
  #times = 0;

  /** For a channel whose operator leaves parked messages where they are. */
  constructor(world: World, run: Run) {
    this.#world = world;
    this.#run = run;
  }

  /** Malformed requests, messages and events. */
  async malformed(): Promise<void> {
    const seed = this.#run.seed + ++this.#times;
    const letters = lettersTo(seed, EACH, "nobody's");
    for (const end of ["inbound", "event"] as const) {
      const unreadable = letters[end].filter(({ body }) => readable(end, body) === undefined);
      await this.#world.operator.post(end, unreadable);
      this.#put.push(...unreadable.map(({ body }) => new TextDecoder().decode(body)));
    }
    const statuses = await requestAll(this.#world, randomOf(seed, "http"), EACH);
    for (const status of statuses.keys()) this.#statuses.add(status);
  }

  /** Messages with properties that hardly anybody can read, and nothing else in them. */
  async poison(): Promise<void> {
    const doses = dosesFor(this.#world.operator, 1).filter(({ isReadable }) => !isReadable);
    await publishRaw(this.#run.url, ...doses);
    this.#put.push(...doses.map(({ id }) => id));
  }

  /** What is wrong: what is nowhere, and what was answered otherwise than well or as a client's fault. */
  async faults(): Promise<string[]> {
    const parked = await takeParked(this.#run.url, this.#world.operator);
    const times = (all: readonly string[], body: string): number =>
      all.filter((each) => each === body).length;
    const lost = this.#put.filter((body) => times(parked, body) < times(this.#put, body));
    const strange = [...this.#statuses].filter((status) => status >= 500 || status === 0);
    return [
      ...lost.map((body) => `not parked: ${JSON.stringify(body.slice(0, 99))}`),
      ...strange.map((status) => `malformed requests were answered ${status}`),
    ];
  }
}

/** Nothing, half a request line, half of the headers, half of a body. */
const HALF_REQUESTS: readonly string[] = [
  "",
  "POST /c1/mess",
  "POST /c1/messages HTTP/1.1\r\nHost: bridge\r\nContent-",
  "POST /c1/messages HTTP/1.1\r\nHost: bridge\r\nContent-Length: 1000\r\n\r\n{",
];

/** Opens so many connections, and asks for a part of something; answers what closes them. */
export async function connect(address: string, count: number): Promise<() => void> {
  const { hostname, port } = new URL(address);
  const connections: Deno.TcpConn[] = [];
  for (let n = 0; n < count; n++) {
    try {
      const connection = await Deno.connect({ hostname, port: Number(port) });
      connections.push(connection);
      const part = HALF_REQUESTS[n % HALF_REQUESTS.length];
      await connection.write(new TextEncoder().encode(part));
    } catch {
      // To refuse it is as good.
    }
  }
  return () => connections.forEach((connection) => connection.close());
}

/** Leaves a process so many descriptors more than it has; answers what gives it all back. */
export async function leaveDescriptors(pid: number, spare: number): Promise<() => Promise<void>> {
  const limits = await Deno.readTextFile(`/proc/${pid}/limits`);
  const [, before = ""] = /^Max open files +(\d+)/m.exec(limits) ?? [];
  // Only the soft limit, as the hard one can't be raised again.
  const limit = async (most: string): Promise<void> => {
    const args = ["--pid", String(pid), `--nofile=${most}:`];
    const { success, stderr } = await new Deno.Command("prlimit", { args }).output();
    if (!success) throw new Error(`prlimit: ${new TextDecoder().decode(stderr)}`);
  };
  await limit(String([...Deno.readDirSync(`/proc/${pid}/fd`)].length + spare));
  return () => limit(before);
}
