/**
 * Files for the tests of the Deno KV cache, in a directory that is gone when the test file is through.
 *
 * @module
 */

import { DenoKvFile } from "../../src/cache/deno_kv/deno_kv_file.ts";
import { DenoKvStore } from "../../src/cache/deno_kv/deno_kv_store.ts";
import { MessageCache, type MessageCacheOptions } from "../../src/cache/mod.ts";
import { withOwner } from "./adapter.ts";

/** The directory that all files are in. */
export const directory: string = await Deno.makeTempDir({ prefix: "turn-channels-cache-" });
globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

/** Milliseconds for which a cache of {@linkcode openFile} remembers. */
export const DAY = 86_400_000;

/** The path of a file that is not there yet. */
export function newPath(): string {
  return `${directory}/${crypto.randomUUID()}.db`;
}

/** Opens a cache on the file, new or not, which it closes with itself. */
export async function openFile(
  path: string,
  namespace = "shared",
  options: Partial<Omit<MessageCacheOptions, "store">> = {},
): Promise<MessageCache> {
  const file = await DenoKvFile.open(path);
  return withOwner(cacheIn(file, namespace, options), file);
}

/** A cache in a file that is open already. */
export function cacheIn(
  file: DenoKvFile,
  namespace: string,
  options: Partial<Omit<MessageCacheOptions, "store">> = {},
): MessageCache {
  const store = new DenoKvStore({ ...options, file, namespace });
  return new MessageCache({ inboundTtlMs: DAY, outboundTtlMs: DAY, ...options, store });
}

/** The keys of a shelf in the file, of {@linkcode openFile}'s namespace. */
export async function keysOf(path: string, shelf: string): Promise<Deno.KvKey[]> {
  using kv = await Deno.openKv(path);
  return await Array.fromAsync(kv.list({ prefix: ["shared", `v2 ${shelf}`] }), ({ key }) => key);
}
