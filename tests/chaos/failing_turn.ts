/**
 * Scenarios 1 and 2: Turn fails some calls, or all for a while.
 *
 * @module
 */

import { Feed } from "./feed.ts";
import { type Overtaking, overtaking } from "./overtaking.ts";
import { messagesOf, pause, percent } from "./people.ts";
import { randomOf, weighted } from "./random.ts";
import { type Report, Reporter, type Run } from "./report.ts";
import { failure, type Plan, tooMany, type TurnCall } from "./turn.ts";
import { World } from "./world.ts";

/** How large scenario 1 is. */
export interface FailingCallsSize {
  /** Messages from users. */
  readonly messages: number;
  /** Users. */
  readonly users: number;
  /** Messages put on the queue in a second. */
  readonly perSecond: number;
}

/** Delays that a test can wait for. The first is all that the order depends on. */
const SCHEDULE_S = [0.5, 1, 2];
const SLACK_MS = 250;

/** Below 70 % of failures, at which the bridge takes Turn for being down. */
const MIX = { ok: 61, failed: 20, refused: 3, limited: 0.4, reset: 7, torn: 7, hang: 1.5 };

/** 1: Turn answers from a mix of 200, 500, 429 with Retry-After, 400, resets and hangs. */
export async function failingCalls(run: Run, size: FailingCallsSize): Promise<Report> {
  const reporter = new Reporter("1 Turn fails a third of all calls", run);
  await using world = await World.make({
    url: run.url,
    config: {
      retry_schedule: SCHEDULE_S,
      retry_for: 600,
      mo_message_url_timeout: 1,
    },
  });
  world.turn.plan = mixOf(run.seed);
  await world.bridge.start();
  await world.bridge.healthy();
  const messages = messagesOf(run.seed, size.messages, size.users);
  await new Feed(world, messages, size.perSecond).done;
  await world.settled({ stallMs: 15_000, mostMs: 120_000 });
  const order = overtaking({
    places: world.operator.inbound,
    calls: world.turn.calls.map(toCall),
    quickAttempts: 3, // max_retries 2
    firstDelayMs: (SCHEDULE_S[0] ?? 0) * 1000,
    slackMs: SLACK_MS,
  });
  reporter.add(await world.finish());
  reportFailing(reporter, world, order);
  return reporter.report();
}

function reportFailing(reporter: Reporter, world: World, order: Overtaking): void {
  const history = { ...world.inboundHistory(), mayBeLate: (id: string) => order.delayed.has(id) };
  reporter.flow("inbound", history, { parked: Infinity });
  const refused = world.turn.answered(400);
  const { parked } = world.operator;
  const unjustly = parked.inbound.filter(({ id, status }) => status !== 400 || !refused.has(id));
  reporter.check(unjustly.length === 0, `${unjustly.length} parked without a 400 of Turn's`);
  reporter.check(order.delayed.size > 0, "no message failed often enough to be delayed");
  const soon = order.tooSoon.length;
  reporter.check(soon === 0, `${soon} did not wait while one before them was in its first delay`);
  const { calls } = world.turn;
  const failed = calls.filter(({ status }) => status !== 200).length;
  reporter.figure("calls failed", `${percent(failed, calls.length)} of ${calls.length}`);
  reporter.figure("answered 429", percent(world.turn.answered(429).size, calls.length));
  reporter.figure("delayed, or perhaps", order.delayed.size);
}

/** What becomes of a call: the same for the same seed, message and number of the attempt. */
function mixOf(seed: number): Plan {
  return ({ id, earlier }) => {
    const chosen = weighted(randomOf(seed, `${id}/${earlier}`), MIX) ?? "ok";
    switch (chosen) {
      case "ok":
        return { status: 200 };
      case "failed":
        return failure(500);
      case "refused":
        return failure(400);
      case "limited":
        return tooMany();
      default:
        return chosen;
    }
  };
}

function toCall({ id, at, endedAt, status, none }: TurnCall) {
  // Deno's fetch makes a call again by itself if a connection in use was closed without an answer.
  return {
    id,
    at,
    endedAt,
    settled: [200, 400].includes(status),
    mayRepeat: none === "reset" || status === 429,
  };
}

/** How large scenario 2 is. */
export interface TurnDownSize {
  /** Messages from users. */
  readonly messages: number;
  /** Users. */
  readonly users: number;
  /** How long Turn is down. */
  readonly downMs: number;
}

/**
 * The program's own: with pauses of none, one message may spend all its attempts among the five failed
 * calls after which Turn is taken for down, and nothing would be wrong with that.
 */
const QUICK_RETRIES = { max_retries: 3, retry_delay_base: 2, retry_delay_exponent: 2 };

/** 2: Turn is down for a while: it refuses connections, or answers 503 to all. */
export async function turnDown(
  run: Run,
  size: TurnDownSize,
  how: "refuses connections" | "answers 503",
): Promise<Report> {
  const reporter = new Reporter(`2 Turn ${how} for ${size.downMs / 1000} s`, run);
  await using world = await World.make({ url: run.url, config: QUICK_RETRIES });
  await world.bridge.start();
  await world.bridge.healthy();
  const watch = new Watch(world);
  await world.operator.receive(messagesOf(run.seed, size.messages, size.users));
  while (world.turn.calls.length < size.messages / 2) await pause(5);
  if (how === "answers 503") world.turn.plan = () => failure(503);
  else await world.turn.leave();
  const failedBefore = world.turn.calls.length;
  await pause(size.downMs);
  const during = world.turn.calls.length - failedBefore;
  if (how === "answers 503") world.turn.plan = () => ({ status: 200 });
  else world.turn.comeBack();
  const back = performance.now();
  // Its probes are seconds apart by then.
  await world.settled({ stallMs: 70_000, mostMs: 120_000 });
  const caughtUp = (performance.now() - back) / 1000;
  await watch.end();
  reporter.add(await world.finish());
  // Calls that were under way when connections ended may have been taken, and are made again.
  reporter.flow("inbound", world.inboundHistory(), { duplicated: 20 });
  reporter.check(watch.delayed === 0, `${watch.delayed} messages were delayed`);
  const states = [...watch.breakerStates].join(", ") || "none";
  reporter.check(
    watch.breakerStates.has("open"),
    `the breaker's states in /health were: ${states}`,
  );
  if (how === "answers 503") reporter.figure("calls while down", during);
  reporter.figure("all caught up after", `${caughtUp.toFixed(1)} s`);
  return reporter.report();
}

/** Looks at delay queues and at the breaker all the while. */
class Watch {
  /** How many messages were sent into delay queues. */
  delayed = 0;
  /** States of the breaker that /health told of. */
  readonly breakerStates = new Set<string>();
  readonly #world: World;
  readonly #looking: Promise<void>;
  #ended = false;

  constructor(world: World) {
    this.#world = world;
    this.#looking = this.#look();
  }

  /** Looks no more. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (!this.#ended) {
      this.delayed = await this.#world.bridge.count("delayed");
      const { breaker } = (await this.#world.bridge.health()).components["turn"] ?? {};
      if (breaker !== undefined) this.breakerStates.add(breaker);
      await pause(200);
    }
  }
}
