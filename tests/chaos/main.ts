/**
 * Runs the long forms of the chaos tests with a RabbitMQ of its own, which it starts and stops:
 * `deno task chaos [--broker 4.3] [--queues quorum] [--only 1,4] [--seed N] [--scale 0.2]`. It prints
 * a line for each scenario, then all figures as a Markdown table, and last `N passed, N failed`. The
 * seed comes first, and repeats a run; `--scale` makes it smaller; `--broker` and `--queues` are as for
 * `deno task test`. With the variable `CHAOS_LOGS` the bridges' logs go to that folder.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { choiceEnv, takeBrokerChoice } from "../support/broker_choice.ts";
import { startRabbitMq } from "../support/rabbitmq.ts";
import { lineOf, type Report, tableOf } from "./report.ts";
import type { BrokerRun } from "./failing_broker.ts";
import { type Scenario, SCENARIOS } from "./scenarios.ts";
import { seedOr } from "./seed.ts";

async function main(): Promise<number> {
  const { choice, rest } = takeBrokerChoice(Deno.args);
  for (const [name, value] of Object.entries(choiceEnv(choice))) Deno.env.set(name, value);
  const { values } = parseArgs({
    args: rest,
    options: { only: { type: "string" }, seed: { type: "string" }, scale: { type: "string" } },
  });
  const scale = Number(values.scale ?? 1);
  if (!(scale > 0 && scale <= 1)) throw new RangeError("--scale must be above 0, up to 1");
  const only = values.only?.split(",").map(Number);
  const asked = SCENARIOS.filter(({ number }) => only?.includes(number) ?? true);
  const chosen = asked.filter(({ whyNot = () => undefined }) => whyNot() === undefined);
  const seed = seedOr(values.seed);
  const { version, queues } = choice;
  say(`Seed ${seed}: --seed ${seed} repeats this run.`);
  say(`Starting RabbitMQ (${version === "own" ? "" : `${version}, `}${queues} queues) …`);
  await using server = await startRabbitMq();
  for (const { number, name, whyNot } of asked) {
    const why = whyNot?.();
    if (why !== undefined) say(`skipped: ${number} ${name}: ${why}`);
  }
  const reports: Report[] = [];
  let passed = 0;
  for (const scenario of chosen) {
    const came = await outcomeOf(scenario, { seed, url: server.url, server }, scale);
    for (const report of came) say(lineOf(report));
    reports.push(...came);
    if (came.length > 0 && came.every(({ faults }) => faults.length === 0)) passed++;
  }
  const failed = chosen.length - passed;
  say(`\n${tableOf(reports)}\n`);
  if (chosen.length === 0) say("No scenario was run.");
  say(`${passed} passed, ${chosen.length === 0 ? 1 : failed} failed`);
  return passed > 0 && failed === 0 ? 0 : 1;
}

/** What went wrong with the harness itself fails the scenario, and no other. */
async function outcomeOf(scenario: Scenario, run: BrokerRun, scale: number): Promise<Report[]> {
  try {
    return await scenario.long(run, scale);
  } catch (error) {
    say(`FAILED: ${scenario.number} ${scenario.name}: it broke off`);
    say(`  ${error instanceof Error ? error.stack ?? error.message : error}`);
    return [];
  }
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) Deno.exit(await main());
