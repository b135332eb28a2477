/**
 * The benchmark's command line.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { Sizes } from "./cases.ts";

/** Which cases there are. */
export const CASES = ["outbound", "acked", "inbound", "status", "paced"] as const;

/** What is to be measured. */
export interface BenchOptions {
  /** How often each case is measured. */
  readonly rounds: number;
  /** How much each time. */
  readonly sizes: Sizes;
  /** `floor`, and the caches of the bridge. */
  readonly subjects: readonly string[];
  /** `source`, `compiled`. */
  readonly forms: readonly string[];
  /** Of {@linkcode CASES}. */
  readonly cases: readonly string[];
  /** Values of worker_concurrency. */
  readonly concurrency: readonly number[];
  /** Over how many processes of a subject its work is spread. */
  readonly processes: readonly number[];
  /** Where the results go as JSON, if anywhere. */
  readonly json: string | undefined;
  /** Whether memory over many messages is watched instead. */
  readonly rss: boolean;
  /** So many channels in one process are watched instead, if given. */
  readonly channels: number | undefined;
  /** So many users of USSD at once are watched instead, if given. */
  readonly turns: number | undefined;
}

/** What `--help` says. */
export const HELP = `deno task bench [options]

Measures the bridge against the floor (tests/bench/floor.ts), and prints the medians.

  --quick               a smoke run: one small round, from source
  --rss                 memory over 100,000 and then 400,000 messages instead
  --channels N          so many channels in one process instead: start, and cost at rest
  --turns N             so many users of USSD at once instead: how late their screens are
  --rounds N            default 3
  --messages N          of a backlog, and requests at 32 and 200 connections; default 20000
  --subjects a,b        of floor,memory,deno_kv,redis; default all that there are
  --forms a,b           of source,compiled; default both, compiled if it can be
  --cases a,b           of ${CASES.join(",")}; default all
  --concurrency a,b     worker_concurrency; default 20,100
  --processes a,b       so many processes on one connector, compared with one; default 1
  --json FILE           writes all samples and the medians to FILE
`;

/** Reads the arguments; undefined if help was asked for. */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: flag,
      rss: flag,
      channels: text,
      turns: text,
      help: flag,
      rounds: text,
      messages: text,
      subjects: text,
      forms: text,
      cases: text,
      concurrency: text,
      processes: text,
      json: text,
    },
  });
  if (values.help) return undefined;
  const { quick } = values;
  const messages = Number(values.messages ?? (quick ? 500 : 20_000));
  return {
    rounds: Number(values.rounds ?? (quick ? 1 : 3)),
    sizes: {
      messages,
      single: Math.min(messages, 3_000),
      paced: Math.min(messages, quick ? 50 : 500),
      users: 1_000,
    },
    subjects: list(values.subjects ?? "floor,memory,deno_kv,redis"),
    forms: list(values.forms ?? (quick ? "source" : "source,compiled")),
    cases: list(values.cases ?? CASES.join()),
    concurrency: list(values.concurrency ?? (quick ? "20" : "20,100")).map(Number),
    processes: list(values.processes ?? "1").map(Number),
    json: values.json,
    rss: values.rss,
    channels: values.channels === undefined ? undefined : Number(values.channels),
    turns: values.turns === undefined ? undefined : Number(values.turns),
  };
}

function list(text: string): string[] {
  return text.split(",").map((part) => part.trim());
}
