/**
 * Scenario 11: nodes of a cluster die, are rolled, and are cut off, under load both ways.
 *
 * @module
 */

import { brokerChoice, noNewerBroker } from "../support/broker_choice.ts";
import { type RabbitMqCluster, startCluster } from "../support/rabbitmq_cluster.ts";
import { Feed } from "./feed.ts";
import type { TurnLoad } from "./load.ts";
import { messagesOf, pause, wishesOf } from "./people.ts";
import { type Report, Reporter, type Run } from "./report.ts";
import { World } from "./world.ts";

/** How large scenario 11 is. */
export interface NodesSize {
  /** Users. */
  readonly users: number;
  /** Messages each way in a second. */
  readonly perSecond: number;
  /** How long a killed node is away, at least. */
  readonly downMs: number;
  /** How long a node is cut off; longer than two heartbeats, which are 10 s. 0 leaves that out. */
  readonly frozenMs: number;
  /** Which faults: all, or that the bridge's own node is killed. */
  readonly faults: "all" | "own node killed";
}

const NODES = 3;
/** Till all is as before, before a fault and after it. */
const CALM_MS = 3000;
/** Within this time of a fault requests have to be answered 200 again; else it would take a minute. */
const AGAIN_MS = 20_000;
/** Turn waits for 5 s. On a slow machine an answer that was sent in time is read later. */
const TURN_WAITS_MS = 8000;
/** Messages in work at once, in each queue: so many may come twice when a node is lost. */
const IN_WORK = 20;
/**
 * As the documentation advises on RabbitMQ 4.3, which else keeps for a minute what a dead node's consumer
 * had in hand, and hands on later messages meanwhile.
 */
const RETURN_SOON = [
  ...["set_policy", "--apply-to", "quorum_queues", "return-soon", "\\.(inbound|event)$"],
  '{"consumer-disconnected-timeout":5000}',
];
/** Enough for the longest run. */
const MOST_SECONDS = 900;

/** Why there can be no cluster in this run, if so. */
export function noCluster(): string | undefined {
  const { version, queues } = brokerChoice();
  if (version === "own" || queues !== "quorum") return "it needs --broker 4.3 --queues quorum";
  return noNewerBroker();
}

/** 11: each node is killed, rolled and cut off while messages go both ways. */
export async function nodesFail({ seed }: Run, size: NodesSize): Promise<Report> {
  const { users, perSecond } = size;
  const name = size.faults === "all" ? "killed, rolled, cut off" : "killed";
  const reporter = new Reporter(`11 nodes of three ${name}`, { seed, url: "" });
  await using cluster = await startCluster({ nodes: NODES });
  if (brokerChoice().version === "4.3") await cluster.rabbitmqctl(...RETURN_SOON);
  const [url = ""] = cluster.urls;
  await using world = await World.make({ url, bridgeUrls: cluster.urls, reports: "two" });
  await world.bridge.start();
  await world.bridge.healthy();
  const load = world.load({
    ...{ concurrency: IN_WORK, intervalMs: 1000 / perSecond },
    // Each request says for itself whether the bridge takes messages just then.
    ...{ maxTries: 1, timeoutMs: TURN_WAITS_MS },
  });
  const sending = load.send(wishesOf(seed, perSecond * MOST_SECONDS, users));
  const feed = new Feed(world, messagesOf(seed, perSecond * MOST_SECONDS, users), perSecond);
  const faults = new Faults(cluster, world, feed);
  try {
    await failAll(faults, size);
  } finally {
    load.enough();
    feed.enough();
    await Promise.all([sending, feed.done]);
  }
  await world.settled({ stallMs: 40_000, mostMs: 120_000 });
  reporter.add(await world.finish());
  const mayRepeat = { duplicated: faults.list.length * IN_WORK };
  reporter.flow("inbound", world.inboundHistory(), mayRepeat);
  const certain = new Set(load.puts.filter((put) => put.certain).map(({ id }) => id));
  reporter.flow("outbound", {
    ...world.outboundHistory(),
    // One that was answered 503 may get through, after the next one of its user.
    mayBeLate: (id) => !certain.has(id),
  }, mayRepeat);
  reporter.flow("statuses", world.statusHistory(), mayRepeat);
  reporter.add(world.idFaults({ mayRepeat: mayRepeat.duplicated }));
  reportAnswers(reporter, load, faults.list);
  return reporter.report();
}

async function failAll(
  faults: Faults,
  { downMs, frozenMs, faults: which }: NodesSize,
): Promise<void> {
  const [own = 1] = await faults.ownNodes();
  if (which === "own node killed") return await faults.kill(own, downMs);
  for (let node = 1; node <= NODES; node++) await faults.kill(node, downMs);
  for (let node = 1; node <= NODES; node++) await faults.roll(node);
  if (frozenMs === 0) return;
  await faults.freeze((await faults.ownNodes())[0] ?? 1, frozenMs);
  const own2 = await faults.ownNodes();
  const other = [1, 2, 3].find((node) => !own2.includes(node)) ?? 1;
  await faults.freeze(other, frozenMs);
}

/** A fault, and when it began. */
interface Fault {
  readonly name: string;
  readonly at: number;
}

/** Makes nodes fail, one at a time, each with the operator at another one. */
class Faults {
  readonly list: Fault[] = [];
  readonly #cluster: RabbitMqCluster;
  readonly #world: World;
  readonly #feed: Feed;

  constructor(cluster: RabbitMqCluster, world: World, feed: Feed) {
    this.#cluster = cluster;
    this.#world = world;
    this.#feed = feed;
  }

  /** The nodes that the bridge is connected to. */
  async ownNodes(): Promise<number[]> {
    const list = await this.#cluster.rabbitmqctl(
      "-q",
      "list_connections",
      "port",
      "client_properties",
    );
    const ours = list.split("\n").filter((line) => line.includes("turn-channels "));
    const ports = new Set(ours.map((line) => Number.parseInt(line)));
    const { urls } = this.#cluster;
    return [1, 2, 3].filter((node) => ports.has(Number(new URL(urls[node - 1] ?? "").port)));
  }

  async kill(node: number, downMs: number): Promise<void> {
    await this.#fail(`node ${node} killed`, node, async () => {
      await this.#cluster.kill(node);
      await pause(downMs);
    });
    await this.#mend(node, () => this.#cluster.startNode(node));
  }

  async roll(node: number): Promise<void> {
    await this.#fail(`node ${node} rolled`, node, () => this.#cluster.stopNode(node));
    await this.#mend(node, () => this.#cluster.startNode(node));
  }

  async freeze(node: number, ms: number): Promise<void> {
    await this.#fail(`node ${node} cut off`, node, async () => {
      await this.#cluster.freeze(node);
      await pause(ms);
    });
    await this.#mend(node, () => Promise.resolve(this.#cluster.thaw(node)));
  }

  async #fail(name: string, node: number, work: () => Promise<void>): Promise<void> {
    const { operator } = this.#world;
    await this.#feed.pause();
    await operator.leave();
    await operator.connect(this.#cluster.urls[node % NODES]);
    this.#feed.resume();
    await pause(CALM_MS);
    this.list.push({ name, at: Date.now() });
    await work();
  }

  async #mend(node: number, work: () => Promise<void>): Promise<void> {
    const at = Date.now();
    await work();
    this.list.push({ name: `node ${node} back`, at });
    await pause(CALM_MS);
  }
}

/** That requests are answered 200 again soon, and all are answered while Turn waits. */
function reportAnswers(reporter: Reporter, load: TurnLoad, faults: readonly Fault[]): void {
  const tries = load.outcomes.flatMap((outcome) => outcome.tries);
  const taken = tries.filter(({ status }) => status === 200).map(({ at, ms }) => at + ms);
  const times = taken.toSorted((one, other) => one - other);
  let longest = { ms: 0, from: 0 };
  for (const [place, time] of times.entries()) {
    const from = times[place - 1] ?? time;
    if (time - from > longest.ms) longest = { ms: time - from, from };
  }
  const cause = faults.findLast(({ at }) => at <= longest.from + longest.ms)?.name ?? "no fault";
  const seconds = `${(longest.ms / 1000).toFixed(1)} s (${cause})`;
  reporter.check(longest.ms < AGAIN_MS, `no request was answered 200 for ${seconds}`);
  const silent = tries.filter(({ status }) => status === 0).length;
  reporter.check(silent === 0, `${silent} requests had no answer within ${TURN_WAITS_MS / 1000} s`);
  const refused = tries.filter(({ status }) => status === 503).length;
  const others = tries.length - times.length - refused - silent;
  reporter.check(others === 0, `${others} requests were answered otherwise than 200 or 503`);
  reporter.figure("longest without a 200", seconds);
  reporter.figure("answered 503", `${refused} of ${tries.length}`);
}
