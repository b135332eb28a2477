/**
 * `turn-channels parked list|show|replay|discard|replay-partitions`: what waits for a person, on a running system.
 *
 * @module
 */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { Config } from "../config/mod.ts";
import { ParkedChannels, type ParkedFilter, type ParkedMessage } from "../inspect/mod.ts";
import { CONNECTOR_HELP, selectChannels } from "./select_channels.ts";
import { needConfig, type Shell } from "./config_command.ts";
import { withBroker } from "./connection.ts";
import { EXIT } from "./exit_codes.ts";
import { HeldOutput } from "./held_output.ts";
import { plainJson, plainText } from "./plain_text.ts";
import { print, printError } from "./print.ts";

/** What can be said of which messages are meant, and how. */
interface Options extends ParkedFilter {
  readonly connector?: string;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Adds the commands to `program`. */
export function addParkedCommands(program: Command, shell: Shell): void {
  const parked = program.command("parked")
    .description("messages that Turn refused or nobody could read, kept with the reason")
    .helpCommand(false);
  const add = (
    name: string,
    description: string,
    options: readonly Option[],
    work: (messages: ParkedChannels, options: Told) => Promise<number>,
  ): void => {
    const command = parked.command(name).description(description);
    for (const option of [...filters(), ...options]) command.addOption(option);
    needConfig(
      command,
      shell,
      (config) => withParked(config, command.opts<Options>(), work),
    );
  };
  add("list", "one line a message", [json()], list);
  add("show", "all of each message, also what people wrote", [json()], show);
  add("replay", "put them back into their queue, in order, one confirmed message at a time", [
    new Option("--dry-run", "only say how many it would be"),
  ], replay);
  add("discard", "delete them", [
    new Option("--dry-run", "only say how many it would be"),
    new Option("--yes", "do not ask"),
  ], discard);
  const partitions = parked.command("replay-partitions")
    .description(
      "put what earlier versions left in partitions (….p0, …) back into its queue, in order",
    )
    .addOption(new Option("--connector <name>", CONNECTOR_HELP))
    .addOption(new Option("--dry-run", "only say how many it would be"));
  needConfig(
    partitions,
    shell,
    (config) => withParked(config, partitions.opts<Options>(), replayPartitions),
  );
}

function filters(): readonly Option[] {
  return [
    new Option("--connector <name>", CONNECTOR_HELP),
    new Option("--queue <queue>", "only messages of this one").choices(["inbound", "event"]),
    new Option("--id <id>", "only this message, or the events about it"),
    new Option("--since <when>", "only what was parked since then: 2h, 3d, or 2026-11-24T08:00Z")
      .argParser(parseSince),
    new Option("--reason <text>", "only those with this in their reason"),
  ];
}

function json(): Option {
  return new Option("--json", "one JSON object a line");
}

/** The options, and how to tell what is found. */
interface Told extends Options {
  /** Width of the column for connectors; 0 with one channel only. */
  readonly connectorWidth: number;
}

async function withParked(
  config: Config,
  options: Options,
  work: (messages: ParkedChannels, options: Told) => Promise<number>,
): Promise<number> {
  const channels = selectChannels(config, options.connector);
  if (channels === undefined) return EXIT.usage;
  const names = channels.map(({ connector_name }) => connector_name);
  const isOne = config.channels.length === 1;
  const told = { ...options, connectorWidth: isOne ? 0 : Math.max(...names.map(lengthOf), 9) };
  return await withBroker(config, (broker) => work(new ParkedChannels(names, broker), told));
}

function lengthOf({ length }: string): number {
  return length;
}

async function list(messages: ParkedChannels, options: Told): Promise<number> {
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
    held.print(listed === 0 ? "Nothing that is meant is parked.\n" : count(listed));
  }
  return EXIT.ok;
}

/** Characters of each column but the last; what is longer pushes the others aside, and stays whole. */
const WIDTHS = [7, 19, 36, 6, 8];

/** One line, however long, so that thousands can be searched. */
function row(...cells: readonly (string | number)[]): string {
  const padded = cells.map((cell, index) => plainText(String(cell)).padEnd(WIDTHS[index] ?? 0));
  return `${padded.join("  ").trimEnd()}\n`;
}

async function show(messages: ParkedChannels, options: Told): Promise<number> {
  let shown = 0;
  using held = new HeldOutput();
  await messages.list(options, (message, connector) => {
    shown++;
    const known = summary(message, connector, options);
    const whole = { ...known, headers: message.headers, body: bodyOf(message) };
    held.print(`${plainJson(whole, options.json ? undefined : 2)}\n`);
  });
  if (shown === 0) printError("No parked message is meant by that.\n");
  return shown === 0 ? EXIT.findings : EXIT.ok;
}

async function replay(messages: ParkedChannels, options: Options): Promise<number> {
  // What is parked again at once stays.
  const meant = { ...options, before: new Date() };
  if (options.dryRun) return await dryRun(messages, meant, "be put back into work");
  const moved = await messages.replay(meant);
  print(`Put back into work: ${moved}.\n`);
  return EXIT.ok;
}

async function discard(messages: ParkedChannels, options: Options): Promise<number> {
  // What is parked after it was asked stays.
  const meant = { ...options, before: new Date() };
  if (options.dryRun) return await dryRun(messages, meant, "be deleted");
  if (!options.yes) {
    if (!Deno.stdin.isTerminal()) {
      printError("Deleting wants --yes when there is nobody to ask.\n");
      return EXIT.usage;
    }
    const found = await countOf(messages, meant);
    if (!confirm(`Delete ${found} parked messages for good?`)) return EXIT.ok;
  }
  print(`Deleted: ${await messages.discard(meant)}.\n`);
  return EXIT.ok;
}

async function replayPartitions(messages: ParkedChannels, options: Options): Promise<number> {
  if (options.dryRun) print(`Would be put back into work: ${await messages.countPartitions()}.\n`);
  else print(`Put back into work: ${await messages.replayPartitions()}.\n`);
  return EXIT.ok;
}

async function dryRun(messages: ParkedChannels, filter: ParkedFilter, what: string) {
  print(`Would ${what}: ${await countOf(messages, filter)}.\n`);
  return EXIT.ok;
}

async function countOf(messages: ParkedChannels, filter: ParkedFilter): Promise<number> {
  let found = 0;
  await messages.list(filter, () => void found++);
  return found;
}

function count(listed: number): string {
  return listed === 1 ? "1 message\n" : `${listed} messages\n`;
}

/** All but what people wrote. */
function summary(
  { body: _, headers: _h, ...rest }: ParkedMessage,
  connector: string,
  { connectorWidth }: Told,
): object {
  return connectorWidth === 0 ? rest : { connector, ...rest };
}

function bodyOf({ body }: ParkedMessage): unknown {
  const text = new TextDecoder().decode(body);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
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
