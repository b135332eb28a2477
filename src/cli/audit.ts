// `turn-channels audit`: what came in, and what became of it, by day and flow, out of the cache and
// the queues. It adds up when all that came was delivered, parked, skipped for a reason, or waits.
// What the running program has counted since its start stands beside it, if that can be asked.

import type { DayCount } from "../cache/mod.ts";
import { type ChannelConfig, type Config, redactedConfig } from "../config/mod.ts";
import { FLOWS, lookUntilItAddsUp, total } from "../inspect/audit_sums.ts";
import { openCaches } from "../service/caches.ts";
import { delaysMsOf } from "../service/channel_queues.ts";
import { readSamples } from "../telemetry/mod.ts";
import { openBroker, selectChannels } from "./config_command.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { formatTable, print, WIDTH, wrapText } from "./print.ts";
import { askBridge } from "./running_bridge.ts";

/** Counts and prints, for all channels or the one with this connector; returns the exit code. */
export async function audit(config: Config, options: { connector?: string }): Promise<number> {
  const channels = selectChannels(config, options.connector);
  const printTitle = ({ connector_name }: ChannelConfig): void => {
    if (config.channels.length > 1) print(`\n${connector_name}\n`);
  };
  if (config.message_cache_class === "MemoryMessageCache") {
    for (const channel of channels) {
      printTitle(channel);
      print((await askRunning(config, channel)).text);
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
    const running = await askRunning(config, channel);
    print(running.text);
    // All are looked at, also when one does not add up.
    if (counts.length === 0 && running.counted !== 0) {
      print(notItsCache(config, running.counted));
      code = EXIT.findings;
      continue;
    }
    for (const { text } of verdicts) print(`${wrapText(text, WIDTH, "", "    ")}\n`);
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

/** Why nothing is summed up of a cache in which nothing has been counted. */
function notItsCache(config: Config, counted: number | undefined): string {
  const key = `message_cache_config.${
    config.message_cache_class === "RedisMessageCache" ? "url" : "path"
  }`;
  const known = counted === undefined
    ? "No bridge has counted in this cache, and none runs that could be asked"
    : `The running bridge has counted ${counted}, so this is not its cache`;
  return `✗ ${known}.\n  ${key} is ${
    redactedConfig(config)[key]
  }: let it be as the bridge has it.\n`;
}

/** What the running bridge has counted of a channel since its start, by its `/metrics`. */
async function askRunning(
  config: Config,
  { connector_name }: ChannelConfig,
): Promise<{ readonly text: string; readonly counted?: number }> {
  const answer = await askBridge(config, "/metrics");
  const { url } = answer;
  if ("reason" in answer) {
    const text =
      `No running bridge answers at ${url}, so its counts since its start are not known.`;
    return { text: `${wrapText(text, WIDTH, "", "  ")}\n` };
  }
  const counts = readSamples(answer.text, "turn_channels_messages_total")
    .filter(({ labels, value }) => labels.connector === connector_name && value > 0)
    .map(({ labels: { flow = "", result = "" }, value }) => ({ flow, result, count: value }));
  const lines = Object.keys(FLOWS).map((flow) => {
    const became = resultsText(counts.filter((count) => count.flow === flow));
    return `  ${flow}: ${became || "nothing"}\n`;
  });
  return {
    text: `Since the bridge at ${url} was started:\n${lines.join("")}`,
    counted: counts.reduce((sum, { count }) => sum + count, 0),
  };
}

function resultsText(counts: readonly Omit<DayCount, "day">[]): string {
  return counts.map(({ result, count }) => `${result.replaceAll("_", " ")} ${count}`)
    .sort().join(", ");
}
