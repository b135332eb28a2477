/**
 * The scenarios and their sizes: long for `deno task chaos`, short for `deno task test`.
 *
 * @module
 */

import { beyondLimit } from "./beyond_limit.ts";
import { noCluster, nodesFail } from "./cluster_nodes.ts";
import { type BrokerRun, killedConnections, memoryAlarm } from "./failing_broker.ts";
import { failingCalls, turnDown } from "./failing_turn.ts";
import { kills, stopInFlight } from "./failing_us.ts";
import { limited, slowTurn } from "./limits.ts";
import { malformed } from "./malformed.ts";
import { poisonInOne } from "./poison.ts";
import type { Report, Run } from "./report.ts";

/** A scenario with its sizes. */
export interface Scenario {
  /** Its number in lists. */
  readonly number: number;
  /** What happens, for the name of a test. */
  readonly name: string;
  /** Why it can't be run here, or on this broker, if so. */
  readonly whyNot?: () => string | undefined;
  /** Runs the long form, or `scale` (more than 0, up to 1) of it. */
  readonly long: (run: BrokerRun, scale: number) => Promise<Report[]>;
  /** Runs the short form. */
  readonly short: Short;
}

/** A short form, on a broker that it may stop if it needs to. */
export type Short =
  | { readonly needsServer: false; readonly run: (run: Run) => Promise<Report[]> }
  | { readonly needsServer: true; readonly run: (run: BrokerRun) => Promise<Report[]> };

/** The one about quorum queues' delivery limit. */
export const LIMIT_SCENARIO = 10;

const LIMIT = { calls: 30, windowMs: 3000 };

/** All. */
export const SCENARIOS: readonly Scenario[] = [
  {
    number: 1,
    name: "Turn fails a third of all calls, in every way",
    long: one((run, scale) =>
      failingCalls(run, { messages: of(5000, scale), users: of(200, scale), perSecond: 250 })
    ),
    short: onAny(one((run) => failingCalls(run, { messages: 150, users: 15, perSecond: 100 }))),
  },
  {
    number: 2,
    name: "Turn is down for a while",
    long: (run, scale) => {
      const size = { messages: of(2000, scale), users: 100, downMs: of(20_000, scale) };
      return Promise.all([
        turnDown(run, size, "refuses connections"),
        turnDown(run, size, "answers 503"),
      ]);
    },
    short: onAny((run) => {
      const size = { messages: 200, users: 20, downMs: 3000 };
      return Promise.all([
        turnDown(run, size, "refuses connections"),
        turnDown(run, size, "answers 503"),
      ]);
    }),
  },
  {
    number: 3,
    name: "the broker is late, kills our connections, and is restarted",
    long: one((run, scale) =>
      killedConnections(run, { each: of(5000, scale), users: 200, kills: 10, intervalMs: 5 })
    ),
    short: onOwn(
      one((run) => killedConnections(run, { each: 100, users: 20, kills: 2, intervalMs: 30 })),
    ),
  },
  {
    number: 4,
    name: "we are killed",
    long: one((run, scale) =>
      kills(run, { each: of(3000, scale), users: 200, kills: 5, intervalMs: 5 })
    ),
    short: onAny(one((run) => kills(run, { each: 100, users: 20, kills: 2, intervalMs: 20 }))),
  },
  {
    number: 5,
    name: "we are told to stop while much is in flight",
    long: one((run) => stopInFlight(run, { inFlight: 20, waiting: 200 })),
    short: onAny(one((run) => stopInFlight(run, { inFlight: 20, waiting: 40 }))),
  },
  {
    number: 6,
    name: "the broker raises a memory alarm",
    long: one((run, scale) =>
      memoryAlarm(run, {
        messages: of(3000, scale),
        requests: of(300, scale),
        users: 100,
        alarmMs: of(10_000, scale),
      })
    ),
    short: onOwn(
      one((run) => memoryAlarm(run, { messages: 800, requests: 40, users: 50, alarmMs: 2000 })),
    ),
  },
  {
    number: 7,
    name: "Turn limits the calls",
    long: one((run, scale) =>
      limited(run, {
        ...{ messages: of(200, scale), requests: of(100, scale), users: 50 },
        ...{ limit: LIMIT, mostLimited: 0.1 },
      })
    ),
    short: onAny(
      one((run) =>
        limited(run, { messages: 40, requests: 10, users: 10, limit: LIMIT, mostLimited: 0.1 })
      ),
    ),
  },
  {
    number: 8,
    name: "Turn is slow",
    long: one((run, scale) =>
      slowTurn(run, {
        ...{ messages: of(200, scale), requests: of(600, scale), users: 100 },
        ...{ turnMs: 2000, intervalMs: 20 },
      })
    ),
    short: onAny(one((run) =>
      slowTurn(run, {
        ...{ messages: 40, requests: 40, users: 500 },
        ...{ turnMs: 2000, intervalMs: 20 },
      })
    )),
  },
  {
    number: 9,
    name: "what comes in is malformed",
    long: one((run, scale) => malformed(run, { each: of(2000, scale) })),
    short: onAny(one((run) => malformed(run, { each: 200 }))),
  },
  {
    number: LIMIT_SCENARIO,
    name: "Turn is down beyond the delivery limit",
    long: (run, scale) => {
      const size = { messages: of(300, scale), requests: of(100, scale), users: 50, losses: 28 };
      return Promise.all([
        beyondLimit(run, size, "refuses connections"),
        beyondLimit(run, size, "answers 503"),
        beyondLimit(run, { ...size, messages: of(30, scale), limit: 5 }, "refuses connections"),
      ]);
    },
    short: onOwn(one((run) =>
      beyondLimit(
        run,
        { messages: 30, requests: 10, users: 10, losses: 7, limit: 5 },
        "refuses connections",
      )
    )),
  },
  {
    number: 11,
    name: "nodes of a cluster die, are rolled and cut off",
    whyNot: noCluster,
    long: one((run, scale) =>
      nodesFail(run, {
        ...{ users: 100, perSecond: 15, downMs: of(5000, scale) },
        ...{ frozenMs: of(25_000, scale), faults: "all" },
      })
    ),
    short: onAny(one((run) =>
      nodesFail(run, {
        ...{ users: 50, perSecond: 10, downMs: 5000 },
        ...{ frozenMs: 0, faults: "own node killed" },
      })
    )),
  },
  {
    number: 12,
    name: "poison comes into one channel of three",
    long: one((run, scale) =>
      poisonInOne(run, { each: of(1500, scale), users: 100, perSecond: 50, times: 5 })
    ),
    short: onAny(one((run) => poisonInOne(run, { each: 100, users: 20, perSecond: 20, times: 1 }))),
  },
];

function of(size: number, scale: number): number {
  return Math.ceil(size * scale);
}

function one<A extends unknown[]>(
  run: (...args: A) => Promise<Report>,
): (...args: A) => Promise<Report[]> {
  return async (...args) => [await run(...args)];
}

function onAny(run: (run: Run) => Promise<Report[]>): Short {
  return { needsServer: false, run };
}

function onOwn(run: (run: BrokerRun) => Promise<Report[]>): Short {
  return { needsServer: true, run };
}
