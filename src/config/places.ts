// Where the configuration file is: the one that is named, else the first that is there.

import type { LoadOptions } from "./load.ts";
import { readFromDisk } from "./text_file.ts";

/** A configuration file, by its path. */
export interface ConfigPlace {
  /** As it was named: relative ones are below the current folder. */
  readonly path: string;
  /** What named it, or that nothing did. */
  readonly source: string;
}

/** Environment variables that name the file, the first one set counts. */
export const FILE_VARIABLES = ["TURN_CHANNELS_CONFIG", "VUMI_CONFIG_FILE"] as const;

/** Where it is looked for if nothing names it. */
export const USUAL_PLACES: readonly string[] = ["config.yaml", "/etc/turn-channels/config.yaml"];

/** The file that a flag or a variable names. */
export function namedPlace(
  { flags, env }: Pick<LoadOptions, "flags" | "env">,
): ConfigPlace | undefined {
  if (flags.config !== undefined) return { path: flags.config, source: "flag --config" };
  const variable = FILE_VARIABLES.find((name) => env[name]);
  const path = variable && env[variable];
  return path ? { path, source: `environment variable ${variable}` } : undefined;
}

/** The file that is named, else the first of the usual ones; also one that can't be read. */
export async function findPlace(
  options: Pick<LoadOptions, "flags" | "env" | "readFile">,
): Promise<ConfigPlace | undefined> {
  const named = namedPlace(options);
  if (named !== undefined) return named;
  const { readFile = readFromDisk } = options;
  for (const path of USUAL_PLACES) {
    const isThere = await readFile(path, 1)
      .then(() => true, (error) => !(error instanceof Deno.errors.NotFound));
    if (isThere) return { path, source: "a usual place" };
  }
  return undefined;
}
