/**
 * What is written to Deno KV, in what keys, and how it is committed. {@linkcode commitWrites} makes
 * one atomic commit of many writes; sums of one key become one mutation there, because in a busy
 * second most messages count the same thing.
 *
 * Keys are `[namespace, "v2 <shelf>", …]`. Another layout of keys or values takes another version.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** One mutation of one key; none is longer than 160 bytes. */
export type KvWrite =
  | {
    readonly type: "set";
    readonly key: Deno.KvKey;
    /** At most as large as Deno KV takes it. */
    readonly value: Uint8Array;
    /** Milliseconds after which Deno KV may sweep it. */
    readonly expireIn: number;
  }
  | { readonly type: "delete"; readonly key: Deno.KvKey }
  /** One more; the key is all of strings but for the namespace. */
  | { readonly type: "increment"; readonly key: Deno.KvKey };

/** The most that a key from here takes in the file; the longest have two 64 byte parts. */
const MAX_KEY_BYTES = 160;

/**
 * Deno KV's limits for a commit are 1,000 mutations, 819,200 bytes in all and 81,920 bytes of keys:
 * 81,920 / MAX_KEY_BYTES = 512.
 */
export const COMMIT_LIMITS = {
  maxItems: 500,
  maxBytes: 800_000,
  sizeOf: (write: KvWrite): number =>
    MAX_KEY_BYTES + (write.type === "set" ? write.value.length : 8),
} as const;

/**
 * A text as a part of a key. Deno KV takes 2,048 bytes a key and 81,920 a commit, and can't tell
 * lone surrogates apart, so all but short plain texts are hashed; to bytes, which equal no text.
 */
export function keyPart(text: string): Deno.KvKeyPart {
  if (/^[\x20-\x7e]{0,64}$/.test(text)) return text;
  return new Uint8Array(createHash("sha256").update(text, "utf16le").digest());
}

/** Commits all of the writes, of one namespace and in their order, or none. */
export async function commitWrites(kv: Deno.Kv, writes: readonly KvWrite[]): Promise<void> {
  const operation = kv.atomic();
  const sums = new Map<string, [key: Deno.KvKey, count: bigint]>();
  for (const { type, key } of writes) {
    if (type !== "increment") continue;
    const name = key.join("\0");
    sums.set(name, [key, (sums.get(name)?.[1] ?? 0n) + 1n]);
  }
  // First: a sum fails where there is no number, and Deno KV then keeps what it did before it.
  for (const [key, count] of sums.values()) operation.sum(key, count);
  for (const write of writes) {
    if (write.type === "set") {
      operation.set(write.key, write.value, { expireIn: write.expireIn });
    } else if (write.type === "delete") operation.delete(write.key);
  }
  // Without checks a commit can't come to nothing: it is made, or throws.
  await operation.commit();
}
