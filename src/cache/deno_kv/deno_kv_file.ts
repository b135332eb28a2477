// A file of Deno KV's, or a server, that the stores of several namespaces share. A commit waits for the
// disk, and a call costs more than what it reads, so both are done in groups.

import { CacheError } from "../store.ts";
import { explainKvError } from "./fault.ts";
import { groupCommit } from "./group_commit.ts";
import { Groups } from "./groups.ts";
import { inTime, kvName, openKv } from "./remote.ts";
import { COMMIT_LIMITS, commitWrites } from "./write.ts";

const MAX_KEYS_READ = 10;

export class DenoKvFile implements AsyncDisposable {
  readonly #path: string;
  readonly #kv: Deno.Kv;
  readonly #writes: Groups<readonly Deno.KvMutation[], void>;
  readonly #reads: Groups<Deno.KvKey, Deno.KvEntryMaybe<unknown>>;
  #closing: Promise<void> | undefined;

  private constructor(path: string, kv: Deno.Kv) {
    this.#path = path;
    this.#kv = kv;
    this.#writes = groupCommit({
      ...COMMIT_LIMITS,
      commit: (writes) => inTime(path, commitWrites(kv, writes)),
    });
    this.#reads = new Groups({
      take: () => MAX_KEYS_READ,
      answer: (keys) => inTime(path, kv.getMany<unknown[]>(keys)),
    });
  }

  /**
   * Opens the file, or makes it.
   * @param path The file; made when missing, its directory is not. Or a server's URL; see remote.ts.
   * @throws {CacheError} If it can't be read and written; the message names path and remedy.
   */
  static async open(path: string): Promise<DenoKvFile> {
    return new DenoKvFile(path, await explained("open", path, openKv(path)));
  }

  async get(key: Deno.KvKey): Promise<unknown> {
    return (await this.#reads.ask(key)).value;
  }

  /** All that a selector finds, in the order of its keys. */
  list<T>(selector: Deno.KvListSelector): Promise<Deno.KvEntry<T>[]> {
    return Array.fromAsync(this.#kv.list<T>(selector));
  }

  /** Waits for a read; puts its errors into words for an operator. */
  read<T>(work: Promise<T>): Promise<T> {
    return explained("read", this.#path, inTime(this.#path, work));
  }

  /** Commits all of the writes, of one namespace and in their order, or none. */
  write(writes: readonly Deno.KvMutation[]): Promise<void> {
    return explained("write to", this.#path, this.#writes.ask(writes));
  }

  /** Waits for the writes under way, and closes the file. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#writes.idle().then(() => this.#kv.close());
  }
}

async function explained<T>(action: string, path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const { reason, fix } = explainKvError(cause);
    throw new CacheError(`Cannot ${action} the ${kvName(path)}: ${reason}; ${fix}`, { cause });
  }
}
