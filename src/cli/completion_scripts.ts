/**
 * Completions as each shell wants them. A script finds the command that was typed so far, looks
 * whether a flag waits for its value, and else offers commands and flags.
 *
 * @module
 */

import type { CompletedCommand, CompletedFlag } from "./completions.ts";

const NAME = "turn-channels";

/** For bash 3.2 or newer. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  return `# ${NAME} completions bash > /etc/bash_completion.d/${NAME}
_turn_channels() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path="" words="" i
  # Bash takes "=" for a word of its own.
  if [[ "$word" == "=" ]]; then word=""; fi
  if [[ "$before" == "=" ]]; then before="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
      ${pathsOf(commands).map(quote).join(" | ")}) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$before" in
${valueCases(commands, (words) => `COMPREPLY=($(compgen -W ${quote(words)} -- "$word"))`)}
    ${alternatives(commands, "file")}) COMPREPLY=($(compgen -f -- "$word")); return ;;
    ${alternatives(commands, "any")}) COMPREPLY=(); return ;;
  esac
  case "$path" in
${
    commands.map(({ path, words, flags }) => {
      const all = [...words.map(({ word }) => word), ...flags.map(({ flag }) => flag)];
      return `    ${quote(pathText(path))}) words=${quote(all.join(" "))} ;;\n`;
    }).join("")
  }  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _turn_channels ${NAME}
`;
}

/** For zsh, in a file named \`_turn-channels\` in a folder of \`$fpath\`. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef ${NAME}
# ${NAME} completions zsh > "\${fpath[1]}/_${NAME}"
_turn_channels() {
  local before="\${words[CURRENT-1]}" at="" i
  local -a names flags
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      ${pathsOf(commands).map(quote).join(" | ")}) at="$at \${words[i]}" ;;
    esac
  done
  case "$before" in
${valueCases(commands, (words) => `compadd -- ${words}`)}
    ${alternatives(commands, "file")}) _files; return ;;
    ${alternatives(commands, "any")}) return ;;
  esac
  case "$at" in
${commands.map(zshCommand).join("")}  esac
  (( \${#names} )) && _describe -t commands 'command' names
  _describe -o -t options 'option' flags
}
if [[ "\${funcstack[1]}" == "_${NAME}" ]]; then
  _turn_channels "$@"
else
  compdef _turn_channels ${NAME}
fi
`;
}

function zshCommand({ path, words, flags }: CompletedCommand): string {
  const entry = (name: string, description: string): string =>
    quote(`${name}:${description.replaceAll(":", "\\:")}`);
  const names = words.map(({ word, description }) => entry(word, description));
  const options = flags.map(({ flag, description }) => entry(flag, description));
  return `    ${quote(pathText(path))})
      names=(${names.join(" ")})
      flags=(
        ${options.join("\n        ")}
      ) ;;
`;
}

/** For fish 3 or newer. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  return `# ${NAME} completions fish > ~/.config/fish/completions/${NAME}.fish
# Whether what was typed so far is this command, and no command within it.
function __turn_channels_at
    set -l at ""
    for word in (commandline -opc)[2..-1]
        contains -- "$at $word" ${pathsOf(commands).map(quote).join(" ")}
        and set at "$at $word"
    end
    test "$at" = "$argv[1]"
end
complete -c ${NAME} -f
${commands.flatMap(fishCommand).join("\n")}
`;
}

function fishCommand({ path, words, flags }: CompletedCommand): readonly string[] {
  const at = `complete -c ${NAME} -n ${quote(`__turn_channels_at "${pathText(path)}"`)}`;
  return [
    ...words.map(({ word, description }) => `${at} -a ${quote(word)} -d ${quote(description)}`),
    ...flags.map(({ flag, description, value }) =>
      `${at} -l ${flag.slice(2)}${fishValue(value)} -d ${quote(description)}`
    ),
  ];
}

function fishValue(value: CompletedFlag["value"]): string {
  switch (value.kind) {
    case "none":
      return "";
    case "any":
      return " -x";
    case "file":
      return " -r -F";
    case "words":
      return ` -x -a ${quote(value.words.join(" "))}`;
  }
}

/** One case for each flag that has its words. */
function valueCases(
  commands: readonly CompletedCommand[],
  offer: (words: string) => string,
): string {
  return flagsWith(commands, "words").map(({ flag, value }) => {
    const words = value.kind === "words" ? value.words.join(" ") : "";
    return `    ${flag}) ${offer(words)}; return ;;`;
  }).join("\n");
}

function alternatives(commands: readonly CompletedCommand[], kind: "file" | "any"): string {
  return flagsWith(commands, kind).map(({ flag }) => flag).join(" | ");
}

function flagsWith(
  commands: readonly CompletedCommand[],
  kind: CompletedFlag["value"]["kind"],
): readonly CompletedFlag[] {
  const byName = new Map(commands.flatMap(({ flags }) => flags).map((flag) => [flag.flag, flag]));
  return [...byName.values()].filter(({ value }) => value.kind === kind);
}

/** Each command as the scripts put it together: every word with a space before it. */
function pathText(path: readonly string[]): string {
  return path.map((word) => ` ${word}`).join("");
}

function pathsOf(commands: readonly CompletedCommand[]): readonly string[] {
  return commands.filter(({ path }) => path.length > 0).map(({ path }) => pathText(path));
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}
