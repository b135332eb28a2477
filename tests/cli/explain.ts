/**
 * What `explain` prints, from source and compiled.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Program } from "../support/program.ts";

/** What it prints, in 80 columns at most and without markdown; the exit code is 0. */
export async function explained(program: Program, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await program.output(["explain", ...args]);
  assert.deepEqual([code, stderr], [0, ""]);
  for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
  assert.doesNotMatch(stdout, /\]\(|\*\*|`|\{\{/);
  return stdout;
}

/** All that it says of that alert. */
export const BROKER_AWAY = `\
BrokerAway: wakes somebody

Means: for a minute there was no connection to RabbitMQ, or it took no messages
(turn_channels_broker_blocked is 1: its memory or disk is full).

Look at the log's lines of broker, which have the reason, and at RabbitMQ: does
it run, what does rabbitmqctl alarms show, are user and password right?

Do: fix RabbitMQ.

  turn-channels check
`;
