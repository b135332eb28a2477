// `Store` in a file, by Deno KV: what was committed is there after a restart, and after a
// crash too. Several processes, and several stores, may share a file.
//
// Counters are numbers under `[namespace, "v2 tally", day, flow, result]`, to which a commit adds. Such
// a number can't be given a time to live, because adding to it takes that away, so days that are over
// are removed once a day.

import { getLogger } from "@logtape/logtape";
import {
  CacheError,
  type Change,
  dayAt,
  type DayCount,
  guardOf,
  isLeftAlone,
  type Key,
  type Store,
  TALLY_DAYS,
} from "../store.ts";
import type { DenoKvFile } from "./deno_kv_file.ts";
import { encodeEntry, readEntry } from "./entry.ts";
import { keyPart, type KvWrite } from "./write.ts";

const log = getLogger(["turn-channels", "cache"]);

/** What is written about the same id one soon after the other lies together: that costs half. */
const PREFIX_OF: Readonly<Record<string, string>> = {
  inbound: "in",
  delivered_inbound: "in",
  outbound: "out",
  confirmed: "out",
  told: "out",
  unacked: "out",
  last_inbound: "user",
  last_outbound: "user",
  last_held: "user",
  turn: "user",
  delayed_list: "delayed",
};

interface DenoKvStoreOptions {
  /** Where it lies; closed later than the store. */
  readonly file: DenoKvFile;
  /** Keeps users of the same file apart: the connector's name. */
  readonly namespace: string;
  /** Milliseconds on a clock that all processes and their restarts share; `Date.now` by default. */
  readonly now?: () => number;
  /** Whether counters of days long past are removed, which is so by default. */
  readonly tidies?: boolean;
}

export class DenoKvStore implements Store {
  readonly #file: DenoKvFile;
  readonly #namespace: Deno.KvKeyPart;
  readonly #now: () => number;
  /** The last commit under way of each key; none of them rejects. */
  readonly #pending = new Map<string, Promise<void>>();
  #tidiedOn = "";
  #tidying: Promise<void> | undefined;

  constructor({ file, namespace, now = Date.now, tidies = true }: DenoKvStoreOptions) {
    this.#file = file;
    this.#namespace = keyPart(namespace);
    this.#now = now;
    if (tidies) this.#tidyOncePerDay();
  }

  async get(key: Key): Promise<unknown> {
    const written = this.#pending.get(nameOf(key));
    if (written !== undefined) await written;
    return await this.#valueOf((await this.#file.get(this.#key(key))).value);
  }

  commit(changes: readonly Change[]): Promise<void> {
    this.#tidyOncePerDay();
    const written = this.#file.write(changes.flatMap((change) => this.#writesOf(change)));
    this.#watch(changes.flatMap(keysOf), written);
    return written;
  }

  async counters([first = ""]: readonly string[]): Promise<readonly DayCount[]> {
    const prefix = this.#prefix("tally");
    const kept = await this.#file.list({ prefix, start: [...prefix, first] });
    return kept.map(({ key, value }) => {
      const [, , day = "", flow = "", result = ""] = key.map(String);
      return { day, flow, result, count: value instanceof Deno.KvU64 ? Number(value.value) : 0 };
    });
  }

  async *all(kind: string): AsyncIterable<unknown> {
    const prefix = this.#prefix(PREFIX_OF[kind] ?? kind);
    for await (const { key, value } of this.#file.walk(prefix)) {
      if (key.at(-1) !== kind) continue;
      const kept = await this.#valueOf(value);
      if (kept !== undefined) yield kept;
    }
  }

  lasts(): Promise<boolean> {
    return this.#file.isInPlace();
  }

  /** Waits for what the file's closing would not wait for. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tidying;
  }

  async #valueOf(entry: unknown): Promise<unknown> {
    if (entry === null) return undefined;
    return await readEntry(entry, this.#now(), async (id) => {
      const prefix = [...this.#prefix("chunk"), id];
      const chunks = await this.#file.list<Uint8Array<ArrayBuffer>>({ prefix });
      return chunks.map(({ value }) => value);
    });
  }

  #writesOf(change: Change): KvWrite[] {
    switch (change.type) {
      case "set": {
        const { keys, value, ttlMs: expireIn } = change;
        const { bytes, chunks, id } = encodeEntry(value, this.#now() + expireIn);
        const set = (key: Deno.KvKey, value: Uint8Array): KvWrite => (
          { type: "set", key, value, expireIn }
        );
        // What others refer to comes first.
        return [
          ...chunks.map((chunk, index) => set([...this.#prefix("chunk"), id, index], chunk)),
          ...keys.map((key): KvWrite => {
            const guard = guardOf(change, key);
            if (guard === undefined) return set(this.#key(key), bytes);
            const isLeft = async (kept: unknown): Promise<boolean> =>
              isLeftAlone(guard, change, await this.#valueOf(kept));
            return { ...set(this.#key(key), bytes), isLeft };
          }),
        ];
      }
      case "delete":
        return [{ type: "delete", key: this.#key(change.key) }];
      case "count": {
        const key = [...this.#prefix("tally"), change.day, change.flow, change.result];
        return [{ type: "sum", key, value: new Deno.KvU64(1n) }];
      }
    }
  }

  /** Makes reads of the keys wait for the commit, so that they find what nobody has waited for. */
  #watch(keys: readonly Key[], written: Promise<void>): void {
    const names = keys.map(nameOf);
    const end = (): void => {
      for (const name of names) if (this.#pending.get(name) === ended) this.#pending.delete(name);
    };
    const ended = written.then(end, end);
    for (const name of names) this.#pending.set(name, ended);
  }

  /** Removes counters of days long past, beside the work: nobody has to wait for it. */
  #tidyOncePerDay(): void {
    const now = this.#now();
    const today = dayAt(now);
    if (today === this.#tidiedOn) return;
    this.#tidiedOn = today;
    this.#tidying = this.#tidy(dayAt(now, -TALLY_DAYS), this.#tidying);
  }

  async #tidy(firstKept: string, before: Promise<void> | undefined): Promise<void> {
    await before;
    const prefix = this.#prefix("tally");
    try {
      const end = [...prefix, firstKept];
      const old = await this.#file.list({ prefix, end });
      await this.#file.writeBeside(old.map(({ key }) => ({ type: "delete", key })));
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      // What was asked of the store is done. It is tried again tomorrow, and at the next start.
      log.warn("Could not remove old counts, will try tomorrow: {reason}", {
        reason: error.message,
      });
    }
  }

  #key([kind, id]: Key): Deno.KvKey {
    return [...this.#prefix(PREFIX_OF[kind] ?? kind), keyPart(id), kind];
  }

  #prefix(name: string): Deno.KvKey {
    return [this.#namespace, `v2 ${name}`];
  }
}

function keysOf(change: Change): readonly Key[] {
  return change.type === "set" ? change.keys : change.type === "delete" ? [change.key] : [];
}

function nameOf([kind, id]: Key): string {
  return `${kind} ${id}`;
}
