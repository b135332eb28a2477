/**
 * Secrets in files of their own, as service managers and orchestrators provide them: the content of the
 * file that `auth_token_file` names is the value of `auth_token`, and so for every such pair of keys.
 *
 * @module
 */

import type { Fault } from "./faults.ts";
import type { Entry } from "./layers.ts";
import { showFaulty } from "./redaction.ts";
import { type ReadFile, readText } from "./text_file.ts";

interface SecretReading {
  /** With the values from files. */
  readonly entries: readonly Entry[];
  /** They hold nothing of a file's content. */
  readonly faults: readonly Fault[];
  /** Paths of keys whose file could not be used. */
  readonly missing: ReadonlySet<string>;
}

const MAX_BYTES = 64 * 1024;

export async function withSecretFiles(
  entries: readonly Entry[],
  readFile: ReadFile,
): Promise<SecretReading> {
  const faults: Fault[] = [];
  const missing = new Set<string>();
  const filled = await Promise.all(entries.map(async (entry) => {
    const { path } = entry.key;
    const named = entries.find(({ key }) => key.path === `${path}_file`);
    if (named === undefined || !isGiven(named)) return entry;
    const { key: { path: key }, source = "" } = named;
    const value = showFaulty(named.key, named.value);
    const read = isGiven(entry)
      ? {
        expected: `either ${path} or ${key}, not both`,
        source: `${source}; ${path} is in ${entry.source}`,
      }
      : await readSecret(named.value, readFile);
    if (Array.isArray(read)) {
      // Whether there may be several lines is for the key's rule to say.
      const lines = read.length === 1 ? read[0] : read;
      return { ...entry, value: lines, source: `file ${value}, which ${key} names` };
    }
    missing.add(path);
    faults.push({ key, value, source, ...read });
    return entry;
  }));
  return { entries: filled, faults, missing };
}

function isGiven({ value }: Entry): boolean {
  return value !== undefined && value !== "";
}

/** The file's lines without empty ones; or what is expected instead, in words. */
async function readSecret(
  path: unknown,
  readFile: ReadFile,
): Promise<string[] | { readonly expected: string }> {
  if (typeof path !== "string") return { expected: "path of a file" };
  const read = await readText(path, MAX_BYTES, readFile);
  if (read.kind === "faulty") return { expected: read.expected };
  const lines = read.text.split(/\r?\n/).filter((line) => line !== "");
  return lines.length === 0 ? { expected: "a file that is not empty" } : lines;
}
