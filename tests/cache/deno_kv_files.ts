/**
 * Files for the tests of the Deno KV cache, in a directory that is gone when the test file is through.
 *
 * @module
 */

import { DenoKvMessageCache } from "../../src/cache/deno_kv/deno_kv_cache.ts";

/** The directory that all files are in. */
export const directory: string = await Deno.makeTempDir({ prefix: "turn-channels-cache-" });
globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

/** Milliseconds for which a cache of {@linkcode openFile} remembers. */
export const DAY = 86_400_000;

/** The path of a file that is not there yet. */
export function newPath(): string {
  return `${directory}/${crypto.randomUUID()}.db`;
}

/** Opens a cache on the file, new or not. */
export function openFile(path: string, namespace = "shared"): Promise<DenoKvMessageCache> {
  return DenoKvMessageCache.open({ path, namespace, inboundTtlMs: DAY, outboundTtlMs: DAY });
}

/** The keys of a shelf in the file, of {@linkcode openFile}'s namespace. */
export async function keysOf(path: string, shelf: string): Promise<Deno.KvKey[]> {
  using kv = await Deno.openKv(path);
  return await Array.fromAsync(kv.list({ prefix: ["shared", `v2 ${shelf}`] }), ({ key }) => key);
}
