/**
 * Runs the soak test with a RabbitMQ and a Redis of its own, which it starts and stops:
 * `deno task soak [--minutes 60] [--seed N] [--within 15] [--broker 4.3] [--queues quorum]`. It prints a
 * line for each fault, then Markdown tables of faults and of messages, the seed, which repeats a run,
 * and last `N passed, N failed`: the faults after which all was back `--within` so many seconds, and the
 * counts of the end. With the variable `CHAOS_LOGS` the bridge's log goes to that folder.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { lineOf, tableOf } from "../chaos/report.ts";
import { seedOr } from "../chaos/seed.ts";
import { choiceEnv, takeBrokerChoice } from "../support/broker_choice.ts";
import { startRabbitMq } from "../support/rabbitmq.ts";
import { type Happened, soak } from "./soak.ts";
import { FLOWS } from "./watch.ts";

async function main(): Promise<number> {
  const { choice, rest } = takeBrokerChoice(Deno.args);
  for (const [name, value] of Object.entries(choiceEnv(choice))) Deno.env.set(name, value);
  const { values } = parseArgs({
    args: rest,
    options: { minutes: { type: "string" }, seed: { type: "string" }, within: { type: "string" } },
  });
  const [minutes, within] = [Number(values.minutes ?? 60), Number(values.within ?? 15)];
  if (!(minutes > 0 && within > 0)) throw new RangeError("--minutes and --within are above 0");
  const seed = seedOr(values.seed);
  say(`Seed ${seed}. Starting RabbitMQ (${choice.version}, ${choice.queues} queues) …`);
  await using server = await startRabbitMq();
  const all: Happened[] = [];
  const report = await soak({ seed, url: server.url, server }, minutes, within, (one) => {
    all.push(one);
    say(faultLine(one));
  });
  say(`${lineOf(report)}\n\n${faultTable(all)}\n\n${tableOf([report])}\n`);
  const failed = [...all.map(({ wrong }) => wrong), report.faults].filter(({ length }) =>
    length > 0
  );
  say(`--seed ${seed} repeats this run.`);
  say(`${all.length + 1 - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}

function faultLine({ fault, from, to, back, wrong }: Happened): string {
  const times = FLOWS.map((flow) => `${flow} ${back[flow].toFixed(1)} s`).join(", ");
  const time = new Date(from).toISOString().slice(11, 19);
  const lasted = ((to - from) / 1000).toFixed(1);
  const verdict = wrong.length === 0 ? "ok" : "FAILED";
  const line = `${verdict}: ${time} ${fault.name}, ${lasted} s; back after: ${times}`;
  return [line, ...wrong.map((what) => `  - ${what}`)].join("\n");
}

/** Each fault, and how long it took at most until all was back. */
function faultTable(all: readonly Happened[]): string {
  const rows = [...Map.groupBy(all, ({ fault }) => fault.name)].sort().map(([name, times]) => {
    const longest = FLOWS.map((flow) => Math.max(...times.map(({ back }) => back[flow])));
    return [name, times.length, ...longest.map((seconds) => `${seconds.toFixed(1)} s`)];
  });
  return [["fault", "times", ...FLOWS], ["---", "---", "---", "---", "---"], ...rows]
    .map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) Deno.exit(await main());
