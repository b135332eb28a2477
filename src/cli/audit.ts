/**
 * `turn-channels audit`: what came in, and what became of it, by day and flow, out of the cache and
 * the queues. It adds up when all that came was delivered, parked, skipped for a reason, or waits.
 * What the running program has counted since its start stands beside it, if that can be asked.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import Table from "cli-table3";
import { type Browser, delayQueue } from "../broker/mod.ts";
import { CacheError, type DayCount, type MessageCache } from "../cache/mod.ts";
import type { ChannelConfig, Config } from "../config/mod.ts";
import { queuesOf } from "../vumi/mod.ts";
import { openCaches } from "../service/caches.ts";
import { delaysMsOf } from "../service/channel_queues.ts";
import { selectChannels, withBroker } from "./config_command.ts";
import { EXIT } from "./exit_codes.ts";
import { print, printError } from "./print.ts";
import { readSinceStart, type SinceStart } from "./since_start.ts";

/** The flows, and the queue that each is taken from. */
const FLOWS = [["inbound", "inbound"], ["status", "event"], ["outbound", undefined]] as const;

interface Waiting {
  /** In delay queues, which all flows and channels share. */
  readonly delayed: number;
  /** In the queue; some may have been in work before. */
  readonly queued: number;
}

/** Counts and prints, for all channels or the one with this connector; returns the exit code. */
export async function audit(config: Config, connector: string | undefined): Promise<number> {
  const channels = selectChannels(config, connector);
  if (channels === undefined) return EXIT.usage;
  const titled = config.channels.length > 1;
  if (config.message_cache_class === "MemoryMessageCache") {
    for (const channel of channels) {
      print(`${titleOf(channel, titled)}${sinceStart(await runningOf(config, channel))}`);
    }
    printError(
      "MemoryMessageCache counts only inside the running bridge, and only since its start: for counts " +
        "by day, configure another message_cache_class.\n",
    );
    return EXIT.usage;
  }
  return await withBroker(config, async (broker) => {
    await using opened = new AsyncDisposableStack();
    const caches = await open(channels, opened);
    if (caches === undefined) return EXIT.unavailable;
    let addsUp = true;
    for (const [index, channel] of channels.entries()) {
      print(titleOf(channel, titled));
      const found = await lookUntilItAddsUp(channel, caches[index], broker);
      if (found === undefined) return EXIT.unavailable;
      print(`${days(found.counts)}\n`);
      print(sinceStart(await runningOf(config, channel)));
      for (const { text } of found.verdicts) print(`${text}\n`);
      // All are looked at, also when one does not add up.
      if (!found.addsUp) addsUp = false;
    }
    return addsUp ? EXIT.ok : EXIT.findings;
  });
}

function titleOf({ connector_name }: ChannelConfig, titled: boolean): string {
  return titled ? `\n${connector_name}\n` : "";
}

/** Counts are not taken at one instant, so what does not add up is counted again after a while. */
const LOOKS_AGAIN = 2;
const LOOK_AGAIN_MS = 1_000;

interface Found {
  readonly counts: readonly DayCount[];
  readonly verdicts: readonly Verdict[];
  readonly addsUp: boolean;
}

async function lookUntilItAddsUp(
  channel: ChannelConfig,
  cache: MessageCache | undefined,
  broker: Browser,
): Promise<Found | undefined> {
  let found = await look(channel, cache, broker);
  for (let again = 0; again < LOOKS_AGAIN && found?.addsUp === false; again++) {
    await delay(LOOK_AGAIN_MS);
    found = await look(channel, cache, broker);
  }
  return found;
}

/** Undefined, with a message printed, if the cache can't be read. */
async function look(
  channel: ChannelConfig,
  cache: MessageCache | undefined,
  broker: Browser,
): Promise<Found | undefined> {
  const counts = await orPrinted(async () => await cache?.tallied() ?? []);
  if (counts === undefined) return undefined;
  const verdicts: Verdict[] = [];
  for (const [flow, queue] of FLOWS) {
    const waiting = queue === undefined ? undefined : await waitingFor(channel, broker, queue);
    verdicts.push(sumUp(flow, counts, waiting, channel.worker_concurrency));
  }
  return { counts, verdicts, addsUp: verdicts.every(({ addsUp }) => addsUp) };
}

function open(
  channels: readonly ChannelConfig[],
  opened: AsyncDisposableStack,
): Promise<readonly MessageCache[] | undefined> {
  return orPrinted(() => openCaches(channels, opened));
}

/** Undefined, with a message printed, if the cache fails. */
async function orPrinted<T>(use: () => Promise<T>): Promise<T | undefined> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    printError(`${error.message}\n`);
    return undefined;
  }
}

function runningOf(config: Config, { connector_name }: ChannelConfig): Promise<SinceStart> {
  return readSinceStart(config.admin_bind ?? config.http_bind, connector_name);
}

async function waitingFor(
  config: ChannelConfig,
  broker: Browser,
  queue: "inbound" | "event",
): Promise<Waiting> {
  const queued = await broker.depth(queuesOf(config.connector_name)[queue]) ?? 0;
  let delayed = 0;
  for (const delayMs of new Set(delaysMsOf(config))) {
    delayed += await broker.depth(delayQueue(delayMs)) ?? 0;
  }
  return { delayed, queued };
}

function days(counts: readonly DayCount[]): string {
  const table = new Table({
    head: ["day", "flow", "came", "what became of it"],
    style: { head: [], border: [] },
  });
  const rows = Map.groupBy(counts, ({ day, flow }) => `${day} ${flow}`);
  for (const [name, group] of [...rows].sort(([a], [b]) => a < b ? -1 : 1)) {
    const [day = "", flow = ""] = name.split(" ");
    const became = group.filter(({ result }) => result !== "in")
      .map(({ result, count }) => `${result.replaceAll("_", " ")} ${count}`);
    table.push([day, flow, total(group, "in"), became.sort().join(", ")]);
  }
  return table.length === 0 ? "Nothing has been counted yet." : table.toString();
}

function sinceStart({ url, counts }: SinceStart): string {
  if (counts === undefined) {
    return `No running bridge answers at ${url}, so its counts since its start are not known.\n`;
  }
  const lines = FLOWS.map(([flow]) => {
    const became = counts.filter(({ flow: own, count }) => own === flow && count > 0)
      .map(({ result, count }) => `${result.replaceAll("_", " ")} ${count}`);
    return `  ${flow}: ${became.sort().join(", ") || "nothing"}\n`;
  });
  return `Since the bridge at ${url} was started:\n${lines.join("")}`;
}

/** Results that are not a message's end. */
const NO_ENDS: ReadonlySet<string> = new Set(["in", "redelivered", "delayed", "undelayed"]);

interface Verdict {
  readonly text: string;
  readonly addsUp: boolean;
}

/**
 * Not every number is exact: what was in work when the bridge was killed may be counted as come or as
 * ended, but not both, and comes again as `redelivered`; what is in work now has come and not ended.
 */
function sumUp(
  flow: string,
  counts: readonly DayCount[],
  waiting: Waiting | undefined,
  concurrency: number,
): Verdict {
  const own = counts.filter((count) => count.flow === flow);
  const came = total(own, "in");
  const ended = own.filter(({ result }) => !NO_ENDS.has(result))
    .reduce((sum, { count }) => sum + count, 0);
  const open = came - ended;
  const unsure = total(own, "redelivered");
  const inWork = concurrency * (flow === "status" ? 10 : 1);
  const { queued = 0 } = waiting ?? {};
  // One whose delay is over is in its queue again, and counts as delayed until it is consumed.
  const noted = Math.max(0, total(own, "delayed") - total(own, "undelayed"));
  const delayed = Math.min(noted, waiting?.delayed ?? 0);
  const most = delayed + queued + inWork + unsure;
  // An outbound request without an answer is repeated by Turn.
  const addsUp = open >= -unsure && (flow === "outbound" || open <= most);
  const sum = `${flow}: ${came} came, ${ended} ended, ${open} open`;
  const where = waiting === undefined
    ? " (in work, or unanswered when the bridge ended)"
    : ` (${delayed} delayed; ${queued} in the queue, with those returned to it; ` +
      `up to ${inWork} in work${
        unsure > 0 ? `; ${unsure} uncertain, in work when the bridge ended` : ""
      })`;
  const verdict = addsUp ? "" : open > 0 ? "; NOT ACCOUNTED FOR" : "; MORE ENDED THAN CAME";
  return { text: `${addsUp ? "✓" : "✗"} ${sum}${where}${verdict}`, addsUp };
}

function total(counts: readonly DayCount[], result: string): number {
  return counts.filter((count) => count.result === result)
    .reduce((sum, { count }) => sum + count, 0);
}
