// `turn-channels audit`: what came in, and what became of it, by day and flow, out of the cache and
// the queues. It adds up when all that came was delivered, parked, skipped for a reason, or waits.
// What the running program has counted since its start stands beside it, if that can be asked.

import type { DayCount } from "../cache/mod.ts";
import { type ChannelConfig, type Config, formatBind } from "../config/mod.ts";
import { FLOWS, lookUntilItAddsUp, total } from "../inspect/audit_sums.ts";
import { openCaches } from "../service/caches.ts";
import { delaysMsOf } from "../service/channel_queues.ts";
import { readSamples } from "../telemetry/mod.ts";
import { openBroker, selectChannels } from "./config_command.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { formatTable, print } from "./print.ts";

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
  for (const [channel, cache] of (await openCaches(channels, opened, "look")).of) {
    printTitle(channel);
    const audited = { ...channel, delaysMs: delaysMsOf(channel) };
    const { counts, verdicts } = await lookUntilItAddsUp(audited, cache, broker);
    print(days(counts));
    print(await sinceStart(config, channel));
    for (const { text } of verdicts) print(`${text}\n`);
    // All are looked at, also when one does not add up.
    if (!verdicts.every(({ addsUp }) => addsUp)) code = EXIT.findings;
  }
  return code;
}

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
  const lines = Object.keys(FLOWS).map((flow) => {
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
