// `turn-channels parked list|show|replay|discard|replay-partitions`: parked messages of a running system.

import { type Command, InvalidArgumentError, Option } from "commander";
import { parseJson } from "../async/mod.ts";
import type { Config } from "../config/mod.ts";
import { isOfDeadSession } from "../inspect/dead_sessions.ts";
import { formatTime } from "../inspect/find_waiting.ts";
import {
  PARKED_QUEUES,
  type ParkedFilter,
  type ParkedMessage,
  ParkedMessages,
} from "../inspect/parked_messages.ts";
import { ussdOptionsOf } from "../service/ussd_options.ts";
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
const YES = new Option("--yes", "do not ask for confirmation");
const DEAD_SESSIONS = new Option(
  "--dead-sessions",
  "also what users wrote in USSD sessions that are over, which else stays",
);
const CHANGING = [...FILTERS, DRY_RUN, YES];

type Work = (parked: Parked, options: Options) => Promise<number>;

const SUBCOMMANDS: readonly (readonly [string, string, readonly Option[], Work])[] = [
  ["list", "list them, one line each", LOOKING, list],
  ["show", "show them in full, with what users wrote", LOOKING, show],
  [
    "replay",
    "move them back to their queue, in order; asks first if none are chosen",
    [...CHANGING, DEAD_SESSIONS],
    replay,
  ],
  ["discard", "delete them; asks first", CHANGING, discard],
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
  readonly deadSessions?: boolean;
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
  const channels = selectChannels(config, connector);
  const connectors = channels.map((channel) => channel.connector_name);
  const ussd = new Map(channels.map((each) => [each.connector_name, ussdOptionsOf(each)]));
  const broker = await openBroker(config, opened);
  // Then the channels' names are shown.
  const several = config.channels.length > 1;
  return { messages: new ParkedMessages(connectors, broker), connectors, broker, several, ussd };
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
  return shown > 0 ? EXIT.ok : nothingMatches();
}

function nothingMatches(): number {
  printError(NONE);
  return EXIT.findings;
}

/** @throws {CommandError} If there is nobody to be asked. */
function needTerminal(otherwise: string): void {
  if (!Deno.stdin.isTerminal()) throw new CommandError(EXIT.usage, otherwise);
}

async function replay({ messages, ussd }: Parked, options: Options): Promise<number> {
  // What is parked again meanwhile stays.
  const before = new Date();
  const isDead = (message: ParkedMessage, connector: string): boolean => {
    const of = ussd.get(connector);
    return of !== undefined && isOfDeadSession(message, of, before.getTime());
  };
  let dead = 0;
  const found = await messages.list({ ...options, before }, (...message) => {
    if (isDead(...message)) dead++;
  });
  if (found === 0) return nothingMatches();
  const { deadSessions, dryRun, yes } = options;
  const count = deadSessions ? found : found - dead;
  const except = deadSessions ? undefined : isDead;
  const words = deadWords(dead, deadSessions ?? false);
  const isChosen = FILTERS.some((filter) => filter.attributeName() in options);
  if (!dryRun && !yes && !isChosen && count > 0) {
    needTerminal("replay needs --yes, or a filter as --queue, without a terminal.");
    print(words);
    const all = count === found ? "all" : "all others";
    if (!confirm(`Replay ${messageCount(count)}, ${all} that are parked?`)) {
      return report("Replayed", 0);
    }
  } else print(words);
  if (dryRun) report("Would replay", count);
  else if (count === 0) report("Replayed", 0);
  else report("Replayed", await messages.replay({ ...options, before, except }));
  return count > 0 ? EXIT.ok : EXIT.findings;
}

function deadWords(count: number, areMeant: boolean): string {
  if (count === 0) return "";
  const [what, stays, which] = count === 1
    ? ["1 message is of a USSD session that is over", "stays", "it"]
    : [`${count} messages are of USSD sessions that are over`, "stay", "them"];
  return areMeant
    ? `${what}.\n`
    : `${what}, and ${stays}.\nWith --dead-sessions you replay ${which} too.\n`;
}

async function discard({ messages }: Parked, options: Options): Promise<number> {
  // What is parked after the question stays.
  const filter = { ...options, before: new Date() };
  const found = await messages.list(filter);
  if (found === 0) return nothingMatches();
  if (options.dryRun) return report("Would delete", found);
  if (!options.yes) {
    needTerminal("discard needs --yes without a terminal.");
    if (!confirm(`Delete ${messageCount(found)} for good?`)) return report("Deleted", 0);
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
