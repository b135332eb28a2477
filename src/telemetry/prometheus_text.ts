// Reading what a bridge tells Prometheus, for commands that ask a running one.

/** One value of a metric. */
export interface Sample {
  /** Values by names; without any escapes. */
  readonly labels: Readonly<Record<string, string>>;
  /** May be `NaN` or infinite. */
  readonly value: number;
}

/** The samples of a metric in the Prometheus text format, version 0.0.4. */
export function readSamples(text: string, metric: string): readonly Sample[] {
  // A label's value may hold what ends labels.
  const lines = text.matchAll(new RegExp(`^${metric}(?:\\{(.*)\\})? (\\S+)$`, "gm"));
  return Array.from(lines, ([, labels = "", value]) => ({
    labels: Object.fromEntries(Array.from(
      labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g),
      ([, name = "", escaped = ""]) => [name, unescapeLabel(escaped)],
    )),
    value: Number(value),
  }));
}

function unescapeLabel(escaped: string): string {
  return escaped.replace(/\\(.)/g, (_, character) => character === "n" ? "\n" : character);
}
