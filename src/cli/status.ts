// `turn-channels status`: the running bridge on one screen, and what is wrong with it.

import { type Command, Option } from "commander";
import { parseJson, sleep } from "../async/mod.ts";
import type { Config, ConfigPlace } from "../config/mod.ts";
import { formatTime } from "../inspect/find_waiting.ts";
import type { ChannelStatus, Status } from "../service/status.ts";
import { CONNECTOR, needConfig, selectChannels, type Shell, withConfig } from "./config_command.ts";
import { EXIT } from "./exit_codes.ts";
import { plainJson, plainText, print, printError, WIDTH, wrapText } from "./print.ts";
import { askBridge } from "./running_bridge.ts";

interface Options {
  readonly connector?: string;
  readonly json?: boolean;
  readonly watch?: boolean;
  /** The configuration, if it is a file. */
  readonly file?: ConfigPlace | undefined;
}

const WATCH_MS = 2_000;
/** Moves to the top left and clears what is below. */
const CLEAR = "\x1b[H\x1b[J";

export function addStatus(program: Command, shell: Shell): void {
  const command = program.command("status")
    .description("show the running bridge on one screen; exit code 1 if something is wrong with it")
    .addOption(CONNECTOR)
    .addOption(new Option("--watch", "show it again every two seconds, until Ctrl-C"))
    .addOption(new Option("--json", "one JSON object a line"));
  needConfig(command, shell, async (config, _warnings, _load, file) => {
    const options = { ...command.opts<Options>(), file };
    const { first } = shell.signals;
    for (;;) {
      const code = await show(config, options);
      if (!options.watch) return code;
      await sleep(WATCH_MS, first);
      if (first.aborted) return code;
    }
  });
}

async function show(config: Config, { connector, json, watch, file }: Options): Promise<number> {
  const chosen = new Set(selectChannels(config, connector).map((each) => each.connector_name));
  const clear = watch && !json && Deno.stdout.isTerminal() ? CLEAR : "";
  const answer = await askBridge(config, "/status");
  const status = "text" in answer ? readStatus(answer.text) : undefined;
  if (status === undefined) {
    const reason = "reason" in answer ? answer.reason : "it is no bridge, or an older one";
    print(clear);
    const text = plainText(`✗ No bridge answers at ${answer.url}: ${reason}`);
    printError(`${wrapText(text, WIDTH, "", "  ")}\n  systemctl status turn-channels\n`);
    return EXIT.findings;
  }
  const isMeant = (name: string | null): boolean => name === null || chosen.has(name);
  const shown = {
    ...status,
    channels: status.channels.filter((channel) => isMeant(channel.connector)),
    problems: status.problems.filter((problem) => isMeant(problem.connector)).map((problem) => (
      { ...problem, command: withConfig(problem.command, file) }
    )),
  };
  print(json ? `${plainJson(shown)}\n` : `${clear}${screen(shown, answer.url)}`);
  return shown.problems.length === 0 ? EXIT.ok : EXIT.findings;
}

/** What the bridge has written, which is of the same version unless it was not restarted. */
function readStatus(text: string): Status | undefined {
  const value = parseJson(text);
  const isOne = typeof value === "object" && value !== null && "channels" in value &&
    "problems" in value;
  return isOne ? value as Status : undefined;
}

function screen(status: Status, url: string): string {
  const { version, now, started, broker, cache, delayed, channels, problems } = status;
  const lines = [
    `turn-channels ${version} at ${url.replace(/\/status$/, "")}`,
    row("now (UTC)", `${formatTime(now)}, started ${formatTime(started)}`),
    row("RabbitMQ", `${broker.state} since ${formatTime(broker.since)}`),
    row("cache", `${cache.state} since ${formatTime(cache.since)}`),
    row("delayed", delayed === null ? "not known" : `${delayed}, to be tried again`),
    ...channels.flatMap(channelLines),
    "",
    ...problems.length === 0
      ? ["✓ Nothing is wrong."]
      : problems.flatMap(({ connector, text, command }) => {
        const whose = connector === null ? "" : `${connector}: `;
        return [...wrapText(`✗ ${whose}${text}.`, WIDTH, "", "  ").split("\n"), `  ${command}`];
      }),
  ];
  return lines.map((line) => `${plainText(line)}\n`).join("");
}

function row(head: string, text: string): string {
  return `  ${head.padEnd(10)} ${text}`;
}

function channelLines(
  { connector, transport_type, speaker, flows, queues, in_hand, turn }: ChannelStatus,
): readonly string[] {
  const who = speaker.state === "this"
    ? "this bridge speaks"
    : "stands by; another speaks, or none";
  const success = turn.last_success === null
    ? "no call taken yet"
    : `took a call ${formatTime(turn.last_success)}`;
  const limits = turn.limits.map(({ bucket, limit, left }) =>
    row("limit", `${bucket === "" ? "" : `${bucket}: `}${left} of ${limit} calls left`)
  );
  const inHand: Readonly<Record<string, number>> = in_hand;
  const table = (name: string, flow: keyof typeof flows | undefined, queue: string): string => {
    const rates = flow === undefined ? undefined : flows[flow];
    const { waiting, parked } = queues[queue] ?? {};
    const cells = [rates?.minute, rates?.hour, waiting, inHand[queue], parked];
    return row(name, cells.map((cell) => String(cell ?? "-").padStart(11)).join(" "));
  };
  return [
    "",
    `${connector} (${transport_type})`,
    row("speaker", `${who}, since ${formatTime(speaker.since)}`),
    row("Turn", `${turn.state} since ${formatTime(turn.since)}, ${success}`),
    ...limits,
    row(
      "",
      ["last minute", "last hour", "waiting", "in hand", "parked"].map((head) => head.padStart(11))
        .join(" "),
    ),
    table("outbound", "outbound", "outbound"),
    table("inbound", "inbound", "inbound"),
    table("statuses", "status", "event"),
    table("held", undefined, "held"),
    table("held SMS", undefined, "held_sms"),
  ];
}
