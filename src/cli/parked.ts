/**
 * `turn-channels parked list|show|replay|discard|replay-partitions`: parked messages of a running system.
 *
 * @module
 */

import { type Command, InvalidArgumentError, Option } from "commander";
import { parseJson } from "../async/mod.ts";
import type { Config } from "../config/mod.ts";
import {
  ParkedChannels,
  type ParkedFilter,
  type ParkedMessage,
} from "../inspect/parked_messages.ts";
import {
  CONNECTOR_HELP,
  needConfig,
  selectChannels,
  type Shell,
  withBroker,
} from "./config_command.ts";
import { EXIT } from "./exit_codes.ts";
import { HeldOutput, plainJson, plainText, print, printError } from "./print.ts";

/** Options of the subcommands. */
interface Options extends ParkedFilter {
  readonly connector?: string;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Adds the commands to `program`. */
export function addParkedCommands(program: Command, shell: Shell): void {
  const parked = program.command("parked")
    .description("messages that Turn refused or that could not be read, kept with the reason")
    .helpCommand(false);
  const add = (
    name: string,
    description: string,
    options: readonly Option[],
    work: (messages: ParkedChannels, options: ListOptions) => Promise<number>,
  ): void => {
    const command = parked.command(name).description(description);
    for (const option of [...filters(), ...options]) command.addOption(option);
    needConfig(
      command,
      shell,
      (config) => withParked(config, command.opts<Options>(), work),
    );
  };
  add("list", "list them, one line each", [json()], list);
  add("show", "show them in full, with what users wrote", [json()], show);
  add("replay", "move them back to their queue, in order", [dryRunOption()], replay);
  add(
    "discard",
    "delete them",
    [dryRunOption(), new Option("--yes", "do not ask for confirmation")],
    discard,
  );
  const partitions = parked.command("replay-partitions")
    .description(
      "move what earlier versions left in partition queues (….p0, …) back to its queue, in order",
    )
    .addOption(new Option("--connector <name>", CONNECTOR_HELP))
    .addOption(dryRunOption());
  needConfig(
    partitions,
    shell,
    (config) => withParked(config, partitions.opts<Options>(), replayPartitions),
  );
}

function filters(): readonly Option[] {
  return [
    new Option("--connector <name>", CONNECTOR_HELP),
    new Option("--queue <queue>", "only this parking queue").choices(["inbound", "event"]),
    new Option("--id <id>", "only this message, or the events about it"),
    new Option("--since <when>", "only what was parked since: 2h, 3d, or 2026-11-24T08:00Z")
      .argParser(parseSince),
    new Option("--reason <text>", "only those with this text in the reason"),
  ];
}

function dryRunOption(): Option {
  return new Option("--dry-run", "only count them");
}

function json(): Option {
  return new Option("--json", "one JSON object a line");
}

interface ListOptions extends Options {
  /** Width of the column for connectors; 0 with one channel only. */
  readonly connectorWidth: number;
}

async function withParked(
  config: Config,
  options: Options,
  work: (messages: ParkedChannels, options: ListOptions) => Promise<number>,
): Promise<number> {
  const channels = selectChannels(config, options.connector);
  if (channels === undefined) return EXIT.usage;
  const names = channels.map(({ connector_name }) => connector_name);
  const isOne = config.channels.length === 1;
  const connectorWidth = isOne ? 0 : Math.max(9, ...names.map((name) => name.length));
  return await withBroker(
    config,
    (broker) => work(new ParkedChannels(names, broker), { ...options, connectorWidth }),
  );
}

async function list(messages: ParkedChannels, options: ListOptions): Promise<number> {
  let listed = 0;
  const { connectorWidth: width } = options;
  using held = new HeldOutput();
  const line = (connector: string, ...cells: readonly (string | number)[]): void =>
    held.print(`${width === 0 ? "" : `${connector.padEnd(width)}  `}${row(...cells)}`);
  await messages.list(options, (message, connector) => {
    if (options.json) return held.print(`${plainJson(summary(message, connector, options))}\n`);
    if (listed++ === 0) {
      line("connector", "queue", "parked at (UTC)", "id", "status", "attempts", "reason");
    }
    const { queue, parkedAt, id, about, status, attempts, reason } = message;
    const at = parkedAt.slice(0, 19).replace("T", " ");
    line(connector, queue, at, about ?? id ?? "(unreadable)", status ?? "", attempts, reason);
  });
  if (!options.json) {
    held.print(listed === 0 ? NONE : `${messageCount(listed)}\n`);
  }
  return EXIT.ok;
}

const NONE = "No parked messages match.\n";

/** Characters of each column but the last; longer cells are not cut. */
const WIDTHS = [7, 19, 36, 6, 8];

/** One line, however long, so that thousands can be searched. */
function row(...cells: readonly (string | number)[]): string {
  const padded = cells.map((cell, index) => plainText(String(cell)).padEnd(WIDTHS[index] ?? 0));
  return `${padded.join("  ").trimEnd()}\n`;
}

async function show(messages: ParkedChannels, options: ListOptions): Promise<number> {
  let shown = 0;
  using held = new HeldOutput();
  await messages.list(options, (message, connector) => {
    shown++;
    const known = summary(message, connector, options);
    const whole = { ...known, headers: message.headers, body: bodyOf(message) };
    held.print(`${plainJson(whole, options.json ? undefined : 2)}\n`);
  });
  if (shown === 0) printError(NONE);
  return shown === 0 ? EXIT.findings : EXIT.ok;
}

async function replay(messages: ParkedChannels, options: Options): Promise<number> {
  // What is parked again meanwhile stays.
  const filter = { ...options, before: new Date() };
  if (options.dryRun) return report("Would replay", await countOf(messages, filter));
  return report("Replayed", await messages.replay(filter));
}

async function discard(messages: ParkedChannels, options: Options): Promise<number> {
  // What is parked after the question stays.
  const filter = { ...options, before: new Date() };
  if (options.dryRun) return report("Would delete", await countOf(messages, filter));
  if (!options.yes) {
    if (!Deno.stdin.isTerminal()) {
      printError("discard needs --yes without a terminal.\n");
      return EXIT.usage;
    }
    const found = messageCount(await countOf(messages, filter));
    if (!confirm(`Delete ${found} for good?`)) return EXIT.ok;
  }
  return report("Deleted", await messages.discard(filter));
}

async function replayPartitions(messages: ParkedChannels, options: Options): Promise<number> {
  if (options.dryRun) return report("Would replay", await messages.countPartitions());
  return report("Replayed", await messages.replayPartitions());
}

function report(what: string, count: number): number {
  print(`${what} ${messageCount(count)}.\n`);
  return EXIT.ok;
}

async function countOf(messages: ParkedChannels, filter: ParkedFilter): Promise<number> {
  let found = 0;
  await messages.list(filter, () => void found++);
  return found;
}

function messageCount(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}

/** Everything except what users wrote. */
function summary(
  { body: _, headers: _h, ...rest }: ParkedMessage,
  connector: string,
  { connectorWidth }: ListOptions,
): object {
  return connectorWidth === 0 ? rest : { connector, ...rest };
}

function bodyOf({ body }: ParkedMessage): unknown {
  const text = new TextDecoder().decode(body);
  const value = parseJson(text);
  return value === undefined ? text : value;
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
