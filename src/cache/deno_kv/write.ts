// What is written to Deno KV, within which limits, and how it is committed.
//
// Keys are `[namespace, "v2 <prefix>", …]`. Another layout of keys or values takes another version.

import { createHash } from "node:crypto";

/** The most that a key from here takes in the file; the longest have two 64 byte parts. */
const MAX_KEY_BYTES = 160;

/** Deno KV commits up to 1,000 mutations, 819,200 bytes, and 81,920 of keys: 512 * MAX_KEY_BYTES. */
export const COMMIT_LIMITS = {
  maxItems: 500,
  maxBytes: 800_000,
  sizeOf: (write: Deno.KvMutation): number =>
    MAX_KEY_BYTES +
    ("value" in write && write.value instanceof Uint8Array ? write.value.length : 8),
} as const;

/**
 * A text as a part of a key. Deno KV takes 2,048 bytes a key and 81,920 a commit, and can't tell
 * lone surrogates apart, so all but short plain texts are hashed; to bytes, which equal no text.
 */
export function keyPart(text: string): Deno.KvKeyPart {
  if (/^[\x20-\x7e]{0,64}$/.test(text)) return text;
  return new Uint8Array(createHash("sha256").update(text, "utf16le").digest());
}

/**
 * Commits all of the writes, of one namespace and in their order, or none. Sums of one key, which is all
 * of texts but for the namespace, become one mutation: in a busy second most messages count the same.
 */
export async function commitWrites(kv: Deno.Kv, writes: readonly Deno.KvMutation[]): Promise<void> {
  const sums = new Map<string, [key: Deno.KvKey, sum: bigint]>();
  for (const write of writes) {
    if (write.type !== "sum") continue;
    const name = write.key.join("\0");
    sums.set(name, [write.key, (sums.get(name)?.[1] ?? 0n) + write.value.value]);
  }
  const operation = kv.atomic();
  // First: a sum fails where there is no number, and Deno KV then keeps what it did before it.
  for (const [key, sum] of sums.values()) operation.sum(key, sum);
  operation.mutate(...writes.filter(({ type }) => type !== "sum"));
  // Without checks a commit can't come to nothing: it is made, or throws.
  await operation.commit();
}
