/**
 * {@linkcode MessageCache} in a file, by Deno KV: what was put is there after a restart, and after
 * a crash too. Several processes, and several channels, may share a file.
 *
 * A commit waits for the disk, so writes are committed in groups (group_commit.ts); a call costs more
 * than what it reads, so reads are made in groups too (group_read.ts). How a message or note lies in
 * the file is deno_kv_entry.ts's, a count deno_kv_tally.ts's. Deno KV sweeps up to minutes late, so
 * expiry is decided by the time that is kept with each entry.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { entryKey, messageWrites, noteWrite, readMessage, readNote } from "./entry.ts";
import { explainKvError } from "./fault.ts";
import { oldTallyWrites, readTallies, tallyWrites } from "./tally.ts";
import { inTime, kvName, openKv } from "./remote.ts";
import { COMMIT_LIMITS, commitWrites, keyName, type Kind, type KvWrite } from "./write.ts";
import { GroupCommit } from "../group_commit.ts";
import { GroupRead } from "../group_read.ts";
import {
  CacheError,
  type DayCount,
  type Lifetimes,
  type MessageCache,
  type Note,
  type NoteKind,
  type Remembered,
  type Tally,
} from "../mod.ts";
import { checkNotes } from "../record_limits.ts";
import { PendingWrites } from "../pending.ts";
import { checkTallies, dayAt } from "../tally.ts";

const log = getLogger(["turn-channels", "cache"]);

/** What a {@linkcode DenoKvMessageCache} needs. */
export interface DenoKvMessageCacheOptions extends Lifetimes {
  /** The file; made when missing, its directory is not. Or a server's URL; see deno_kv_remote.ts. */
  readonly path: string;
  /** Keeps users of the same file apart: the connector's name. */
  readonly namespace: string;
  /** Milliseconds on a clock that all processes and their restarts share; `Date.now` by default. */
  readonly now?: () => number;
}

/** Deno KV's limit for a call. */
const MAX_KEYS_READ = 10;

/** A file that is open, and the groups in which it is used. */
interface OpenFile {
  readonly kv: Deno.Kv;
  readonly writes: GroupCommit<KvWrite>;
  readonly reads: GroupRead<Deno.KvKey, unknown>;
  readonly pending: PendingWrites;
}

/** Remembers messages in a file; see the head of this file. */
export class DenoKvMessageCache implements MessageCache {
  readonly #file: OpenFile;
  readonly #options: DenoKvMessageCacheOptions;
  readonly #now: () => number;
  readonly #isOwner: boolean;
  #tidiedOn = "";
  #tidying: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(file: OpenFile, options: DenoKvMessageCacheOptions, isOwner: boolean) {
    this.#file = file;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#isOwner = isOwner;
    this.#tidyOncePerDay(this.#now());
  }

  /**
   * Opens the file, or makes it.
   *
   * @throws {CacheError} If it can't be read and written; the message names path and remedy.
   */
  static async open(options: DenoKvMessageCacheOptions): Promise<DenoKvMessageCache> {
    try {
      const { path } = options;
      const kv = await openKv(path);
      return new DenoKvMessageCache(openFile(kv, path), options, true);
    } catch (error) {
      throw cacheError("open", options.path, error);
    }
  }

  /**
   * Another cache in the same file, whose writes and reads are made together with this one's. To be
   * disposed before this one.
   */
  share(options: Lifetimes & { readonly namespace: string }): DenoKvMessageCache {
    return new DenoKvMessageCache(this.#file, { ...this.#options, ...options }, false);
  }

  /** See {@linkcode MessageCache.putInbound}. */
  putInbound(message: Remembered, tallies: readonly Tally[] = []): Promise<void> {
    const keys = [
      this.#key("inbound", message.message_id),
      this.#key("last_inbound", message.from_addr),
    ];
    return this.#putMessage(message, keys, this.#options.inboundTtlMs, tallies);
  }

  /** See {@linkcode MessageCache.getInbound}. */
  getInbound(messageId: string): Promise<Remembered | undefined> {
    return this.#getMessage("inbound", messageId);
  }

  /** See {@linkcode MessageCache.getLastInbound}. */
  getLastInbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#getMessage("last_inbound", userAddr);
  }

  /** See {@linkcode MessageCache.putOutbound}. */
  putOutbound(message: Remembered, tallies: readonly Tally[] = []): Promise<void> {
    const keys = [
      this.#key("outbound", message.message_id),
      this.#key("last_outbound", message.to_addr),
    ];
    return this.#putMessage(message, keys, this.#options.outboundTtlMs, tallies);
  }

  /** See {@linkcode MessageCache.getOutbound}. */
  getOutbound(messageId: string): Promise<Remembered | undefined> {
    return this.#getMessage("outbound", messageId);
  }

  /** See {@linkcode MessageCache.getLastOutbound}. */
  getLastOutbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#getMessage("last_outbound", userAddr);
  }

  /** See {@linkcode MessageCache.putNotes}. */
  async putNotes(notes: readonly Note[], tallies: readonly Tally[] = []): Promise<void> {
    checkNotes(notes);
    const now = this.#now();
    const writes = notes.map(({ kind, id, value, ttlMs }) =>
      noteWrite(this.#key(kind, id), value, { now, ttlMs })
    );
    await this.#write(writes, tallies, now);
  }

  /** See {@linkcode MessageCache.getNote}. */
  getNote(kind: NoteKind, id: string): Promise<string | undefined> {
    return this.#read(async () => readNote(await this.#value(kind, id), this.#now()));
  }

  /** See {@linkcode MessageCache.deleteNote}. */
  deleteNote(kind: NoteKind, id: string): Promise<void> {
    return this.#write([{ type: "delete", key: this.#key(kind, id) }], [], this.#now());
  }

  /** See {@linkcode MessageCache.tally}. */
  tally(tallies: readonly Tally[]): Promise<void> {
    return this.#write([], tallies, this.#now());
  }

  /** See {@linkcode MessageCache.tallied}. */
  tallied(): Promise<readonly DayCount[]> {
    return this.#read(() => readTallies(this.#file.kv, this.#options.namespace, this.#now()));
  }

  /** Takes no more, waits for the writes under way, and closes the file. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#tidying;
    await this.#file.writes.idle();
    if (this.#isOwner) this.#file.kv.close();
  }

  async #putMessage(
    message: Remembered,
    keys: readonly Deno.KvKey[],
    ttlMs: number,
    tallies: readonly Tally[],
  ): Promise<void> {
    const { namespace } = this.#options;
    const now = this.#now();
    await this.#write(messageWrites(message, keys, { namespace, now, ttlMs }), tallies, now);
  }

  #getMessage(kind: Kind, id: string): Promise<Remembered | undefined> {
    const { namespace } = this.#options;
    return this.#read(async () => {
      const value = await this.#value(kind, id);
      return await readMessage(value, { kv: this.#file.kv, namespace, now: this.#now() });
    });
  }

  async #write(writes: KvWrite[], tallies: readonly Tally[], now: number): Promise<void> {
    const { namespace, path } = this.#options;
    this.#refuseIfClosed();
    checkTallies(tallies);
    this.#tidyOncePerDay(now);
    const written = this.#file.writes.write([...writes, ...tallyWrites(namespace, tallies, now)]);
    this.#file.pending.add(writes.map(({ key }) => keyName(key)), written);
    try {
      await written;
    } catch (error) {
      throw cacheError("write to", path, error);
    }
  }

  /** What Deno KV has, once what is being written there is. */
  async #value(kind: Kind, id: string): Promise<unknown> {
    const key = this.#key(kind, id);
    const pending = this.#file.pending.ended(keyName(key));
    if (pending !== undefined) await pending;
    return await this.#file.reads.read(key);
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    this.#refuseIfClosed();
    try {
      return await inTime(this.#options.path, read());
    } catch (error) {
      // Deno KV aborts the reads under way when it is closed, with an error of its own.
      this.#refuseIfClosed();
      throw cacheError("read", this.#options.path, error);
    }
  }

  /** Removes counts of days long past, beside the work: nobody has to wait for it. */
  #tidyOncePerDay(now: number): void {
    const today = dayAt(now);
    if (today === this.#tidiedOn) return;
    this.#tidiedOn = today;
    this.#tidying = this.#tidy(now, this.#tidying);
  }

  async #tidy(now: number, before: Promise<void> | undefined): Promise<void> {
    await before;
    const { namespace, path } = this.#options;
    try {
      const writes = await inTime(path, oldTallyWrites(this.#file.kv, namespace, now));
      await this.#file.writes.write(writes);
    } catch (error) {
      // What was asked of the cache is done. It is tried again tomorrow, and at the next start.
      const { message } = cacheError("remove old counts from", path, error);
      log.warn("{reason}", { reason: message });
    }
  }

  #key(kind: Kind, id: string): Deno.KvKey {
    return entryKey(this.#options.namespace, kind, id);
  }

  #refuseIfClosed(): void {
    if (this.#closing === undefined) return;
    throw new CacheError(`Cannot use the ${kvName(this.#options.path)}: it is closed`);
  }
}

function openFile(kv: Deno.Kv, path: string): OpenFile {
  return {
    kv,
    writes: new GroupCommit({
      ...COMMIT_LIMITS,
      commit: (writes) => inTime(path, commitWrites(kv, writes)),
    }),
    reads: new GroupRead({
      maxKeys: MAX_KEYS_READ,
      read: (keys) => inTime(path, readValues(kv, keys)),
    }),
    pending: new PendingWrites(),
  };
}

async function readValues(kv: Deno.Kv, keys: readonly Deno.KvKey[]): Promise<unknown[]> {
  return (await kv.getMany<unknown[]>(keys)).map(({ value }) => value);
}

function cacheError(action: string, path: string, cause: unknown): CacheError {
  const { reason, fix } = explainKvError(cause);
  return new CacheError(`Cannot ${action} the ${kvName(path)}: ${reason}; ${fix}`, { cause });
}
