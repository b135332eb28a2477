/**
 * {@linkcode MessageCache} in a file, by Deno KV: what was put is there after a restart, and after
 * a crash too. Several processes, and several channels, may share a file.
 *
 * A commit waits for the disk, so writes are committed in groups (group_commit.ts); how a message
 * lies in the file is deno_kv_entry.ts's. Deno KV sweeps up to minutes late, so expiry is decided
 * by the time that is kept with each message.
 *
 * @module
 */

import {
  entryKey,
  entryWrites,
  type Kind,
  type KvWrite,
  MAX_KEY_BYTES,
  readEntry,
} from "./deno_kv_entry.ts";
import { explainKvError } from "./deno_kv_fault.ts";
import { GroupCommit } from "./group_commit.ts";
import { CacheError, type Lifetimes, type MessageCache, type Remembered } from "./mod.ts";

/** What a {@linkcode DenoKvMessageCache} needs. */
export interface DenoKvMessageCacheOptions extends Lifetimes {
  /** The file; made when missing, its directory is not. */
  readonly path: string;
  /** Keeps users of the same file apart: the connector's name. */
  readonly namespace: string;
  /** Milliseconds on a clock that all processes and their restarts share; `Date.now` by default. */
  readonly now?: () => number;
}

// Deno KV's limits for a commit are 1,000 mutations, 819,200 bytes in all and 81,920 bytes of keys:
// 81,920 / MAX_KEY_BYTES = 512.
const LIMITS = {
  maxItems: 500,
  maxBytes: 800_000,
  sizeOf: ({ value }: KvWrite) => value.length + MAX_KEY_BYTES,
} as const;

/** Remembers messages in a file; see the head of this file. */
export class DenoKvMessageCache implements MessageCache {
  readonly #kv: Deno.Kv;
  readonly #options: DenoKvMessageCacheOptions;
  readonly #now: () => number;
  readonly #writes: GroupCommit<KvWrite>;
  #closing: Promise<void> | undefined;

  private constructor(kv: Deno.Kv, options: DenoKvMessageCacheOptions) {
    this.#kv = kv;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#writes = new GroupCommit({ ...LIMITS, commit: (writes) => commit(kv, writes) });
  }

  /**
   * Opens the file, or makes it.
   *
   * @throws {CacheError} If it can't be read and written; the message names path and remedy.
   */
  static async open(options: DenoKvMessageCacheOptions): Promise<DenoKvMessageCache> {
    try {
      return new DenoKvMessageCache(await Deno.openKv(options.path), options);
    } catch (error) {
      throw cacheError("open", options.path, error);
    }
  }

  /** See {@linkcode MessageCache.putInbound}. */
  putInbound(message: Remembered): Promise<void> {
    const keys = [
      this.#key("inbound", message.message_id),
      this.#key("last_inbound", message.from_addr),
    ];
    return this.#put(message, keys, this.#options.inboundTtlMs);
  }

  /** See {@linkcode MessageCache.getInbound}. */
  getInbound(messageId: string): Promise<Remembered | undefined> {
    return this.#get("inbound", messageId);
  }

  /** See {@linkcode MessageCache.getLastInbound}. */
  getLastInbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#get("last_inbound", userAddr);
  }

  /** See {@linkcode MessageCache.putOutbound}. */
  putOutbound(message: Remembered): Promise<void> {
    const keys = [this.#key("outbound", message.message_id)];
    return this.#put(message, keys, this.#options.outboundTtlMs);
  }

  /** See {@linkcode MessageCache.getOutbound}. */
  getOutbound(messageId: string): Promise<Remembered | undefined> {
    return this.#get("outbound", messageId);
  }

  /** Takes no more, waits for the puts under way, and closes the file. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#writes.idle().then(() => this.#kv.close());
    return this.#closing;
  }

  async #put(message: Remembered, keys: readonly Deno.KvKey[], ttlMs: number): Promise<void> {
    const { namespace, path } = this.#options;
    this.#refuseIfClosed();
    try {
      const writes = entryWrites(message, keys, { namespace, now: this.#now(), ttlMs });
      await this.#writes.write(writes);
    } catch (error) {
      throw cacheError("write to", path, error);
    }
  }

  async #get(kind: Kind, id: string): Promise<Remembered | undefined> {
    const { namespace, path } = this.#options;
    this.#refuseIfClosed();
    try {
      return await readEntry(this.#kv, this.#key(kind, id), { namespace, now: this.#now() });
    } catch (error) {
      // Deno KV aborts the reads under way when it is closed, with an error of its own.
      this.#refuseIfClosed();
      throw cacheError("read", path, error);
    }
  }

  #key(kind: Kind, id: string): Deno.KvKey {
    return entryKey(this.#options.namespace, kind, id);
  }

  #refuseIfClosed(): void {
    if (this.#closing === undefined) return;
    throw new CacheError(`Cannot use the cache file ${this.#options.path}: it is closed`);
  }
}

async function commit(kv: Deno.Kv, writes: readonly KvWrite[]): Promise<void> {
  const operation = kv.atomic();
  for (const { key, value, expireIn } of writes) operation.set(key, value, { expireIn });
  // Without checks a commit can't come to nothing: it is made, or throws.
  await operation.commit();
}

function cacheError(action: string, path: string, cause: unknown): CacheError {
  const { reason, fix } = explainKvError(cause);
  return new CacheError(`Cannot ${action} the cache file ${path}: ${reason}; ${fix}`, { cause });
}
