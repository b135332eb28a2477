// The reference of the configuration in docs/configuration.md, from the schema alone.

import { type ConfigKey, configKeys } from "../../src/config/mod.ts";

/** A heading and a table for each group of keys, as `deno fmt` would write them. */
export function configReference(): string {
  return [...Map.groupBy(configKeys, ({ group }) => group)]
    .map(([group, keys]) => `### ${group}\n\n${table(keys)}`)
    .join("\n");
}

function table(keys: readonly ConfigKey[]): string {
  const rows = [["Key", "Value", "Default", "Meaning"], ...keys.map(cells)];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  const lines = rows.map((row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |\n`
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |\n`);
  return lines.join("");
}

function cells({ path, type, required, defaultText, description }: ConfigKey): string[] {
  const standard = required ? "required" : defaultText === "" ? "" : `\`${defaultText}\``;
  return [`\`${path}\``, type, standard, description].map((cell) => cell.replaceAll("|", "\\|"));
}
