// Secrets in files of their own, as service managers and orchestrators provide them: the content of the
// file that `auth_token_file` names is the value of `auth_token`, and so for every such pair of keys.

import type { Fault } from "./faults.ts";
import { faultOf, type Setting } from "./layers.ts";
import { looksLikePath, showFaulty } from "./redaction.ts";
import { type ReadFile, readText } from "./text_file.ts";

const MAX_BYTES = 64 * 1024;

export async function withSecretFiles(settings: readonly Setting[], readFile: ReadFile) {
  const faults: Fault[] = [];
  const filled = await Promise.all(settings.map(async (setting) => {
    const { path } = setting.key;
    const named = settings.find(({ key }) => key.path === `${path}_file`);
    if (named === undefined || !isGiven(named)) return setting;
    const fail = (expected: string, source = named.source): Setting => {
      faults.push(faultOf({ ...named, source }, expected));
      return setting;
    };
    if (isGiven(setting)) {
      const source = `${named.source}; ${path} is in ${setting.source}`;
      return fail(`either ${path} or ${named.key.path}, not both`, source);
    }
    const read = await readSecret(named.value, readFile);
    if (typeof read === "string") {
      const isPath = typeof named.value === "string" && looksLikePath(named.value);
      // What is no path for sure is not shown, and was perhaps meant to be the secret.
      return fail(
        isPath ? read : `${read}. Begin its path with / or ./; a secret itself is ${path}`,
      );
    }
    // Whether there may be several lines is for the key's rule to say.
    const value = read.length === 1 ? read[0] : read;
    const file = showFaulty(named.key, named.value);
    return { ...setting, value, source: `file ${file}, which ${named.key.path} names` };
  }));
  return { settings: filled, faults };
}

function isGiven({ value }: Setting): boolean {
  return value !== undefined && value !== "";
}

/** The file's lines without empty ones; or what is expected instead, in words. */
async function readSecret(path: unknown, readFile: ReadFile): Promise<string[] | string> {
  if (typeof path !== "string") return "path of a file";
  const read = await readText(path, readFile, MAX_BYTES);
  if (read.kind === "faulty") return read.expected;
  const lines = read.text.split(/\r?\n/).filter((line) => line !== "");
  return lines.length === 0 ? "a file that is not empty" : lines;
}
