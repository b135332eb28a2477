/**
 * A file of Deno KV's, or a server, that the stores of several namespaces share. A commit waits for the
 * disk, so writes are committed in groups (group_commit.ts); a call costs more than what it reads, so
 * reads are made in groups too (group_read.ts).
 *
 * @module
 */

import { CacheError } from "../store.ts";
import { explainKvError } from "./fault.ts";
import { GroupCommit } from "./group_commit.ts";
import { GroupRead } from "./group_read.ts";
import { inTime, kvName, openKv } from "./remote.ts";
import { COMMIT_LIMITS, commitWrites, type KvWrite } from "./write.ts";

/** Deno KV's limit for a call. */
const MAX_KEYS_READ = 10;

/** A file that is open; see the head of this file. */
export class DenoKvFile implements AsyncDisposable {
  readonly #path: string;
  readonly #kv: Deno.Kv;
  readonly #writes: GroupCommit<KvWrite>;
  readonly #reads: GroupRead<Deno.KvKey, unknown>;
  #closing: Promise<void> | undefined;

  private constructor(path: string, kv: Deno.Kv) {
    this.#path = path;
    this.#kv = kv;
    this.#writes = new GroupCommit({
      ...COMMIT_LIMITS,
      commit: (writes) => inTime(path, commitWrites(kv, writes)),
    });
    const read = async (keys: readonly Deno.KvKey[]) =>
      (await kv.getMany<unknown[]>(keys)).map(({ value }) => value);
    this.#reads = new GroupRead({
      maxKeys: MAX_KEYS_READ,
      read: (keys) => inTime(path, read(keys)),
    });
  }

  /**
   * Opens the file, or makes it.
   *
   * @param path The file; made when missing, its directory is not. Or a server's URL; see remote.ts.
   * @throws {CacheError} If it can't be read and written; the message names path and remedy.
   */
  static async open(path: string): Promise<DenoKvFile> {
    try {
      return new DenoKvFile(path, await openKv(path));
    } catch (error) {
      throw cacheError("open", path, error);
    }
  }

  /** The value of a key; null if there is none. */
  get(key: Deno.KvKey): Promise<unknown> {
    return this.#reads.read(key);
  }

  /** All that a selector finds, in the order of its keys. */
  list<T>(selector: Deno.KvListSelector): Promise<Deno.KvEntry<T>[]> {
    return Array.fromAsync(this.#kv.list<T>(selector));
  }

  /** What comes of a read; its errors in words for an operator. */
  async read<T>(work: Promise<T>): Promise<T> {
    try {
      return await inTime(this.#path, work);
    } catch (error) {
      throw cacheError("read", this.#path, error);
    }
  }

  /** Commits all of the writes, of one namespace and in their order, or none. */
  async write(writes: readonly KvWrite[]): Promise<void> {
    try {
      await this.#writes.write(writes);
    } catch (error) {
      throw cacheError("write to", this.#path, error);
    }
  }

  /** Waits for the writes under way, and closes the file. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#writes.idle().then(() => this.#kv.close());
  }
}

function cacheError(action: string, path: string, cause: unknown): CacheError {
  const { reason, fix } = explainKvError(cause);
  return new CacheError(`Cannot ${action} the ${kvName(path)}: ${reason}; ${fix}`, { cause });
}
