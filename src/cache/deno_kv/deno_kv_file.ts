// A file of Deno KV's, or a server, that the stores of several namespaces share. A commit waits for the
// disk, and a call costs more than what it reads, so both are done in groups.

import { isAbsolute, resolve } from "node:path";
import { getLogger } from "@logtape/logtape";
import { CacheError } from "../store.ts";
import { explainKvError } from "./fault.ts";
import { identityOf, makePrivate, openingFault } from "./file_access.ts";
import { groupCommit } from "./group_commit.ts";
import { Groups } from "./groups.ts";
import { KnownEntries } from "./known_entries.ts";
import { inTime, isFile, kvName, openKv } from "./remote.ts";
import {
  COMMIT_LIMITS,
  commitWrites,
  type KvWrite,
  MAX_KEYS_READ,
  readKeys,
  tryWriting,
} from "./write.ts";

const log = getLogger(["turn-channels", "cache"]);

/** Most entries that Deno KV lists at once. */
const MAX_ENTRIES_LISTED = 500;

export class DenoKvFile implements AsyncDisposable {
  readonly #path: string;
  readonly #kv: Deno.Kv;
  /** Of the file when it was opened. */
  readonly #identity: string | undefined;
  #isInPlace = true;
  readonly #writes: Groups<readonly KvWrite[], void>;
  readonly #writesBeside: Groups<readonly KvWrite[], void>;
  readonly #reads: Groups<Deno.KvKey, Deno.KvEntryMaybe<unknown>>;
  #closing: Promise<void> | undefined;

  private constructor(path: string, kv: Deno.Kv, identity: string | undefined) {
    this.#path = path;
    this.#kv = kv;
    this.#identity = identity;
    const known = new KnownEntries();
    const groups = () =>
      groupCommit<KvWrite>({
        ...COMMIT_LIMITS,
        commit: (writes) =>
          explained("write to", path, inTime(path, commitWrites(kv, writes, known))),
      });
    this.#writes = groups();
    this.#writesBeside = groups();
    this.#reads = new Groups({
      take: () => MAX_KEYS_READ,
      answer: (keys) => explained("read", path, inTime(path, readKeys(kv, keys))),
    });
  }

  /**
   * Opens the file, or makes it, and closes it to other users.
   * @param path The file; made when missing, its directory is not. Or a server's URL; see remote.ts.
   * @throws {CacheError} If it can't be read and written; the message names path and remedy.
   */
  static async open(path: string): Promise<DenoKvFile> {
    return await explained("open", path, this.#openToWork(path));
  }

  /**
   * Opens the file, which must be there, to look into it.
   * @throws {CacheError} If there is none, or it can't be read; the message names path and remedy.
   */
  static async openExisting(path: string): Promise<DenoKvFile> {
    return await explained("open", path, this.#openToLook(path));
  }

  static async #openToWork(path: string): Promise<DenoKvFile> {
    if (!isFile(path)) return new DenoKvFile(path, await openKv(path), undefined);
    await makePrivate(path);
    const kv = await openKv(path);
    try {
      await tryWriting(kv);
      return new DenoKvFile(path, kv, await identityOf(path));
    } catch (error) {
      kv.close();
      throw error;
    }
  }

  static async #openToLook(path: string): Promise<DenoKvFile> {
    if (!isFile(path)) return new DenoKvFile(path, await openKv(path), undefined);
    const identity = await identityOf(path);
    const reason = identity === undefined
      ? "there is none"
      // Of which SQLite would make a database.
      : (await Deno.stat(path)).size === 0
      ? "it is empty, so no bridge has used it"
      : undefined;
    if (reason === undefined) return new DenoKvFile(path, await openKv(path), identity);
    const [where, fix] = isAbsolute(path)
      ? ["", "has a bridge with this configuration run on this machine?"]
      : [
        `, looked for at ${resolve(path)}`,
        "give the whole path, as the bridge has it, or go to its working directory",
      ];
    throw new CacheError(`Cannot open the cache file ${path}: ${reason}${where}; ${fix}`);
  }

  /**
   * What lies under a key.
   * @throws {CacheError} If it can't be read; the same of what follows.
   */
  get(key: Deno.KvKey): Promise<Deno.KvEntryMaybe<unknown>> {
    return this.#reads.ask(key);
  }

  /** All that a selector finds, in the order of its keys. */
  list<T>(selector: Deno.KvListSelector): Promise<Deno.KvEntry<T>[]> {
    return this.#read(Array.fromAsync(this.#kv.list<T>(selector)));
  }

  /** The same one by one, of which there may be millions. */
  async *walk(prefix: Deno.KvKey): AsyncGenerator<Deno.KvEntry<unknown>> {
    const entries = this.#kv.list({ prefix }, { batchSize: MAX_ENTRIES_LISTED });
    for (;;) {
      const { done, value } = await this.#read(entries.next());
      if (done) return;
      yield value;
    }
  }

  /** Commits all of the writes, of one namespace and in their order, or none. */
  write(writes: readonly KvWrite[]): Promise<void> {
    return this.#writes.ask(writes);
  }

  /** The same beside all others: if it fails, none of them does. Its keys must be no others'. */
  writeBeside(writes: readonly KvWrite[]): Promise<void> {
    return this.#writesBeside.ask(writes);
  }

  /** Whether what is written can be found by whoever opens the path next; logged when it no longer can. */
  async isInPlace(): Promise<boolean> {
    if (!isFile(this.#path)) return true;
    // What can't be examined may be there.
    const identity = await identityOf(this.#path).catch(() => this.#identity);
    const isInPlace = identity === this.#identity;
    if (!isInPlace && this.#isInPlace) {
      const text =
        "The cache file {path} was deleted or replaced while in use: what is remembered " +
        "ends with this program, so restart it";
      log.error(text, { path: this.#path });
    }
    return this.#isInPlace = isInPlace;
  }

  #read<T>(work: Promise<T>): Promise<T> {
    return explained("read", this.#path, inTime(this.#path, work));
  }

  /** Waits for the writes under way, and closes the file. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= Promise.all([this.#writes.idle(), this.#writesBeside.idle()])
      .then(() => this.#kv.close());
  }
}

async function explained<T>(action: string, path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof CacheError) throw cause;
    const { reason, fix } = action === "open"
      ? await openingFault(path, cause)
      : explainKvError(cause);
    throw new CacheError(`Cannot ${action} the ${kvName(path)}: ${reason}; ${fix}`, { cause });
  }
}
