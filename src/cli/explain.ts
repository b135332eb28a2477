// `turn-channels explain <alert>`: what the runbook says of it, docs/runbook.md, which is in the program.

import { nearest } from "../config/mod.ts";
import { ALERTS, commandsFor } from "../telemetry/mod.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { plainText, print, WIDTH, wrapText } from "./print.ts";

const RUNBOOK = new URL("../../docs/runbook.md", import.meta.url);

/** Prints what is to be done about an alert, or, without a name, what there is; returns the exit code. */
export async function explain(alert: string | undefined): Promise<number> {
  const runbook = await Deno.readTextFile(RUNBOOK);
  if (alert === undefined) {
    print(overview(runbook));
    return EXIT.ok;
  }
  const names = Object.keys(ALERTS);
  const name = names.find((each) => each.toLowerCase() === alert.toLowerCase());
  if (name === undefined) {
    const known = wrapText(names.join(", "), WIDTH, "  ");
    const near = nearest(alert, names);
    const hint = near === undefined ? "" : ` Did you mean ${near}?`;
    throw new CommandError(
      EXIT.usage,
      `There is no alert ${plainText(alert)}.${hint} These are:\n${known}`,
    );
  }
  const { severity } = ALERTS[name] ?? {};
  const when = severity === "page" ? "wakes somebody" : "can wait for the morning";
  const [look = ""] = commandsFor(name);
  const section = sectionOf(runbook, `### ${name}`);
  print(`${name}: ${when}\n\n${section}\n\n  ${look.replaceAll(TEMPLATE_FLAG, "")}\n`);
  return EXIT.ok;
}

/** A label in a template of Prometheus. */
const TEMPLATE = /\{\{ \$labels\.(\w+) \}\}/g;

/** A flag whose value only an alert knows: the command is to run as it stands. */
const TEMPLATE_FLAG = new RegExp(` --[\\w-]+ ${TEMPLATE.source}`, "g");

function overview(runbook: string): string {
  const [, intro = ""] = /^# .*\n+([^]*?)^## /m.exec(runbook) ?? [];
  const alerts = Object.entries(ALERTS).map(([name, { severity, summary }]) =>
    wrapText(
      `${name} (${severity}): ${summary.replaceAll(TEMPLATE, "<$1>").replace("{{ $value }}", "N")}`,
      WIDTH,
      "  ",
      "    ",
    )
  );
  const rows = [...runbook.matchAll(/^\| (.*?) +\| (.*?) +\|$/gm)].slice(2).map((
    [, seen = "", why = ""],
  ) => `${wrapText(plain(seen), WIDTH, "  ")}\n${wrapText(plain(why), WIDTH, "      ")}`);
  return `${shown(intro)}\n\nAlerts; turn-channels explain with a name says more:\n${
    alerts.join("\n")
  }\n\nWithout an alert:\n${rows.join("\n")}\n`;
}

/** The paragraphs below a heading. */
function sectionOf(runbook: string, heading: string): string {
  const [, section = ""] = runbook.split(`\n${heading}\n`);
  return shown(section.split(/^#/m)[0] ?? "");
}

/** Markdown for a terminal: paragraphs in 80 columns, commands as they are. */
function shown(markdown: string): string {
  return markdown.trim().split(/\n\n+/).map((paragraph) => {
    const [, commands] = /^```sh\n([^]*)\n```$/.exec(paragraph) ?? [];
    if (commands !== undefined) return commands.replaceAll(/^/gm, "  ");
    return wrapText(plain(paragraph), WIDTH);
  }).join("\n\n");
}

/** What markdown says, without its signs. A link to another document becomes that document's name. */
function plain(markdown: string): string {
  return markdown.replaceAll(/\s+/g, " ").replaceAll("**", "")
    .replaceAll(
      /(\bsee )?\[([^\]]*)\]\((?:([\w-]+\.md))?[^)]*\)/g,
      (_, see = "", text, file) =>
        see === "" || file === undefined ? `${see}${text}` : `${see}"${text}" in docs/${file}`,
    )
    .replaceAll("`", "");
}
