/**
 * Everything at once: load both ways while one fault after the other comes and goes, by chance; and in
 * the end all messages are counted, and it is looked at whether the process holds more than it did.
 *
 * @module
 */

import type { BrokerRun } from "../chaos/failing_broker.ts";
import { pause } from "../chaos/people.ts";
import { below } from "../chaos/random.ts";
import { type Report, Reporter } from "../chaos/report.ts";
import { inWords } from "./descriptors.ts";
import { type Fault, FAULTS } from "./faults.ts";
import { setStage, type Stage } from "./stage.ts";
import { backAfter, FLOWS, lastThrough, leastMiB, mayBeLate } from "./watch.ts";
import type { Outage, PerFlow } from "./watch.ts";

/** A fault that is over. */
export interface Happened extends Outage {
  readonly fault: Fault;
  /** Seconds until the next message came through, each way. */
  readonly back: PerFlow;
  /** What is wrong, if anything. */
  readonly wrong: readonly string[];
}

const EVERY_MS = 20_000;
/** How long a fault lasts; one that nobody may notice has to be sure to have had its effect. */
const [LEAST_MS, MOST_MS, UNNOTICED_MS] = [3000, 8000, 14_000];
/** Messages in work at once, in each queue, and some of which the record was being written. */
const MAY_REPEAT = 30;
/**
 * MiB that the process may hold in the end, more than before the faults. Usual is 10 to 50: V8 keeps
 * some of what it once needed. A compiled bridge has its garbage too, as it heeds no flags.
 */
const MORE_MIB = Deno.env.has("CHAOS_BINARY") ? 150 : 100;
/** What it may have open at rest, more than before it had any work. */
const MORE_OPEN = 3;
/** At rest, connections to Turn that many calls at once needed are closed within a minute. */
const REST_MS = 180_000;
/** The exit code with which a service manager starts it again. */
const BUG = 70;

/** Runs it. Within so many seconds of a fault's end all is to be back. */
export async function soak(
  run: BrokerRun,
  minutes: number,
  within: number,
  say: (happened: Happened) => void,
): Promise<Report> {
  const reporter = new Reporter(`${minutes} minutes of everything at once`, run);
  await using stage = await setStage(run, minutes + 10);
  const { world, other, bridge } = stage;
  // The first and the last time without faults.
  const calmMs = Math.min(60_000, minutes * 10_000);
  await pause(calmMs - 10_000);
  const before = await leastMiB(bridge);
  const happened: Happened[] = [];
  for await (const one of disturb(stage, minutes * 60_000 - 2 * calmMs, within)) {
    happened.push(one);
    say(one);
  }
  await pause(calmMs - 10_000);
  const after = await leastMiB(bridge);
  await stage.endLoad();
  await world.settled({ stallMs: 60_000, mostMs: 300_000 });
  await other.settled({ stallMs: 5_000, mostMs: 60_000 });
  await reportOpen(reporter, stage);
  reporter.add(await world.finish());
  reporter.add(await stage.bad.faults());
  reporter.figure("mib", `${before} before, ${after} after`);
  const most = before + MORE_MIB;
  reporter.check(after <= most, `mib: at most ${most} may be`);
  reportFlows(reporter, stage, happened);
  return reporter.report();
}

/** Has one fault after the other happen for so long, each before any comes again. */
async function* disturb(stage: Stage, ms: number, within: number): AsyncGenerator<Happened> {
  const begin = Date.now();
  let deck: Fault[] = [];
  for (let next = begin; next < begin + ms; next = Math.max(next + EVERY_MS, Date.now())) {
    await pause(next - Date.now());
    // In the second half the process stays the same, to see what it gathers.
    const isLate = next > begin + ms / 2;
    if (isLate) deck = deck.filter(({ kind }) => kind !== "end");
    if (deck.length === 0) deck = FAULTS.filter(({ kind }) => !isLate || kind !== "end");
    for (const fault of deck.splice(below(stage.random, deck.length), 1)) {
      yield await happen(stage, fault, within);
    }
  }
}

/** One fault, and what came of it. */
async function happen(stage: Stage, fault: Fault, within: number): Promise<Happened> {
  const { world, bridge, random } = stage;
  const isUnnoticed = fault.kind === "unnoticed";
  const lastsMs = isUnnoticed ? UNNOTICED_MS : LEAST_MS + (MOST_MS - LEAST_MS) * random();
  const from = Date.now();
  const wrong: string[] = [];
  try {
    const end = await fault.begin(stage);
    if (isUnnoticed || end !== undefined) await pause(lastsMs);
    if (typeof end === "function") await end();
  } catch (error) {
    wrong.push(`${error}`);
  }
  const to = Date.now();
  const last = lastThrough(world);
  const still = FLOWS.filter((flow) => isUnnoticed && last[flow] < to - UNNOTICED_MS / 2);
  const code = await bridge.revive();
  if (code !== undefined && code !== BUG) wrong.push(`the bridge ended with exit code ${code}`);
  const back = await backAfter(world, to, 3000 * within);
  const late = FLOWS.filter((flow) => back[flow] > within);
  wrong.push(...still.map((flow) => `${flow} stood still meanwhile`));
  wrong.push(...late.map((flow) => `${flow}: later than after ${within} s`));
  return { fault, from, to, back, wrong };
}

/** Waits until no more is open than may be. */
async function reportOpen(reporter: Reporter, stage: Stage): Promise<void> {
  const most = stage.openBefore + MORE_OPEN;
  const end = Date.now() + REST_MS;
  let open = await stage.open();
  for (; open.length > most && Date.now() < end; open = await stage.open()) await pause(500);
  reporter.figure("descriptors", `${stage.openBefore} before, ${open.length} after`);
  reporter.check(open.length <= most, `descriptors: at most ${most} may be: ${inWords(open)}`);
}

function reportFlows(reporter: Reporter, { world }: Stage, happened: readonly Happened[]): void {
  const { operator, turn } = world;
  const outages = happened.filter(({ fault }) => fault.kind === "turn");
  const late = mayBeLate([...operator.inbound, ...operator.events], turn.calls, outages);
  const duplicated = happened.length * MAY_REPEAT;
  const tries = world.outcomes.flatMap((outcome) => outcome.tries);
  const failed = tries.filter(({ status }) => status !== 200);
  reporter.flow("inbound", { ...world.inboundHistory(), mayBeLate: late }, { duplicated });
  reporter.flow("outbound", world.outboundHistory(), { duplicated: failed.length + duplicated });
  reporter.flow("statuses", { ...world.statusHistory(), mayBeLate: late }, { duplicated });
  reporter.add(world.idFaults({ mayRepeat: duplicated }));
  const strange = failed.filter(({ status }) => status !== 503 && status !== 0);
  reporter.check(strange.length === 0, `${strange.length} were answered ${strange[0]?.status}`);
  reporter.figure("requests not answered 200", `${failed.length} of ${tries.length}`);
}
