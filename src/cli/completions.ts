/**
 * `turn-channels completions bash|zsh|fish`: what a shell needs to complete our command line, from
 * the commands and flags themselves.
 *
 * @module
 */

import { Argument, type Command, type Option } from "commander";
import { configKeys, type JsonSchema } from "../config/mod.ts";
import { bashScript, fishScript, zshScript } from "./completion_scripts.ts";
import { print } from "./print.ts";

/** What can stand behind a flag. */
export type FlagValue =
  | { readonly kind: "none" | "any" | "file" }
  | { readonly kind: "words"; readonly words: readonly string[] };

/** A flag, with its dashes. */
export interface CompletedFlag {
  /** As it is typed. */
  readonly flag: string;
  /** What it is for, in a few words. */
  readonly description: string;
  /** What comes behind it. */
  readonly value: FlagValue;
}

/** A word that can be typed, and why. */
export interface CompletedWord {
  /** As it is typed. */
  readonly word: string;
  /** What it is for. */
  readonly description: string;
}

/** What can be typed behind these words. */
export interface CompletedCommand {
  /** The command's words; none for the program itself. */
  readonly path: readonly string[];
  /** Further commands, or what its argument can be. */
  readonly words: readonly CompletedWord[];
  /** Flags; the program itself has those of its default command. */
  readonly flags: readonly CompletedFlag[];
}

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

type Shell = keyof typeof SCRIPTS;

/** Adds the command; it knows those that are added to `program` later, too. */
export function addCompletions(program: Command): void {
  program.command("completions")
    .description("print what makes a shell complete commands and flags")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(SCRIPTS)))
    .action((shell: Shell) => print(SCRIPTS[shell](completedCommands(program))));
}

/** All commands, the program itself first. */
export function completedCommands(
  command: Command,
  path: readonly string[] = [],
): readonly CompletedCommand[] {
  const help = command.createHelp();
  const inner = help.visibleCommands(command);
  const words = [
    ...inner.map((sub) => ({ word: sub.name(), description: firstWords(sub.description()) })),
    ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices)
      .map((word) => ({ word, description: "" })),
  ];
  const options = [...help.visibleOptions(command)];
  const standard = inner.find((sub) => path.length === 0 && sub.name() === "run");
  if (standard !== undefined) options.push(...standard.options);
  return [
    { path, words, flags: options.flatMap(flagOf) },
    ...inner.flatMap((sub) => completedCommands(sub, [...path, sub.name()])),
  ];
}

function flagOf(option: Option): CompletedFlag[] {
  if (!option.long) return [];
  return [{
    flag: option.long,
    description: firstWords(option.description),
    value: valueOf(option),
  }];
}

/** By their names, as a path is text like any other. */
const FILE = /^(config|output|binary|.*-file|.*-path)$/;

function valueOf({ long, required, argChoices }: Option): FlagValue {
  if (!required) return { kind: "none" };
  const name = long?.slice(2) ?? "";
  const words = argChoices ?? wordsOf(configKeys().find(({ flag }) => flag === name)?.written);
  if (words !== undefined) return { kind: "words", words };
  return { kind: FILE.test(name) && name !== "vumi-api-path" ? "file" : "any" };
}

/** What editors are offered, too. */
function wordsOf(written: JsonSchema | undefined): readonly string[] | undefined {
  const offers = [written, ...(Array.isArray(written?.anyOf) ? written.anyOf : [])];
  const words: unknown = offers.find((offer) => Array.isArray(offer?.enum))?.enum;
  return Array.isArray(words) ? words.map(String) : undefined;
}

const LONGEST = 72;

/** The first sentence, so that a list of them can be read. */
function firstWords(text: string): string {
  const [sentence = ""] = text.split(/(?<=\w)[.;:](?: |$)/);
  return sentence.length <= LONGEST ? sentence : `${sentence.slice(0, LONGEST - 1)}…`;
}
