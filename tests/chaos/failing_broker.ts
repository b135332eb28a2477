/**
 * Scenarios 3 and 6: the broker's connections are killed, it is restarted, it is late, it is short of
 * memory.
 *
 * @module
 */

import type { RabbitMqServer } from "../support/rabbitmq.ts";
import { Feed } from "./feed.ts";
import { percentile, type Try } from "./load.ts";
import { messagesOf, pause, wishesOf } from "./people.ts";
import { type Report, Reporter, type Run } from "./report.ts";
import { World } from "./world.ts";

/** A run with a broker that may be stopped. */
export interface BrokerRun extends Run {
  /** The broker. */
  readonly server: RabbitMqServer;
}

/** How large scenario 3 is. */
export interface ConnectionsSize {
  /** Messages each way. */
  readonly each: number;
  /** Users. */
  readonly users: number;
  /** How often our connections are killed. */
  readonly kills: number;
  /** Time between two messages, each way. */
  readonly intervalMs: number;
}

/** Turn's time for an answer, so that there is always something in work. */
const TURN_TAKES_MS = 70;
/**
 * Longest for a 503: a lost connection is waited for, up to 4 s, and Turn hears within its 5 s. More, for
 * a slow machine: were there no limit, nothing would be heard in the 10 s that the load waits.
 */
const IN_TIME_MS = 8000;
/** Longest for the usual 503 while publishing is blocked: less than half of what a confirm is waited for. */
const AT_ONCE_MS = 2000;
/** Messages in work at once, in each queue: so many may come twice when a connection is lost. */
const IN_WORK = 20;

/** A connection that is killed sooner is taken for a failed attempt, and the next one waits longer. */
const STABLE_MS = 1100;

/** 3: the broker is late, kills our connections again and again, and is restarted. */
export async function killedConnections(run: BrokerRun, size: ConnectionsSize): Promise<Report> {
  const reporter = new Reporter(
    `3 broker late, restarted, connections killed ${size.kills} times`,
    run,
  );
  const { server } = run;
  await using world = await World.make({ url: run.url, reports: "two" });
  world.turn.latencyMs = TURN_TAKES_MS;
  await world.proxy.refuse();
  await world.bridge.start();
  const load = world.load({ concurrency: IN_WORK, intervalMs: size.intervalMs });
  const sending = load.send(wishesOf(run.seed, size.each, size.users));
  await pause(1000);
  await world.proxy.accept();
  await world.bridge.healthy();
  const feed = new Feed(world, messagesOf(run.seed, size.each, size.users), 1000 / size.intervalMs);
  const disturbances = size.kills + 1;
  for (let n = 1; n <= disturbances; n++) {
    await feed.delivered(n / (disturbances + 1));
    await world.bridge.healthy();
    await pause(STABLE_MS);
    if (n === disturbances) await restart(world, feed, server);
    else if (n % 2 === 0) world.proxy.cut();
    else await closeOurs(server);
  }
  await Promise.all([sending, feed.done]);
  await world.settled({ stallMs: 35_000, mostMs: 120_000 });
  reporter.add(await world.finish());
  reportDisturbed(reporter, world, disturbances);
  return reporter.report();
}

function reportDisturbed(reporter: Reporter, world: World, disturbances: number): void {
  const mayRepeat = disturbances * IN_WORK;
  const tries = world.outcomes.flatMap((outcome) => outcome.tries);
  reporter.flow("inbound", world.inboundHistory(), { duplicated: mayRepeat });
  // Whoever was told 503 sends again, though the message may have got through.
  const failed = tries.filter(({ status }) => status !== 200);
  reporter.flow("outbound", world.outboundHistory(), { duplicated: failed.length + mayRepeat });
  reporter.flow("statuses", world.statusHistory(), { duplicated: mayRepeat });
  reporter.add(world.idFaults({ mayRepeat }));
  reporter.add(refusalFaults(failed));
  const slowest = Math.round(percentile(failed.map(({ ms }) => ms), 0.99));
  reporter.check(slowest < IN_TIME_MS, `503s took ${slowest} ms (p99)`);
  reporter.figure("answered 503", `${failed.length}, within ${slowest} ms (p99)`);
}

/** With the operator out of the way, so that it does not lose anything itself. */
async function restart(world: World, feed: Feed, server: RabbitMqServer): Promise<void> {
  await feed.pause();
  await world.operator.leave();
  await server.stop();
  await server.start();
  await world.operator.connect();
  feed.resume();
}

/** The broker itself closes the connections that carry our names. */
export async function closeOurs(server: RabbitMqServer): Promise<void> {
  const closed = await server.rabbitmqctl(
    "eval",
    `length([rabbit_networking:close_connection(Pid, "chaos") ||
      [{pid, Pid}, {client_properties, Properties}] <-
        rabbit_networking:connection_info_all([pid, client_properties]),
      {<<"connection_name">>, longstr, <<"turn-channels ", _/binary>>} <- Properties]).`,
  );
  if (Number(closed) === 0) throw new Error("RabbitMQ knows no connection with our name");
}

/** What is wrong with requests that were not accepted. */
function refusalFaults(failed: readonly Try[]): string[] {
  const others = failed.filter(({ status }) => status !== 503);
  const silent = failed.filter(({ status, retryAfter }) => status === 503 && !retryAfter);
  const statuses = [...new Set(others.map(({ status }) => status || "none"))].join(", ");
  return [
    ...(others.length > 0 ? [`${others.length} tries not answered 200 or 503: ${statuses}`] : []),
    ...(silent.length > 0 ? [`${silent.length} times 503 without Retry-After`] : []),
  ];
}

/** How large scenario 6 is. */
export interface AlarmSize {
  /** Messages from users, which wait when the alarm begins. */
  readonly messages: number;
  /** Requests of Turn's. */
  readonly requests: number;
  /** Users. */
  readonly users: number;
  /** How long the alarm lasts. */
  readonly alarmMs: number;
}

/** How long Turn takes, so that messages from users go on while the alarm lasts. */
const TURN_MS = 100;
/** The alarm lasts until so much has come to Turn: it was not in work before. */
const LEAST_INBOUND = 3 * IN_WORK;
/** But no longer than this. */
const LONGEST_ALARM_MS = 60_000;

/** 6: the broker raises a memory alarm, and lifts it. */
export async function memoryAlarm(run: BrokerRun, size: AlarmSize): Promise<Report> {
  const reporter = new Reporter(`6 memory alarm for ${size.alarmMs / 1000} s`, run);
  const { server } = run;
  await using world = await World.make({
    url: run.url,
    config: { mo_message_url_timeout: 60 }, // Turn is held, however long the order takes.
  });
  world.turn.latencyMs = TURN_MS;
  // Till the alarm is there, so that there is something left to be delivered meanwhile.
  world.turn.hold();
  await world.bridge.start();
  await world.bridge.healthy();
  await world.operator.receive(messagesOf(run.seed, size.messages, size.users));
  await server.rabbitmqctl("set_vm_memory_high_watermark", "absolute", "1");
  const from = Date.now();
  const load = world.load({ concurrency: 10, intervalMs: size.alarmMs / size.requests });
  const sending = load.send(wishesOf(run.seed, size.requests, size.users));
  world.turn.release();
  await pause(size.alarmMs);
  const since = (): number => world.turn.calls.filter(({ at }) => at >= from).length;
  while (since() < LEAST_INBOUND && Date.now() < from + LONGEST_ALARM_MS) await pause(50);
  const until = Date.now();
  await server.rabbitmqctl("set_vm_memory_high_watermark", "0.8");
  await sending;
  world.turn.latencyMs = 0;
  await world.settled({ stallMs: 15_000, mostMs: 120_000 });
  reporter.add(await world.finish());
  reportAlarm(reporter, world, from, until);
  return reporter.report();
}

/** What the alarm between two points of time did. */
function reportAlarm(reporter: Reporter, world: World, from: number, until: number): void {
  const within = ({ at }: { at: number }): boolean => at >= from && at < until;
  const tries = world.outcomes.flatMap((outcome) => outcome.tries);
  const meanwhile = tries.filter(within);
  const failed = tries.filter(({ status }) => status !== 200);
  const times = meanwhile.map(({ ms }) => ms);
  const [usual, slowest] = [percentile(times, 0.5), percentile(times, 1)];
  const inbound = world.turn.calls.filter(within).length;
  reporter.flow("inbound", world.inboundHistory());
  reporter.flow("outbound", world.outboundHistory(), { duplicated: failed.length });
  reporter.add(world.idFaults());
  reporter.add(refusalFaults(failed));
  // One that began then may be confirmed when the alarm is over; that it is not waited for is below.
  const accepted =
    meanwhile.filter(({ status, at, ms }) => status === 200 && at + ms < until).length;
  reporter.check(meanwhile.length > 0, "nothing was asked for during the alarm");
  reporter.check(accepted === 0, `${accepted} requests were accepted during the alarm`);
  reporter.check(usual < AT_ONCE_MS, `half of the requests of then took ${Math.round(usual)} ms`);
  reporter.check(
    inbound >= LEAST_INBOUND,
    `${inbound} inbound during the alarm, at least ${LEAST_INBOUND} must be`,
  );
  reporter.figure(
    "requests during it",
    `${meanwhile.length}, slowest ${Math.round(slowest)} ms`,
  );
  reporter.figure("inbound during it", inbound);
}
