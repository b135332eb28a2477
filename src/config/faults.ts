// What can be wrong with a configuration, and the report of it.

import { wrap } from "./wrap.ts";

/** Something that keeps the program from starting. Holds no secret. */
export interface Fault {
  /** The key, or "config file" when the file as a whole is meant. */
  readonly key: string;
  /** What was set, as text that may be shown; undefined if nothing was. */
  readonly value: string | undefined;
  /** What is expected instead. */
  readonly expected: string;
  /** Which file, variable or flag it came from; "nowhere" and where it can be set, if missing. */
  readonly source: string;
}

/** Something that has no effect. Holds no secret. */
export interface Warning {
  /** The key, as it was written. */
  readonly key: string;
  /** What is wrong, and where. */
  readonly message: string;
}

const WIDTH = 80;

/**
 * The faults as text for a terminal, with a line break at the end; then what has no effect, as a
 * misspelt key is why another one is missing.
 */
export function formatFaults(faults: readonly Fault[], warnings: readonly Warning[] = []): string {
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  return [
    `The configuration has ${count}:\n`,
    ...faults.map(formatFault),
    ...warnings.length === 0 ? [] : ["Besides:\n"],
    ...warnings.map(({ message }) => `${wrap(`- ${message}`, WIDTH - 2).join("\n    ")}\n`)
      .map((text) => `  ${text}`),
  ].join("\n");
}

function formatFault({ key, value, expected, source }: Fault): string {
  return [
    `  ${key}`,
    `    value     ${value ?? "(missing)"}`,
    `    expected  ${indented(expected)}`,
    `    source    ${indented(source)}`,
    "",
  ].join("\n");
}

function indented(text: string): string {
  const margin = " ".repeat(14);
  return wrap(text, WIDTH - margin.length).join(`\n${margin}`);
}
