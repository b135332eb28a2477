/**
 * Scenarios 4 and 5: we are killed, and told to stop.
 *
 * @module
 */

import { until } from "../support/until.ts";
import { Feed } from "./feed.ts";
import { messagesOf, pause, userOf, wishesOf } from "./people.ts";
import { type Report, Reporter, type Run } from "./report.ts";
import { World } from "./world.ts";

/** Messages in work at once, in each queue. */
const IN_WORK = 20;
/**
 * So many may come twice when we are killed: those in work, and those that Turn has, and of which the
 * record was being written while the next ones were in work already: on a slow disk as many again.
 */
const MAY_REPEAT = 2 * IN_WORK;

/** Turn's time for an answer, so that there is always something in work. */
const TURN_TAKES_MS = 70;

/** How large scenario 4 is. */
export interface KillsSize {
  /** Messages each way. */
  readonly each: number;
  /** Users. */
  readonly users: number;
  /** How often we are killed. */
  readonly kills: number;
  /** Time between two messages, each way. */
  readonly intervalMs: number;
}

/** 4: SIGKILL, again and again, with the cache in a file. */
export async function kills(run: Run, size: KillsSize): Promise<Report> {
  const reporter = new Reporter(`4 SIGKILL ${size.kills} times`, run);
  await using world = await World.make({ url: run.url, reports: "two" });
  await world.bridge.start();
  await world.bridge.healthy();
  world.turn.latencyMs = TURN_TAKES_MS;
  const load = world.load({ concurrency: IN_WORK, intervalMs: size.intervalMs });
  const sending = load.send(wishesOf(run.seed, size.each, size.users));
  const feed = new Feed(world, messagesOf(run.seed, size.each, size.users), 1000 / size.intervalMs);
  for (let kill = 1; kill <= size.kills; kill++) {
    await feed.delivered(kill / (size.kills + 1));
    await world.bridge.stop("SIGKILL");
    await world.bridge.start();
  }
  await Promise.all([sending, feed.done]);
  await world.settled({ stallMs: 35_000, mostMs: 120_000 });
  reporter.add(await world.finish());
  const mayRepeat = size.kills * MAY_REPEAT;
  const failed = load.outcomes.flatMap(({ tries }) => tries).filter(({ status }) => status !== 200);
  reporter.flow("inbound", world.inboundHistory(), { duplicated: mayRepeat });
  reporter.flow("outbound", world.outboundHistory(), { duplicated: failed.length + mayRepeat });
  reporter.flow("statuses", world.statusHistory(), { duplicated: mayRepeat });
  reporter.add(world.idFaults({ mayRepeat }));
  const refused = failed.filter(({ status }) => status !== 0 && status !== 503);
  reporter.check(
    refused.length === 0,
    `${refused.length} requests were answered otherwise than 503`,
  );
  reporter.figure("requests without an answer", failed.length);
  return reporter.report();
}

/** How large scenario 5 is. */
export interface StopSize {
  /** Calls to Turn, and requests of Turn's, that are under way: at most so many are in work. */
  readonly inFlight: number;
  /** Messages that wait meanwhile. */
  readonly waiting: number;
}

/** 5: SIGTERM while much is under way each way; then a new start for what waits. */
export async function stopInFlight(run: Run, size: StopSize): Promise<Report> {
  const { inFlight, waiting } = size;
  const reporter = new Reporter(`5 SIGTERM with ${inFlight} in flight each way`, run);
  await using world = await World.make({ url: run.url, config: { worker_concurrency: inFlight } });
  world.turn.hold();
  await world.bridge.start();
  await world.bridge.healthy();
  await world.operator.receive(spread(messagesOf(run.seed, inFlight + waiting, 1), inFlight));
  await until("the calls to Turn", () => world.turn.calls.length >= inFlight);
  reporter.check(world.turn.calls.length === inFlight, `${world.turn.calls.length} in flight`);
  // Nothing is confirmed till the proxy lets it through.
  world.proxy.stall();
  const load = world.load({ concurrency: inFlight });
  const sending = load.send(spread(wishesOf(run.seed, inFlight, 1), inFlight));
  await until("the requests", async () => await world.bridge.requests() === inFlight);
  const ended = world.bridge.stop("SIGTERM");
  await pause(200);
  const early = load.outcomes.filter(({ id }) => id !== undefined).length;
  reporter.check(early === 0, `${early} requests were not in flight any more`);
  world.turn.release();
  world.proxy.resume();
  const code = await ended;
  reporter.check(code === 0, `SIGTERM ended it with exit code ${code}`);
  await sending;
  const again = load.outcomes.filter(({ tries }) => tries.length !== 1).length;
  reporter.check(again === 0, `${again} requests were not answered at their first try`);
  const finished = world.turn.calls.filter(({ endedAt }) => endedAt !== Infinity).length;
  reporter.figure("calls to Turn finished at the end", finished);
  await world.bridge.start();
  await world.settled({ stallMs: 15_000, mostMs: 60_000 });
  reporter.add(await world.finish());
  reporter.flow("inbound", world.inboundHistory());
  reporter.flow("outbound", world.outboundHistory());
  reporter.add(world.idFaults());
  return reporter.report();
}

/** Gives each to the next of so many users, so that none of the first waits for another. */
function spread<T>(items: readonly T[], users: number): (T & { user: string })[] {
  return items.map((item, place) => ({ ...item, user: userOf(place % users) }));
}
