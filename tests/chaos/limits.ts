/**
 * Scenarios 7 and 8: Turn limits how much it takes, and Turn is slow.
 *
 * @module
 */

import { until } from "../support/until.ts";
import { percentile } from "./load.ts";
import { messagesOf, percent, wishesOf } from "./people.ts";
import { type Report, Reporter, type Run } from "./report.ts";
import type { Limit } from "./turn.ts";
import { World } from "./world.ts";

/** How large scenario 7 is. */
export interface LimitSize {
  /** Messages from users. */
  readonly messages: number;
  /** Messages to users; each has two statuses. */
  readonly requests: number;
  /** Users. */
  readonly users: number;
  /** What Turn takes. */
  readonly limit: Limit;
  /** Most calls that may be answered 429, as a share of all. */
  readonly mostLimited: number;
}

/** While messages from users wait, no more of the calls than this may be statuses. */
const MOST_STATUSES_BEFORE = 0.4;

/** Calls, messages and statuses, that may be under way before Turn has told its limit in an answer. */
const FIRST_CALLS = 2 * 20;

/** 7: Turn takes so many calls in so long. */
export async function limited(run: Run, size: LimitSize): Promise<Report> {
  const { calls, windowMs } = size.limit;
  const reporter = new Reporter(`7 Turn takes ${calls} calls in ${windowMs / 1000} s`, run);
  await using world = await World.make({ url: run.url, reports: "two and a late one" });
  world.turn.limit = size.limit;
  await world.bridge.start();
  await world.bridge.healthy();
  await world.operator.receive(messagesOf(run.seed, size.messages, size.users));
  const load = world.load({ concurrency: 10 });
  await load.send(wishesOf(run.seed, size.requests, size.users));
  const all = size.messages + 2 * size.requests;
  const leastMs = all / calls * windowMs;
  await world.settled({ stallMs: 15_000, mostMs: 3 * leastMs + 20_000 });
  reporter.add(await world.finish());
  reporter.flow("inbound", world.inboundHistory());
  reporter.flow("outbound", world.outboundHistory());
  reporter.flow("statuses", world.statusHistory());
  const over = world.turn.calls.filter(({ status }) => status === 429).length;
  const share = over / world.turn.calls.length;
  const unforeseen = Math.max(0, FIRST_CALLS - calls);
  const most = size.mostLimited * world.turn.calls.length + unforeseen;
  reporter.check(over <= most, `${percent(share, 1)} of calls were answered 429`);
  const taken = world.turn.calls.filter(({ status }) => status === 200);
  const messages = taken.findLastIndex(({ flow }) => flow === "inbound") + 1;
  const before = taken.slice(0, messages).filter(({ flow }) => flow === "status").length / messages;
  reporter.check(
    before <= MOST_STATUSES_BEFORE,
    `${percent(before, 1)} of calls were statuses while messages waited`,
  );
  reporter.figure("answered 429", `${percent(share, 1)} of ${world.turn.calls.length} calls`);
  reporter.figure("statuses while messages waited", percent(before, 1));
  return reporter.report();
}

/** How large scenario 8 is. */
export interface SlowSize {
  /** Messages from users. */
  readonly messages: number;
  /** Messages to users. */
  readonly requests: number;
  /** Users. */
  readonly users: number;
  /** How long Turn takes for each answer. */
  readonly turnMs: number;
  /** Least time between two requests. */
  readonly intervalMs: number;
}

/** Requests may take so many times as long as with a quick Turn: all share the processor. */
const MOST_TIMES = 5;

/**
 * 8: Turn takes long for each answer, which must not matter to what it asks for. How long that takes is
 * compared with what it takes before, so that a slow machine is no fault; and the answers that are
 * under way come only when all requests have theirs.
 */
export async function slowTurn(run: Run, size: SlowSize): Promise<Report> {
  const reporter = new Reporter(`8 Turn takes ${size.turnMs / 1000} s an answer`, run);
  await using world = await World.make({
    url: run.url,
    config: { mo_message_url_timeout: 600 }, // Turn is held, however long the requests take.
  });
  await world.bridge.start();
  await world.bridge.healthy();
  const wishes = wishesOf(run.seed, size.requests, size.users);
  const options = { concurrency: 50, intervalMs: size.intervalMs };
  const before = world.load(options);
  await before.send(wishes.map((wish) => ({ ...wish, content: `${wish.content}, before` })));
  world.turn.latencyMs = size.turnMs;
  world.turn.hold();
  await world.operator.receive(messagesOf(run.seed, size.messages, size.users));
  // Fewer than are in hand, as some may be of the same user.
  await until("calls to Turn", () => world.turn.calls.length >= 10);
  // One try: more would be in vain, and Turn be held for ever.
  const load = world.load({ ...options, maxTries: 1 });
  await load.send(wishes);
  world.turn.release();
  const vain = load.outcomes.filter(({ id }) => id === undefined).length;
  reporter.check(vain === 0, `${vain} requests were not taken while Turn answered nobody`);
  await world.settled({ stallMs: 15_000, mostMs: 120_000 });
  reporter.add(await world.finish());
  reporter.flow("inbound", world.inboundHistory());
  reporter.flow("outbound", world.outboundHistory());
  reporter.add(world.idFaults());
  const [quick, slow] = [before, load].map(({ outcomes }) => {
    return percentile(outcomes.flatMap(({ tries }) => tries.map(({ ms }) => ms)), 0.5);
  });
  const most = Math.max(size.turnMs / 2, MOST_TIMES * (quick ?? 0));
  const words = `outbound p50 was ${slow?.toFixed()} ms, and ${quick?.toFixed()} ms before`;
  reporter.check((slow ?? Infinity) < most, `${words}: less than ${most.toFixed()} may be`);
  const times = load.outcomes.flatMap(({ tries }) => tries.map(({ ms }) => ms));
  reporter.figure("outbound p50", `${percentile(times, 0.5).toFixed(1)} ms`);
  reporter.figure("outbound p99", `${Math.round(percentile(times, 0.99))} ms`);
  return reporter.report();
}
