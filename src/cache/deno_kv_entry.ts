/**
 * How a message lies in Deno KV: keys, values and the limits of both. {@linkcode entryWrites} makes
 * the writes that keep a message, {@linkcode readEntry} reads it back.
 *
 * Keys are `[namespace, "v1", kind, id]`. Another layout of values takes another version, so a
 * value that can't be read is damaged, and counts as not there.
 *
 * A value is JSON in UTF-8, `{expiresAt, message}`: exact in size, and faster to write than Deno
 * KV's own form. What is too large for one value lies in chunks under a key that is new each time,
 * named by an `{expiresAt, chunks}` in its place: chunks are never written over, so a reader finds
 * all of one message's, or says that there is no message.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import type { Remembered } from "./mod.ts";

const log = getLogger(["turn-channels", "cache"]);

/** What is kept apart: an id means another message in each. */
export type Kind = "inbound" | "last_inbound" | "outbound";

/** One key to be set. */
export interface KvWrite {
  /** Of at most {@linkcode MAX_KEY_BYTES}. */
  readonly key: Deno.KvKey;
  /** At most as large as Deno KV takes it. */
  readonly value: Uint8Array;
  /** Milliseconds after which Deno KV may sweep it. */
  readonly expireIn: number;
}

// Deno KV takes values of at most 65,536 bytes.
const MAX_VALUE_BYTES = 65_000;

/** The most that a key from here takes in the file; the longest is made of two 64 byte parts. */
export const MAX_KEY_BYTES = 160;

const VERSION = "v1";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Entry =
  & { readonly expiresAt: number }
  & (
    | { readonly message: Remembered }
    | { readonly chunks: { readonly id: string; readonly count: number } }
  );

/** The key of a message of a kind. */
export function entryKey(namespace: string, kind: Kind, id: string): Deno.KvKey {
  return [keyPart(namespace), VERSION, kind, keyPart(id)];
}

/**
 * The writes that keep `message` under each of `keys` (of the namespace) until `now + ttlMs`. Those
 * that others refer to come first.
 */
export function entryWrites(
  message: Remembered,
  keys: readonly Deno.KvKey[],
  { namespace, now, ttlMs }: { namespace: string; now: number; ttlMs: number },
): KvWrite[] {
  const expiresAt = now + ttlMs;
  const expireIn = ttlMs;
  const value = encode({ expiresAt, message });
  if (value.length <= MAX_VALUE_BYTES) return keys.map((key) => ({ key, value, expireIn }));

  const id = crypto.randomUUID();
  const count = Math.ceil(value.length / MAX_VALUE_BYTES);
  const chunks = Array.from({ length: count }, (_, index) => ({
    key: [...chunksPrefix(namespace, id), index],
    value: value.subarray(index * MAX_VALUE_BYTES, (index + 1) * MAX_VALUE_BYTES),
    expireIn,
  }));
  const head = encode({ expiresAt, chunks: { id, count } });
  return [...chunks, ...keys.map((key) => ({ key, value: head, expireIn }))];
}

/** The message under `key` (of the namespace), unless it has outlived its time at `now`. */
export async function readEntry(
  kv: Deno.Kv,
  key: Deno.KvKey,
  { namespace, now }: { namespace: string; now: number },
): Promise<Remembered | undefined> {
  const { value } = await kv.get(key);
  const entry = value === null ? undefined : decode(value);
  if (entry === undefined || now >= entry.expiresAt) return undefined;
  if ("message" in entry) return entry.message;

  const parts: Uint8Array<ArrayBuffer>[] = [];
  const prefix = chunksPrefix(namespace, entry.chunks.id);
  for await (const chunk of kv.list<Uint8Array<ArrayBuffer>>({ prefix })) parts.push(chunk.value);
  if (parts.length < entry.chunks.count) return undefined;
  const whole = decode(await new Blob(parts).bytes());
  return whole !== undefined && "message" in whole ? whole.message : undefined;
}

/**
 * A text as a part of a key. Deno KV takes 2,048 bytes a key and 81,920 a commit, and can't tell
 * lone surrogates apart, so all but short plain texts are hashed; to bytes, which equal no text.
 */
function keyPart(text: string): Deno.KvKeyPart {
  if (/^[\x20-\x7e]{0,64}$/.test(text)) return text;
  return new Uint8Array(createHash("sha256").update(text, "utf16le").digest());
}

function chunksPrefix(namespace: string, id: string): Deno.KvKey {
  return [keyPart(namespace), VERSION, "chunk", id];
}

function encode(entry: Entry): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(entry));
}

function decode(value: unknown): Entry | undefined {
  try {
    const entry = value instanceof Uint8Array ? JSON.parse(decoder.decode(value)) : undefined;
    if (isEntry(entry)) return entry;
  } catch {
    // Not JSON. The engine's own message quotes the value, which has addresses: not for a log.
  }
  log.warn("Damaged entry in the cache taken as absent");
}

/** Enough of a look to tell what entryWrites() wrote from anything else. */
function isEntry(value: unknown): value is Entry {
  return typeof value === "object" && value !== null && "expiresAt" in value &&
    ("message" in value || "chunks" in value);
}
