// `turn-channels audit`: what came in, and what became of it, by day and flow, out of the cache and
// the queues. It adds up when all that came was delivered, parked, skipped for a reason, or waits.
// What the running program has counted since its start stands beside it, if that can be asked.

import { setTimeout as delay } from "node:timers/promises";
import { type Browser, delayQueue } from "../broker/mod.ts";
import type { DayCount, MessageCache } from "../cache/mod.ts";
import { type ChannelConfig, type Config, formatBind } from "../config/mod.ts";
import { openCaches } from "../service/caches.ts";
import { delaysMsOf } from "../service/channel_queues.ts";
import { readSamples } from "../telemetry/mod.ts";
import { queuesOf } from "../vumi/mod.ts";
import { openBroker, selectChannels } from "./config_command.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { formatTable, print } from "./print.ts";

const FLOWS = [["inbound", "inbound"], ["status", "event"], ["outbound", undefined]] as const;

/** Counts and prints, for all channels or the one with this connector; returns the exit code. */
export async function audit(config: Config, options: { connector?: string }): Promise<number> {
  const channels = selectChannels(config, options.connector);
  const printTitle = ({ connector_name }: ChannelConfig): void => {
    if (config.channels.length > 1) print(`\n${connector_name}\n`);
  };
  if (config.message_cache_class === "MemoryMessageCache") {
    for (const channel of channels) {
      printTitle(channel);
      print(await sinceStart(config, channel));
    }
    throw new CommandError(
      EXIT.usage,
      "MemoryMessageCache counts only inside the running bridge, and only since its start: for counts " +
        "by day, configure another message_cache_class.",
    );
  }
  await using opened = new AsyncDisposableStack();
  const broker = await openBroker(config, opened);
  let code: number = EXIT.ok;
  for (const [channel, cache] of await openCaches(channels, opened, "look")) {
    printTitle(channel);
    const { counts, verdicts } = await lookUntilItAddsUp(channel, cache, broker);
    print(days(counts));
    print(await sinceStart(config, channel));
    for (const { text } of verdicts) print(`${text}\n`);
    // All are looked at, also when one does not add up.
    if (!verdicts.every(({ addsUp }) => addsUp)) code = EXIT.findings;
  }
  return code;
}

/** Counts are not taken at one instant, so what does not add up is counted again after a while. */
const MOST_LOOKS = 3;
const LOOK_AGAIN_MS = 1_000;

async function lookUntilItAddsUp(channel: ChannelConfig, cache: MessageCache, broker: Browser) {
  for (let look = 1;; look++) {
    const counts = await cache.tallied();
    const verdicts = [];
    for (const [flow, queue] of FLOWS) {
      const waiting = queue === undefined ? undefined : await waitingFor(channel, broker, queue);
      verdicts.push(sumUp(flow, counts, channel.worker_concurrency, waiting));
    }
    if (verdicts.every(({ addsUp }) => addsUp) || look === MOST_LOOKS) return { counts, verdicts };
    await delay(LOOK_AGAIN_MS);
  }
}

/** What waits in a queue, some of it perhaps in work before, and in delay queues, which all share. */
async function waitingFor(config: ChannelConfig, broker: Browser, queue: "inbound" | "event") {
  const queued = await broker.depth(queuesOf(config.connector_name)[queue]) ?? 0;
  let delayed = 0;
  for (const delayMs of new Set(delaysMsOf(config))) {
    delayed += await broker.depth(delayQueue(delayMs)) ?? 0;
  }
  return { delayed, queued };
}

type Waiting = Awaited<ReturnType<typeof waitingFor>>;

function days(counts: readonly DayCount[]): string {
  const groups = Map.groupBy(counts, ({ day, flow }) => `${day} ${flow}`);
  const rows = [...groups].map(([name, group]) => {
    const became = group.filter(({ result }) => result !== "in");
    return [...name.split(" "), total(group, "in"), resultsText(became)];
  });
  if (rows.length === 0) return "Nothing has been counted yet.\n";
  return formatTable(["day", "flow", "came", "what became of it"], rows);
}

const METRICS_MS = 3_000;

/** What the running bridge has counted of a channel since its start, by its `/metrics`. */
async function sinceStart(config: Config, { connector_name }: ChannelConfig): Promise<string> {
  const url = metricsUrl(config.admin_bind ?? config.http_bind);
  const response = await fetch(url, { signal: AbortSignal.timeout(METRICS_MS) })
    .catch(() => undefined);
  const text = await response?.text().catch(() => undefined);
  if (!response?.ok || text === undefined) {
    return `No running bridge answers at ${url}, so its counts since its start are not known.\n`;
  }
  const counts = readSamples(text, "turn_channels_messages_total")
    .filter(({ labels, value }) => labels.connector === connector_name && value > 0)
    .map(({ labels: { flow = "", result = "" }, value }) => ({ flow, result, count: value }));
  const lines = FLOWS.map(([flow]) => {
    const became = resultsText(counts.filter((count) => count.flow === flow));
    return `  ${flow}: ${became || "nothing"}\n`;
  });
  return `Since the bridge at ${url} was started:\n${lines.join("")}`;
}

/** What listens on all addresses can be reached on this machine's own. */
function metricsUrl(bind: Config["http_bind"]): string {
  if (bind.kind === "unix") return formatBind(bind);
  const own = { "0.0.0.0": "127.0.0.1", "::": "::1" }[bind.hostname];
  return `http://${formatBind({ ...bind, hostname: own ?? bind.hostname })}/metrics`;
}

function resultsText(counts: readonly Omit<DayCount, "day">[]): string {
  return counts.map(({ result, count }) => `${result.replaceAll("_", " ")} ${count}`)
    .sort().join(", ");
}

const NO_ENDS: ReadonlySet<string> = new Set([
  "in",
  "redelivered",
  "duplicate",
  "delayed",
  "undelayed",
]);

/**
 * Not every number is exact: what was in work when the bridge was killed may be counted as come or as
 * ended, but not both, and comes again as `redelivered`; what is in work now has come and not ended.
 */
function sumUp(flow: string, counts: readonly DayCount[], concurrency: number, waiting?: Waiting) {
  const own = counts.filter((count) => count.flow === flow);
  const came = total(own, "in");
  const ended = sum(own.filter(({ result }) => !NO_ENDS.has(result)));
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
  const uncertain = unsure > 0 ? `; ${unsure} uncertain, in work when the bridge ended` : "";
  const where = waiting === undefined
    ? "in work, or unanswered when the bridge ended"
    : `${delayed} delayed; ${queued} in the queue, with those returned to it; ` +
      `up to ${inWork} in work${uncertain}`;
  const verdict = addsUp ? "" : open > 0 ? "; NOT ACCOUNTED FOR" : "; MORE ENDED THAN CAME";
  const mark = addsUp ? "✓" : "✗";
  const text = `${mark} ${flow}: ${came} came, ${ended} ended, ${open} open (${where})${verdict}`;
  return { text, addsUp };
}

function total(counts: readonly DayCount[], result: string): number {
  return sum(counts.filter((count) => count.result === result));
}

function sum(counts: readonly DayCount[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0);
}
