/**
 * Loading configurations without files and without the real environment.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Config, type Fault, loadConfig, type LoadedConfig } from "../../src/config/mod.ts";

/** The least that must be set, as environment. */
export const REQUIRED: Readonly<Record<string, string>> = {
  CONNECTOR_NAME: "turn",
  HTTP_BIND: "127.0.0.1:8080",
  TURN_API_URL: "https://turn.example/v1",
  DEFAULT_FROM_ADDR: "8110",
  AUTH_TOKEN: "t0ken",
  TURN_HMAC_SECRET: "s3cret",
};

/** Layers to load from; `file` is the text of config.yaml, `files` are others by their paths. */
export interface Given {
  readonly file?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: Readonly<Record<string, string>>;
}

/** Loads what is given, and nothing else. */
export async function load(
  { file, files = {}, env = {}, flags = {} }: Given,
): Promise<LoadedConfig> {
  return await loadConfig({
    flags: file === undefined ? flags : { config: "config.yaml", ...flags },
    env,
    readFile(path, maxBytes) {
      const text = path === "config.yaml" ? file : files[path];
      if (text === undefined) return Promise.reject(new Deno.errors.NotFound(path));
      return Promise.resolve(new TextEncoder().encode(text).subarray(0, maxBytes));
    },
  });
}

/** Loads what is given and, where that says nothing, what is required; it must be valid. */
export async function valid(given: Given): Promise<Config> {
  const loaded = await load(withRequired(given));
  if (loaded.kind === "faulty") assert.fail(JSON.stringify(loaded.faults));
  return loaded.config;
}

/** The faults of what is given and, where that says nothing, of what is required: none. */
export async function faults(given: Given): Promise<readonly Fault[]> {
  const loaded = await load(withRequired(given));
  return loaded.kind === "faulty" ? loaded.faults : [];
}

function withRequired(given: Given): Given {
  const rest = Object.entries(REQUIRED).filter(([name]) =>
    !new RegExp(`^"?${name.toLowerCase()}"?:`, "m").test(given.file ?? "")
  );
  return { ...given, env: { ...Object.fromEntries(rest), ...given.env } };
}
