/**
 * {@linkcode MessageCache} on a Redis or Valkey server, that bridges on several machines share. The
 * server forgets in time; what is kept there lives as long as the server keeps it.
 *
 * While the server is away every use is an error at once, and works again when it is back; whether
 * it is there at the start makes no difference. Each operation is one round trip. A Redis Cluster
 * is not supported: its parts can't keep a message and a count together.
 *
 * Keys are `<prefix><kind>:<id>`, messages and notes as JSON; counts are a hash a day,
 * `<prefix>tally:<day>`, with a field `<flow>:<result>` each.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import {
  type DayCount,
  type Lifetimes,
  type MessageCache,
  type Note,
  type NoteKind,
  type Remembered,
  type Tally,
  TALLY_DAYS,
} from "../mod.ts";
import { checkNotes } from "../record_limits.ts";
import { fromRow, isRow, toRow } from "../row.ts";
import { type RedisCommand, RedisConnection } from "./connection.ts";
import { checkTallies, dayAt, daysKept, inOrder } from "../tally.ts";

const log = getLogger(["turn-channels", "cache"]);

/** What a {@linkcode RedisMessageCache} needs. */
export interface RedisMessageCacheOptions extends Lifetimes {
  /** `redis://[[user]:password@]host[:port][/database]`, and `rediss://` for TLS. */
  readonly url: string;
  /** What all keys begin with; keeps users of one server apart. */
  readonly keyPrefix: string;
  /** Longest time for an answer of the server, in milliseconds; 1,000 by default. */
  readonly timeoutMs?: number;
  /** Milliseconds on the clock that tells the day for counts; `Date.now` by default. */
  readonly now?: () => number;
}

type Kind = "inbound" | "last_inbound" | "outbound" | "last_outbound" | NoteKind;

// Two more than are listed, for clocks that differ.
const TALLY_TTL_S = (TALLY_DAYS + 2) * 86_400;

/** Remembers messages on a server; see the head of this file. */
export class RedisMessageCache implements MessageCache {
  readonly #connection: RedisConnection;
  readonly #options: RedisMessageCacheOptions;
  readonly #now: () => number;
  readonly #isOwner: boolean;
  #isClosed = false;

  private constructor(
    connection: RedisConnection,
    options: RedisMessageCacheOptions,
    isOwner = true,
  ) {
    this.#isOwner = isOwner;
    this.#connection = connection;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Connects to the server. If that is away, resolves all the same: it is tried for ever.
   *
   * @throws {TypeError} If the address can't be read.
   */
  static async open(options: RedisMessageCacheOptions): Promise<RedisMessageCache> {
    const { url, timeoutMs = 1000 } = options;
    return new RedisMessageCache(await RedisConnection.open({ url, timeoutMs }), options);
  }

  /** Another cache on the same connection. To be disposed before this one. */
  share(options: Lifetimes & { readonly keyPrefix: string }): RedisMessageCache {
    return new RedisMessageCache(this.#connection, { ...this.#options, ...options }, false);
  }

  /** See {@linkcode MessageCache.putInbound}. */
  async putInbound(message: Remembered, tallies: readonly Tally[] = []): Promise<void> {
    const { inboundTtlMs } = this.#options;
    const json = JSON.stringify(toRow(message));
    await this.#write([
      set(this.#key("inbound", message.message_id), json, inboundTtlMs),
      set(this.#key("last_inbound", message.from_addr), json, inboundTtlMs),
      ...this.#count(tallies),
    ]);
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
  async putOutbound(message: Remembered, tallies: readonly Tally[] = []): Promise<void> {
    const { outboundTtlMs } = this.#options;
    const json = JSON.stringify(toRow(message));
    await this.#write([
      set(this.#key("outbound", message.message_id), json, outboundTtlMs),
      set(this.#key("last_outbound", message.to_addr), json, outboundTtlMs),
      ...this.#count(tallies),
    ]);
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
    const sets = notes.map(({ kind, id, value, ttlMs }) =>
      set(this.#key(kind, id), JSON.stringify(value), ttlMs)
    );
    await this.#write([...sets, ...this.#count(tallies)]);
  }

  /** See {@linkcode MessageCache.getNote}. */
  getNote(kind: NoteKind, id: string): Promise<string | undefined> {
    return this.#get(kind, id, isNote);
  }

  /** See {@linkcode MessageCache.deleteNote}. */
  deleteNote(kind: NoteKind, id: string): Promise<void> {
    return this.#write([["del", this.#key(kind, id)]]);
  }

  /** See {@linkcode MessageCache.tally}. */
  async tally(tallies: readonly Tally[]): Promise<void> {
    await this.#write(this.#count(tallies));
  }

  /** See {@linkcode MessageCache.tallied}. */
  async tallied(): Promise<readonly DayCount[]> {
    const days = daysKept(this.#now());
    const hashes = await this.#live().sendAll(
      "read",
      days.map((day) => ["hgetall", this.#tallyKey(day)]),
    );
    return inOrder(days.flatMap((day, index) => countsOf(day, hashes[index])));
  }

  /** Takes no more, waits for what is under way, and ends the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    if (this.#isOwner) await this.#connection[Symbol.asyncDispose]();
  }

  /** The connection may be open for others when this is closed. */
  #live(): RedisConnection {
    if (this.#isClosed) throw this.#connection.closedError();
    return this.#connection;
  }

  async #getMessage(kind: Kind, id: string): Promise<Remembered | undefined> {
    const row = await this.#get(kind, id, isRow);
    return row && fromRow(row);
  }

  async #get<T>(
    kind: Kind,
    id: string,
    isEntry: (value: unknown) => value is T,
  ): Promise<T | undefined> {
    const json = await this.#live().send("read", ["get", this.#key(kind, id)]);
    if (typeof json !== "string") return undefined;
    try {
      const value = JSON.parse(json);
      if (isEntry(value)) return value;
    } catch {
      // Not JSON. The engine's own message quotes the value, which has addresses: not for a log.
    }
    log.warn("Damaged entry in the cache taken as absent");
  }

  async #write(commands: readonly RedisCommand[]): Promise<void> {
    const [only] = commands;
    if (only !== undefined && commands.length === 1) await this.#live().send("write to", only);
    else await this.#live().sendAll("write to", commands);
  }

  /** The commands that count, on the day it is. */
  #count(tallies: readonly Tally[]): RedisCommand[] {
    checkTallies(tallies);
    if (tallies.length === 0) return [];
    const key = this.#tallyKey(dayAt(this.#now()));
    const counts = tallies.map((
      { flow, result },
    ): RedisCommand => ["hincrby", key, `${flow}:${result}`, 1]);
    return [...counts, ["expire", key, TALLY_TTL_S]];
  }

  #tallyKey(day: string): string {
    return `${this.#options.keyPrefix}tally:${day}`;
  }

  #key(kind: Kind, id: string): string {
    return `${this.#options.keyPrefix}${kind}:${keyPart(id)}`;
  }
}

function isNote(value: unknown): value is string {
  return typeof value === "string";
}

function set(key: string, value: string, ttlMs: number): RedisCommand {
  return ["set", key, value, "px", Math.ceil(ttlMs)];
}

/**
 * An id as the end of a key. A lone surrogate can't be written in UTF-8, a colon would let one
 * prefix pass for another, and what is long is hashed; "#" is in no plain id.
 */
function keyPart(id: string): string {
  if (/^[\w+*.@-]{0,64}$/.test(id)) return id;
  return `#${createHash("sha256").update(id, "utf16le").digest("hex")}`;
}

/** The counts in a hash, which is fields and values in turn. */
function countsOf(day: string, hash: unknown): DayCount[] {
  const parts = Array.isArray(hash) ? hash.map(String) : [];
  return parts.flatMap((field, index): DayCount[] => {
    if (index % 2 === 1) return [];
    const [flow = "", result = ""] = field.split(":");
    return [{ day, flow, result, count: Number(parts[index + 1]) }];
  });
}
