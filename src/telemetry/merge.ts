/**
 * The figures of several channels in one text for Prometheus: each channel's with its connector as a
 * label, and those of the program once.
 *
 * @module
 */

import { PROGRAM_METRICS } from "./catalogue.ts";

/** The text of one channel's metrics. */
export interface ChannelText {
  /** The connector's name. */
  readonly connector: string;
  /** The Prometheus text format, version 0.0.4. */
  readonly text: string;
}

/** A metric with its samples. */
interface Family {
  /** Its help and type. */
  readonly head: string[];
  readonly samples: string[];
}

/** One text; the same metric stands in one place, as the format wants it. */
export function mergeTexts(channels: readonly ChannelText[]): string {
  const families = new Map<string, Family>();
  for (const [index, { connector, text }] of channels.entries()) {
    let family: Family | undefined;
    let isProgram = false;
    for (const line of text.split("\n")) {
      const [, keyword, name = ""] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? [];
      if (keyword !== undefined) {
        family = families.get(name) ?? { head: [], samples: [] };
        families.set(name, family);
        isProgram = PROGRAM_METRICS.has(name);
        if (family.head.length < 2) family.head.push(line);
      } else if (line !== "" && (!isProgram || index === 0)) {
        family?.samples.push(isProgram ? line : withLabel(line, connector));
      }
    }
  }
  return [...families.values()]
    .map(({ head, samples }) => [...head, ...samples].join("\n") + "\n")
    .join("\n");
}

/** How the connector is told; its name needs no escaping but of `"` and `\\`. */
export function connectorLabel(connector: string): string {
  return `connector="${connector.replace(/["\\]/g, "\\$&")}"`;
}

/** A sample is `name{labels} value` or `name value`. */
function withLabel(sample: string, connector: string): string {
  const [, name = "", labels, rest = ""] = /^([^{\s]+)(?:\{(.*)\})?( .*)$/.exec(sample) ?? [];
  return `${name}{${labels ? `${labels},` : ""}${connectorLabel(connector)}}${rest}`;
}
