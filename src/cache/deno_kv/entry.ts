/**
 * How a message or a note lies in Deno KV: {@linkcode messageWrites} and {@linkcode noteWrite} make
 * the writes that keep it, {@linkcode readMessage} and {@linkcode readNote} read it back.
 *
 * A value is JSON in UTF-8, `[expiresAt, row]` (row.ts) or `[expiresAt, note]`: exact in size, and
 * faster to write than Deno KV's own form. What is too large for one value lies in chunks under a key
 * that is new each time, named by an `[expiresAt, {id, count}]` in its place: chunks are never written
 * over, so a reader finds all of one message's, or says that there is no message. A value that can't
 * be read is damaged, and counts as not there.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { keyPart, keyPrefix, type Kind, type KvWrite, type Shelf } from "./write.ts";
import type { Remembered } from "../mod.ts";
import { fromRow, isRow, type Row, toRow } from "../row.ts";

const log = getLogger(["turn-channels", "cache"]);

// Deno KV takes values of at most 65,536 bytes.
const MAX_VALUE_BYTES = 65_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Chunks {
  readonly id: string;
  readonly count: number;
}

type Entry = readonly [expiresAt: number, kept: Row | string | Chunks];

/** When something is written, and for how long. */
export interface Lifetime {
  /** Milliseconds on the cache's clock. */
  readonly now: number;
  /** Milliseconds from then. */
  readonly ttlMs: number;
}

/** What is written about the same id one soon after the other lies together: that costs half. */
const SHELVES: Readonly<Record<Kind, Shelf>> = {
  inbound: "in",
  delivered_inbound: "in",
  outbound: "out",
  confirmed: "out",
  told: "out",
  last_inbound: "user",
  last_outbound: "user",
  suspect: "suspect",
  answer: "answer",
  order: "order",
  delayed: "delayed",
  delayed_list: "delayed",
};

/** The key of a message or note. */
export function entryKey(namespace: string, kind: Kind, id: string): Deno.KvKey {
  return [...keyPrefix(namespace, SHELVES[kind]), keyPart(id), kind];
}

/**
 * The writes that keep `message` under each of `keys` (of the namespace). Those that others refer
 * to come first.
 */
export function messageWrites(
  message: Remembered,
  keys: readonly Deno.KvKey[],
  { namespace, now, ttlMs }: Lifetime & { readonly namespace: string },
): KvWrite[] {
  const expiresAt = now + ttlMs;
  const set = (key: Deno.KvKey, value: Uint8Array): KvWrite => (
    { type: "set", key, value, expireIn: ttlMs }
  );
  const value = encode([expiresAt, toRow(message)]);
  if (value.length <= MAX_VALUE_BYTES) return keys.map((key) => set(key, value));

  const id = crypto.randomUUID();
  const prefix = chunksPrefix(namespace, id);
  const count = Math.ceil(value.length / MAX_VALUE_BYTES);
  const chunks = Array.from({ length: count }, (_, index) =>
    set(
      [...prefix, index],
      value.subarray(index * MAX_VALUE_BYTES, (index + 1) * MAX_VALUE_BYTES),
    ));
  const head = encode([expiresAt, { id, count }]);
  return [...chunks, ...keys.map((key) => set(key, head))];
}

/** The write that keeps a note under `key`. */
export function noteWrite(key: Deno.KvKey, note: string, { now, ttlMs }: Lifetime): KvWrite {
  return { type: "set", key, value: encode([now + ttlMs, note]), expireIn: ttlMs };
}

/**
 * The message in the value of a key of the namespace, unless it has outlived its time at `now`.
 *
 * @param value As Deno KV answers it; null if the key is not there.
 */
export async function readMessage(
  value: unknown,
  { kv, namespace, now }: { kv: Deno.Kv; namespace: string; now: number },
): Promise<Remembered | undefined> {
  const kept = readKept(value, now);
  if (isRow(kept)) return fromRow(kept);
  if (typeof kept !== "object") return undefined;

  const parts: Uint8Array<ArrayBuffer>[] = [];
  const prefix = chunksPrefix(namespace, kept.id);
  for await (const chunk of kv.list<Uint8Array<ArrayBuffer>>({ prefix })) parts.push(chunk.value);
  if (parts.length < kept.count) return undefined;
  const [, whole] = decode(await new Blob(parts).bytes()) ?? [];
  return isRow(whole) ? fromRow(whole) : undefined;
}

/** The note in the value of a key, unless it has outlived its time at `now`. */
export function readNote(value: unknown, now: number): string | undefined {
  const kept = readKept(value, now);
  return typeof kept === "string" ? kept : undefined;
}

function readKept(value: unknown, now: number): Entry[1] | undefined {
  const [expiresAt, kept] = (value === null ? undefined : decode(value)) ?? [];
  return expiresAt === undefined || now >= expiresAt ? undefined : kept;
}

function chunksPrefix(namespace: string, id: string): Deno.KvKey {
  return [...keyPrefix(namespace, "chunk"), id];
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

/** Enough of a look to tell what was written here from anything else. */
function isEntry(value: unknown): value is Entry {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [expiresAt, kept] = value;
  return typeof expiresAt === "number" &&
    (isRow(kept) || typeof kept === "string" || isChunks(kept));
}

function isChunks(value: unknown): value is Chunks {
  return typeof value === "object" && value !== null && "id" in value && "count" in value &&
    typeof value.id === "string" && typeof value.count === "number";
}
