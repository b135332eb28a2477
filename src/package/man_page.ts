// The man page, made from what the program says of itself with `--help`.

interface ManPageOptions {
  readonly version: string;
  /** Seconds since 1970. */
  readonly epoch: number;
  /** What `--help` prints of a command; of the program itself for none. */
  readonly help: (...command: readonly string[]) => Promise<string>;
}

/** The page in roff, for `man 1 turn-channels`. */
export async function manPage({ version, epoch, help }: ManPageOptions): Promise<string> {
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  const whole = await help();
  const [, about = ""] = /^(?:Usage:.*\n\n)(.*)$/m.exec(whole) ?? [];
  const parts = [
    `.TH TURN\\-CHANNELS 1 ${date} "turn-channels ${version}"`,
    `.SH NAME\nturn\\-channels \\- ${roff(about.replace(/\.$/, ""))}`,
    `.SH SYNOPSIS\n.B turn\\-channels\n[command] [options]`,
    `.SH DESCRIPTION\n${body(whole)}`,
    ".SH COMMANDS",
    ...(await commands(whole, help)).map(({ name, text }) => `.SS ${roff(name)}\n${body(text)}`),
    FILES,
  ];
  return `${parts.join("\n")}\n`;
}

const FILES = `.SH FILES
.TP
.I /etc/turn\\-channels/config.yaml
The configuration of the service. Only root needs to read it, and what it names in this folder.
.TP
.I /var/lib/turn\\-channels
What the service remembers.
.TP
.I /usr/share/doc/turn\\-channels
The documentation: configuration.md has all keys, runbook.md what to do when something is wrong.`;

/** The configuration's keys, which are flags of most commands: once is enough. */
const KEYS = /^Configuration:\n(?:(?: .*)?\n)*/m;

/** The help of each command, and of those below it. */
async function commands(
  text: string,
  help: ManPageOptions["help"],
  above: readonly string[] = [],
): Promise<{ name: string; text: string }[]> {
  const [, list = ""] = /^Commands:\n((?: .*\n?)+)/m.exec(text) ?? [];
  const names = [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = ""]) => name);
  const found = [];
  for (const name of names) {
    const path = [...above, name];
    const own = await help(...path);
    const text = name === "run" ? own : own.replace(KEYS, "");
    found.push({ name: path.join(" "), text }, ...await commands(own, help, path));
  }
  return found;
}

/** A help text: usage, words, and lists of a term and what it means. */
function body(help: string): string {
  const lines: string[] = [];
  for (const line of help.trimEnd().split("\n")) {
    const [, term, meaning = ""] = /^ {2}(\S.*?)(?: {2,}(\S.*))?$/.exec(line) ?? [];
    if (term !== undefined) lines.push(".TP", `\\fB${roff(term)}\\fR`, ...textLines(meaning));
    else if (/^Usage: /.test(line)) lines.push(`.PP\n\\fI${roff(line)}\\fR`);
    else if (/^\S.*:$/.test(line)) lines.push(`.PP\n\\fB${roff(line)}\\fR`);
    else if (line === "") lines.push(".PP");
    else lines.push(...textLines(line.trim()));
  }
  return lines.join("\n");
}

function textLines(text: string): readonly string[] {
  return text === "" ? [] : [roff(text)];
}

/** As text that roff takes as it is. */
function roff(text: string): string {
  const codeOf = (char: string): string => char.codePointAt(0)?.toString(16).toUpperCase() ?? "";
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/, "\\&$&")
    .replaceAll(/[^\n\x20-\x7e]/gu, (char) => `\\[u${codeOf(char).padStart(4, "0")}]`);
}
