// What can be wrong with a configuration, and the report of it.

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

/** The faults as text for a terminal, with a line break at the end. */
export function formatFaults(faults: readonly Fault[]): string {
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  return [`The configuration has ${count}:\n`, ...faults.map(formatFault)].join("\n");
}

function formatFault({ key, value, expected, source }: Fault): string {
  return [
    `  ${key}`,
    `    value     ${value ?? "(missing)"}`,
    `    expected  ${expected}`,
    `    source    ${source}`,
    "",
  ].join("\n");
}
