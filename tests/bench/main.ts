/**
 * `deno task bench`: how fast the bridge is, as a ratio to the least that a bridge on Deno can do
 * (floor.ts), measured in turns in one run. It starts what it needs: RabbitMQ, a fake Turn and a
 * maker of requests, each a process of its own.
 *
 * @module
 */

import { cpus } from "node:os";
import { startRabbitMq } from "../support/rabbitmq.ts";
import { startRedis } from "../support/redis.ts";
import { Cases, type Measured, SECRET, type Tools } from "./cases.ts";
import { watchChannels } from "./channels.ts";
import type { TurnAsked } from "./fake_turn.ts";
import { Fleet } from "./fleet.ts";
import { Helper } from "./helper.ts";
import type { LoadAsked } from "./load.ts";
import { watchMemory } from "./memory.ts";
import { type BenchOptions, HELP, readOptions } from "./options.ts";
import { Queues } from "./queues.ts";
import { formatResults, type Sample, summarize } from "./report.ts";
import type { Subject } from "./subject.ts";
import { watchTurns } from "./turns.ts";
import { findSubjects } from "./subjects.ts";

/** How long a process is left alone before its memory at rest is read, in milliseconds. */
const REST_MS = 500;

async function main(options: BenchOptions): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "turn-channels-bench-" });
  parts.defer(() => Deno.remove(folder, { recursive: true }));
  say("Starting RabbitMQ …");
  const server = parts.use(await startRabbitMq());
  if (options.channels !== undefined) {
    return await watchChannels(options.channels, server, folder, say);
  }
  if (options.turns !== undefined) return await watchTurns(options.turns, server, folder, say);
  const { url } = server;
  const turn = parts.use(new Helper<TurnAsked>("fake_turn.ts"));
  const load = parts.use(new Helper<LoadAsked>("load.ts"));
  const queues = parts.use(await Queues.connect(url));
  const redisUrl = options.subjects.includes("redis") ? parts.use(await startRedis()).url : "";
  const subjects = await findSubjects(options, { folder, redisUrl, say });
  const tools = { turn, load, queues, sizes: options.sizes };
  const turnPort = await turn.ask<number>({ kind: "port" });
  const bench = new Bench(options, tools, folder, {
    "amqp-url": url,
    "turn-api-url": `http://127.0.0.1:${turnPort}`,
    "auth-token": "token-of-the-benchmark",
    "turn-hmac-secret": SECRET,
    "default-from-addr": "8110",
    // The fake Turn keeps its answers back while a backlog is laid.
    "mo-message-url-timeout": "120",
    "event-url-timeout": "120",
  });
  if (options.rss) {
    return await watchMemory(subjects, tools, (subject) => bench.start(subject, 20), say);
  }
  const samples: Sample[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const concurrency of options.concurrency) {
      say(`Round ${round} of ${options.rounds}, worker_concurrency ${concurrency}`);
      samples.push(...await bench.round(subjects, concurrency));
    }
  }
  const results = summarize(samples);
  say(formatResults(results, subjects));
  if (subjects.some(({ processes }) => processes > 1)) {
    say(
      `Cores idle are of ${cpus().length}, which all subjects share with RabbitMQ, the fake Turn and ` +
        "the maker of requests: where few are left, more processes can't do more. The ratio of CPU µs " +
        "is what sharing costs each message where there are.",
    );
  }
  if (options.json === undefined) return;
  const machine = { cpus: cpus().map(({ model }) => model), deno: Deno.version, at: new Date() };
  await Deno.writeTextFile(options.json, JSON.stringify({ machine, options, results, samples }));
}

/** A case without a name is done, but not told. */
type NamedCase = readonly [name: string, measure: (cases: Cases) => Promise<Measured>];

/** Measures subjects in turns. */
class Bench {
  readonly #options: BenchOptions;
  readonly #tools: Tools;
  readonly #folder: string;
  readonly #flags: Readonly<Record<string, string>>;

  constructor(
    options: BenchOptions,
    tools: Tools,
    folder: string,
    flags: Readonly<Record<string, string>>,
  ) {
    this.#options = options;
    this.#tools = tools;
    this.#folder = folder;
    this.#flags = flags;
  }

  async start(subject: Subject, concurrency: number): Promise<Fleet> {
    const flags = { ...this.#flags, "worker-concurrency": String(concurrency) };
    const running = await Fleet.start(subject, flags, this.#folder);
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    return running;
  }

  /** All subjects are started, and then each case is measured of one after the other. */
  async round(subjects: readonly Subject[], concurrency: number): Promise<Sample[]> {
    await using parts = new AsyncDisposableStack();
    const samples: Sample[] = [];
    const all: { running: Fleet; cases: Cases; rest: number; beyondMs: number }[] = [];
    for (const subject of subjects) {
      const handshakeMs = await Queues.handshake(this.#flags["amqp-url"] ?? "");
      const running = parts.use(await this.start(subject, concurrency));
      parts.defer(() => this.#tools.queues.remove(running.connector));
      const { rss } = await running.usage();
      const beyondMs = running.startMs - handshakeMs;
      all.push({ running, cases: new Cases(this.#tools, running), rest: rss, beyondMs });
    }
    for (const [name, measure] of this.#cases(concurrency)) {
      for (const { running: { subject }, cases } of all) {
        const measured = await measure(cases);
        if (name !== "") samples.push(sample(subject, name, measured));
      }
    }
    for (const { running, rest, beyondMs } of all) {
      const { peak } = await running.usage();
      const measured = { startMs: running.startMs, beyondMs, rest, peak };
      samples.push(sample(running.subject, `process at ${concurrency}`, measured));
    }
    return samples;
  }

  /** What is measured at this concurrency. Requests do not depend on it, but events on requests. */
  #cases(concurrency: number): NamedCase[] {
    const { cases: wanted, concurrency: [first] } = this.#options;
    const outbound = (connections: number) => (cases: Cases) => cases.outbound(connections);
    const needsSent = wanted.includes("status") || wanted.includes("paced");
    const isFirst = concurrency === first;
    const connections = wanted.includes("outbound") && isFirst ? [1, 32, 200] : [];
    const list: NamedCase[] = connections.map((
      count,
    ) => [`outbound, ${count} connections`, outbound(count)]);
    if (connections.length === 0 && needsSent) list.push(["", outbound(32)], ["", outbound(32)]);
    if (wanted.includes("acked") && isFirst) {
      list.push(["outbound and acked, 32 connections", (cases) => cases.acked(32)]);
    }
    if (wanted.includes("inbound")) {
      list.push([`inbound at ${concurrency}`, (cases) => cases.backlogOfMessages()]);
    }
    if (wanted.includes("status")) {
      list.push([`status at ${concurrency}`, (cases) => cases.backlogOfEvents()]);
    }
    if (wanted.includes("paced") && isFirst) {
      list.push(["inbound, 250 a second", (cases) => cases.pacedMessages()]);
      list.push(["status, 250 a second", (cases) => cases.pacedEvents()]);
    }
    return list;
  }
}

function sample({ name }: Subject, ofCase: string, measured: Sample["measured"]): Sample {
  return { subject: name, case: ofCase, measured };
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

const options = readOptions(Deno.args);
if (options === undefined) say(HELP);
else await main(options);
