// `turn-channels parked list|show|replay|discard|replay-partitions`: parked messages of a running system.

import { type Command, InvalidArgumentError, Option } from "commander";
import { parseJson } from "../async/mod.ts";
import type { Config } from "../config/mod.ts";
import { formatTime } from "../inspect/find_waiting.ts";
import {
  PARKED_QUEUES,
  type ParkedFilter,
  type ParkedMessage,
  ParkedMessages,
} from "../inspect/parked_messages.ts";
import { findPartitions, replayPartitions } from "../vumi/mod.ts";
import { CONNECTOR, needConfig, openBroker, selectChannels, type Shell } from "./config_command.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { HeldOutput, plainJson, plainText, print, printError } from "./print.ts";

const DRY_RUN = new Option("--dry-run", "only count them");
const FILTERS = [
  CONNECTOR,
  new Option("--queue <queue>", "only this parking queue").choices(PARKED_QUEUES),
  new Option("--id <id>", "only this message, or the events about it"),
  new Option("--since <when>", "only what was parked since: 2h, 3d, or 2026-11-24T08:00Z")
    .argParser(parseSince),
  new Option("--reason <text>", "only those with this text in the reason"),
];
const LOOKING = [...FILTERS, new Option("--json", "one JSON object a line")];
const CHANGING = [...FILTERS, DRY_RUN];
const YES = new Option("--yes", "do not ask for confirmation");

type Work = (parked: Parked, options: Options) => Promise<number>;

const SUBCOMMANDS: readonly (readonly [string, string, readonly Option[], Work])[] = [
  ["list", "list them, one line each", LOOKING, list],
  ["show", "show them in full, with what users wrote", LOOKING, show],
  ["replay", "move them back to their queue, in order", CHANGING, replay],
  ["discard", "delete them", [...CHANGING, YES], discard],
  [
    "replay-partitions",
    "move what earlier versions left in partition queues (….p0, …) back to its queue, in order",
    [CONNECTOR, DRY_RUN],
    replayFromPartitions,
  ],
];

interface Options extends ParkedFilter {
  readonly connector?: string;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

type Parked = Awaited<ReturnType<typeof openParked>>;

export function addParkedCommands(program: Command, shell: Shell): void {
  const parked = program.command("parked")
    .description("messages that Turn refused or that could not be read, kept with the reason")
    .helpCommand(false);
  for (const [name, description, options, work] of SUBCOMMANDS) {
    const command = parked.command(name).description(description);
    for (const option of options) command.addOption(option);
    needConfig(command, shell, async (config) => {
      await using opened = new AsyncDisposableStack();
      const given = command.opts<Options>();
      return await work(await openParked(config, opened, given.connector), given);
    });
  }
}

async function openParked(config: Config, opened: AsyncDisposableStack, connector?: string) {
  const connectors = selectChannels(config, connector).map((channel) => channel.connector_name);
  const broker = await openBroker(config, opened);
  // Then the channels' names are shown.
  const several = config.channels.length > 1;
  return { messages: new ParkedMessages(connectors, broker), connectors, broker, several };
}

async function list({ messages, connectors, several }: Parked, options: Options): Promise<number> {
  const width = Math.max(9, ...connectors.map((name) => name.length));
  using held = new HeldOutput();
  // A line, however long, so that thousands can be searched.
  const printRow = (connector: string, ...cells: readonly (string | number)[]): void => {
    const name = several ? `${connector.padEnd(width)}  ` : "";
    const padded = cells.map((cell, index) => plainText(String(cell)).padEnd(WIDTHS[index] ?? 0));
    held.print(`${name}${padded.join("  ").trimEnd()}\n`);
  };
  let isFirst = true;
  const listed = await messages.list(options, (message, connector) => {
    if (options.json) return held.print(`${plainJson(summary(message, connector, several))}\n`);
    if (isFirst) {
      printRow("connector", "queue", "parked at (UTC)", "id", "status", "attempts", "reason");
    }
    isFirst = false;
    const { queue, parkedAt, id, about, status, attempts, reason } = message;
    const shownId = about ?? id ?? "(unreadable)";
    printRow(connector, queue, formatTime(parkedAt), shownId, status ?? "", attempts, reason);
  });
  if (!options.json) held.print(listed === 0 ? NONE : `${messageCount(listed)}\n`);
  return EXIT.ok;
}

const NONE = "No parked messages match.\n";

/** Characters of each column but the last; longer cells are not cut. */
const WIDTHS = [7, 19, 36, 6, 8];

async function show({ messages, several }: Parked, options: Options): Promise<number> {
  using held = new HeldOutput();
  const shown = await messages.list(options, (message, connector) => {
    const { headers } = message;
    const text = new TextDecoder().decode(message.body);
    const value = parseJson(text);
    const body = value === undefined ? text : value;
    const whole = { ...summary(message, connector, several), headers, body };
    held.print(`${plainJson(whole, options.json ? undefined : 2)}\n`);
  });
  if (shown > 0) return EXIT.ok;
  printError(NONE);
  return EXIT.findings;
}

async function replay({ messages }: Parked, options: Options): Promise<number> {
  // What is parked again meanwhile stays.
  const filter = { ...options, before: new Date() };
  if (options.dryRun) return report("Would replay", await messages.list(filter));
  return report("Replayed", await messages.replay(filter));
}

async function discard({ messages }: Parked, options: Options): Promise<number> {
  // What is parked after the question stays.
  const filter = { ...options, before: new Date() };
  if (options.dryRun) return report("Would delete", await messages.list(filter));
  if (!options.yes) {
    if (!Deno.stdin.isTerminal()) {
      throw new CommandError(EXIT.usage, "discard needs --yes without a terminal.");
    }
    const found = messageCount(await messages.list(filter));
    if (!confirm(`Delete ${found} for good?`)) return EXIT.ok;
  }
  return report("Deleted", await messages.discard(filter));
}

async function replayFromPartitions({ connectors, broker }: Parked, { dryRun }: Options) {
  let count = 0;
  for (const connector of connectors) {
    if (dryRun) {
      for (const { waiting } of await findPartitions(connector, broker)) count += waiting;
    } else count += await replayPartitions(connector, broker);
  }
  return report(dryRun ? "Would replay" : "Replayed", count);
}

function report(what: string, count: number): number {
  print(`${what} ${messageCount(count)}.\n`);
  return EXIT.ok;
}

function messageCount(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}

function summary(
  { body: _, headers: _h, ...rest }: ParkedMessage,
  connector: string,
  several: boolean,
): object {
  return several ? { connector, ...rest } : rest;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function parseSince(text: string): Date {
  const [, number, unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const date = number === undefined
    ? new Date(/^\d{4}-\d\d-\d\d/.test(text) ? text : NaN)
    : new Date(Date.now() - Number(number) * (UNITS[unit] ?? NaN) * 1000);
  if (!Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError("It must be like 90s, 30m, 2h, 3d or 2026-11-24T08:00Z.");
}
