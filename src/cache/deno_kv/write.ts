// What is written to Deno KV, within which limits, and how it is committed.
//
// Keys are `[namespace, "v2 <prefix>", …]`. Another layout of keys or values takes another version.

import { createHash } from "node:crypto";
import { Backoff } from "../../async/mod.ts";
import { isLocked } from "./fault.ts";
import type { KnownEntries } from "./known_entries.ts";

/** The most that a key from here takes in the file; the longest have two 64 byte parts. */
const MAX_KEY_BYTES = 160;

/** A mutation. */
export type KvWrite = Deno.KvMutation & {
  /** Asked, if given, with the value that is there, or null: whether that is to be left alone. */
  readonly isLeft?: (kept: unknown) => Promise<boolean>;
};

const MAX_BYTES = 800_000;

/**
 * Deno KV commits up to 1,000 mutations, 819,200 bytes, and 81,920 of keys: 512 * MAX_KEY_BYTES; and up
 * to 100 checks, so what needs one counts as a hundredth of a commit at least.
 */
export const COMMIT_LIMITS = {
  maxItems: 500,
  maxBytes: MAX_BYTES,
  sizeOf: (write: KvWrite): number =>
    Math.max(
      write.isLeft === undefined ? 0 : MAX_BYTES / 100,
      MAX_KEY_BYTES +
        ("value" in write && write.value instanceof Uint8Array ? write.value.length : 8),
    ),
} as const;

/** Most keys that Deno KV reads in one call. */
const MOST_KEYS_IN_CALL = 10;

/** Most keys that are read together. */
export const MAX_KEYS_READ = 200;

/** What lies under the keys, in their order. */
export async function readKeys(
  kv: Deno.Kv,
  keys: readonly Deno.KvKey[],
): Promise<readonly Deno.KvEntryMaybe<unknown>[]> {
  const calls = Array.from({ length: Math.ceil(keys.length / MOST_KEYS_IN_CALL) }, (_, index) => {
    const from = index * MOST_KEYS_IN_CALL;
    return kv.getMany<unknown[]>(keys.slice(from, from + MOST_KEYS_IN_CALL));
  });
  return (await Promise.all(calls)).flat();
}

/**
 * A text as a part of a key. Deno KV takes 2,048 bytes a key and 81,920 a commit, and can't tell
 * lone surrogates apart, so all but short plain texts are hashed; to bytes, which equal no text.
 */
export function keyPart(text: string): Deno.KvKeyPart {
  if (/^[\x20-\x7e]{0,64}$/.test(text)) return text;
  return new Uint8Array(createHash("sha256").update(text, "utf16le").digest());
}

/** How long another process that writes is waited for; as long as SQLite does by itself. */
const LOCKED_MS = 5_000;
const NEVER = new AbortController().signal;

/**
 * Commits all of the writes, of one namespace and in their order, or none.
 * @param known Is looked at instead of what is there, and kept up to date.
 */
export async function commitWrites(
  kv: Deno.Kv,
  writes: readonly KvWrite[],
  known: KnownEntries,
): Promise<void> {
  const isGuarded = writes.some(({ isLeft }) => isLeft !== undefined);
  const backoff = new Backoff({ initialDelayMs: 4, maxDelayMs: 30 });
  const giveUpAt = performance.now() + LOCKED_MS;
  for (;;) {
    try {
      // It comes to nothing if another process has changed a key since that was looked at.
      if (await commitOnce(kv, writes, known)) return;
    } catch (error) {
      // SQLite does not wait by itself for another one that writes, if it has checked something before.
      if (!isGuarded || !isLocked(error) || performance.now() > giveUpAt) throw error;
    }
    await backoff.pause(NEVER);
  }
}

/**
 * Writes, reads and removes something of no meaning: that a file was opened says little.
 * @throws {Error} The runtime's.
 */
export async function tryWriting(kv: Deno.Kv): Promise<void> {
  const key = ["check", crypto.randomUUID()];
  await kv.set(key, "written", { expireIn: 60_000 });
  const { value } = await kv.get(key);
  await kv.delete(key);
  if (value !== "written") throw new Error("what was written could not be read back");
}

/**
 * Sums of one key, which is all of texts but for the namespace, become one mutation: in a busy second
 * most messages count the same.
 */
async function commitOnce(
  kv: Deno.Kv,
  writes: readonly KvWrite[],
  known: KnownEntries,
): Promise<boolean> {
  const sums = new Map<string, [key: Deno.KvKey, sum: bigint]>();
  for (const write of writes) {
    if (write.type !== "sum") continue;
    const name = nameOf(write.key);
    sums.set(name, [write.key, (sums.get(name)?.[1] ?? 0n) + write.value.value]);
  }
  const operation = kv.atomic();
  // First: a sum fails where there is no number, and Deno KV then keeps what it did before it.
  for (const [key, sum] of sums.values()) operation.sum(key, sum);
  const kept = await readKept(kv, writes, known);
  for (const entry of kept.values()) operation.check(entry);
  const values = new Map([...kept].map(([name, { value }]) => [name, value]));
  const written = new Set<string>();
  for (const write of writes) {
    if (write.type === "sum") continue;
    const name = nameOf(write.key);
    if (await write.isLeft?.(values.get(name) ?? null)) continue;
    if (values.has(name)) values.set(name, "value" in write ? write.value : null);
    written.add(name);
    operation.mutate(write);
  }
  // Should it fail, nothing is known of them.
  for (const name of new Set([...kept.keys(), ...written])) known.delete(name);
  const result = await operation.commit();
  if (!result.ok) return false;
  const { versionstamp } = result;
  for (const [name, entry] of kept) {
    const value = values.get(name) ?? null;
    if (!written.has(name)) known.set(name, entry);
    else if (value !== null) known.set(name, { key: entry.key, value, versionstamp });
  }
  return true;
}

/** What is there of the keys that may have to be left alone, as far as is known. */
async function readKept(
  kv: Deno.Kv,
  writes: readonly KvWrite[],
  known: KnownEntries,
): Promise<Map<string, Deno.KvEntryMaybe<unknown>>> {
  const kept = new Map<string, Deno.KvEntryMaybe<unknown>>();
  const unknown = new Map<string, Deno.KvKey>();
  for (const { isLeft, key } of writes) {
    if (isLeft === undefined) continue;
    const name = nameOf(key);
    const entry = known.get(name);
    if (entry === undefined) unknown.set(name, key);
    else kept.set(name, entry);
  }
  const entries = await readKeys(kv, [...unknown.values()]);
  for (const entry of entries) kept.set(nameOf(entry.key), entry);
  return kept;
}

function nameOf(key: Deno.KvKey): string {
  return key.join("\0");
}
