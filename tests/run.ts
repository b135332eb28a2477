/**
 * Runs the tests with a RabbitMQ and a Redis, which it provides and stops, and with a Chromium, if
 * there is one or can be: `deno task test [--broker 4.3] [--queues quorum] [--only-broker] [arguments
 * of deno test]`. `--broker` is a newer RabbitMQ than the machine's, which comes from the command that
 * `TEST_RABBITMQ_TOOL` names; `--queues` the type of all queues; `--only-broker` leaves out tests to which
 * neither matters. At the end it names again what failed; its last line of output is `N passed, N
 * failed`, counted in the JUnit report.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { onAbort } from "../src/async/mod.ts";
import { type BrokerChoice, choiceEnv, takeBrokerChoice } from "./support/broker_choice.ts";
import { CHROMIUM_VARIABLE, provideChromium } from "./support/chromium_find.ts";
import { startRabbitMq } from "./support/rabbitmq.ts";
import { startRedis } from "./support/redis.ts";
import { testFiles } from "./support/test_files.ts";

/** The shares of a JUnit report. */
interface Outcome {
  readonly passed: number;
  /** Each failed test's name and file, and what it said. */
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
}

async function main(stop: AbortSignal): Promise<number> {
  const { choice, rest } = takeBrokerChoice(Deno.args);
  const onlyBroker = rest.includes("--only-broker");
  const given = rest.filter((arg) => arg !== "--only-broker");
  const isNamed = await someExist(given);
  const args = isNamed ? given : [...given, ...await testFiles({ onlyBroker, choice })];
  await using servers = new AsyncDisposableStack();
  const env: Record<string, string> = choiceEnv(choice);
  const chromium = await provideChromium();
  if (chromium !== undefined) env[CHROMIUM_VARIABLE] = chromium;
  if (!Deno.env.get("TEST_REDIS_URL") && !stop.aborted) {
    say("Starting Redis for the tests …");
    Object.assign(env, servers.use(await startRedis()).env);
  }
  if (!Deno.env.get("TEST_AMQP_URL") && !stop.aborted) {
    say(`Starting RabbitMQ for the tests${nameOf(choice)} …`);
    Object.assign(env, servers.use(await startRabbitMq(choice)).env);
  }
  return stop.aborted ? 130 : await runTests(args, env, stop);
}

/** Whether files or folders are named. */
async function someExist(args: readonly string[]): Promise<boolean> {
  const found = args.map((arg) => Deno.stat(arg).then(() => true, () => false));
  return (await Promise.all(found)).includes(true);
}

function nameOf({ version, queues }: BrokerChoice): string {
  return version === "own" ? ` (${queues} queues)` : ` (${version}, ${queues} queues)`;
}

async function runTests(
  args: readonly string[],
  env: Record<string, string>,
  stop: AbortSignal,
): Promise<number> {
  const report = await Deno.makeTempFile({ prefix: "turn-channels-tests-", suffix: ".xml" });
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "-A",
        "--parallel",
        `--preload=${fileURLToPath(import.meta.resolve("./support/suppressed_errors.ts"))}`,
        ...await sanitizers(),
        "--junit-path",
        report,
        ...args,
      ],
      env: { ...env, DENO_JOBS: jobs() },
    }).spawn();
    onAbort(stop, () => child.kill("SIGTERM"));
    const { code } = await child.status;
    const outcome = readReport(await Deno.readTextFile(report));
    return conclude(outcome, stop.aborted ? 130 : code);
  } finally {
    await Deno.remove(report);
  }
}

/** Files at once: two for each processor, as most of the time tests wait; or as it is asked for. */
function jobs(): string {
  return Deno.env.get("DENO_JOBS") || String(navigator.hardwareConcurrency * 2);
}

/** Deno 2.9 has to be asked for the leak sanitizers; 2.6 always has them, and does not know these. */
async function sanitizers(): Promise<string[]> {
  const help = await new Deno.Command(Deno.execPath(), { args: ["test", "--help"] }).output();
  const known = new TextDecoder().decode(help.stdout);
  return ["--sanitize-ops", "--sanitize-resources"].filter((flag) => known.includes(flag));
}

function readReport(xml: string): Outcome {
  let passed = 0;
  const failed: string[] = [];
  const skipped: string[] = [];
  for (const [element, attributes = ""] of xml.matchAll(TESTCASE)) {
    const name = attributeIn(attributes, "name");
    const failure = /<(?:failure|error)\b[^>]*>([^]*?)<\/(?:failure|error)>/.exec(element);
    if (failure) {
      failed.push(`${name} (${attributeIn(attributes, "classname")})\n${excerpt(failure[1])}`);
    } else if (/<skipped\b/.test(element)) skipped.push(name);
    else passed++;
  }
  return { passed, failed, skipped };
}

/** One test in the report: its attributes, and what became of it. */
const TESTCASE = /<testcase\b((?:[^>"]|"[^"]*")*?)(?:\/>|>[^]*?<\/testcase>)/g;

function attributeIn(attributes: string, name: string): string {
  return textOf(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
}

function textOf(xml: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return xml.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, entity) => entities[entity] ?? "");
}

/** Most lines of what a failed test said that are printed again. */
const MOST_LINES = 30;

/** With one line of each stack: there may be several errors, and what they say is more. */
function excerpt(xml = ""): string {
  const isCall = (line = ""): boolean => /^ *at /.test(line);
  return textOf(xml).split("\n").filter((line) => line.trim() !== "")
    .filter((line, place, lines) => !isCall(line) || !isCall(lines[place - 1]))
    .slice(0, MOST_LINES).map((line) => `  ${line.slice(0, 300)}`).join("\n");
}

/** Prints what came out and returns the exit code; nothing run is a failure too. */
function conclude({ passed, failed, skipped }: Outcome, code: number): number {
  for (const name of skipped) say(`ignored: ${name}`);
  for (const one of failed) say(`FAILED: ${one}`);
  if (passed + failed.length === 0) say("No test was run.");
  else if (code !== 0 && failed.length === 0) say(`deno test ended with exit code ${code}.`);
  const faults = failed.length || (code === 0 && passed > 0 ? 0 : 1);
  say(`${passed} passed, ${faults} failed${skipped.length ? `, ${skipped.length} skipped` : ""}`);
  return faults ? code || 1 : 0;
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  const stop = new AbortController();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, () => stop.abort());
  Deno.exit(await main(stop.signal));
}
