/**
 * Secrets that stand in files of their own, as service managers and orchestrators hand them out:
 * what the file holds that `auth_token_file` names is the value of `auth_token`, and so for every
 * key that has such a second one. From here on nobody needs to know where a secret came from.
 *
 * @module
 */

import type { Fault } from "./faults.ts";
import type { Entry } from "./layers.ts";
import { showFaulty } from "./redaction.ts";
import { type ReadFile, readText } from "./text_file.ts";

/** What became of the entries. */
export interface SecretReading {
  /** All of them, with the values that files had. */
  readonly entries: readonly Entry[];
  /** Files that can't be used; they name key and path, and nothing of what is in it. */
  readonly faults: readonly Fault[];
  /** Keys, by their paths, whose value could not be had for such a fault. */
  readonly missing: ReadonlySet<string>;
}

const MAX_BYTES = 64 * 1024;

/** Reads the files that entries name, into the entries that they are for. */
export async function withSecretFiles(
  entries: readonly Entry[],
  readFile: ReadFile,
): Promise<SecretReading> {
  const faults: Fault[] = [];
  const missing = new Set<string>();
  const filled = await Promise.all(entries.map(async (entry) => {
    const named = entries.find(({ key }) => key.path === `${entry.key.path}_file`);
    if (named === undefined || !isGiven(named)) return entry;
    const value = isGiven(entry) ? "both" : await readSecret(named.value, readFile);
    if (Array.isArray(value)) {
      // One line is a value as it would stand elsewhere; whether there may be several is the key's rule.
      const source = `file ${showFaulty(named.key, named.value)}, which ${named.key.path} names`;
      return { ...entry, value: value.length === 1 ? value[0] : value, source };
    }
    missing.add(entry.key.path);
    faults.push(fault(named, entry, value));
    return entry;
  }));
  return { entries: filled, faults, missing };
}

function isGiven({ value }: Entry): boolean {
  return value !== undefined && value !== "";
}

/** The lines that the file has, without empty ones; or in words what would be right. */
async function readSecret(path: unknown, readFile: ReadFile): Promise<string[] | string> {
  if (typeof path !== "string") return "path of a file";
  const read = await readText(path, MAX_BYTES, readFile);
  if (read.kind === "faulty") return read.expected;
  const lines = read.text.split(/\r?\n/).filter((line) => line !== "");
  return lines.length === 0 ? "a file that is not empty" : lines;
}

function fault(named: Entry, { key, source }: Entry, expected: string): Fault {
  const both = expected === "both";
  return {
    key: named.key.path,
    value: showFaulty(named.key, named.value),
    expected: both ? `either ${key.path} or ${named.key.path}, not both` : expected,
    source: both ? `${named.source}; ${key.path} is in ${source}` : named.source ?? "",
  };
}
