// `Store` on a Redis or Valkey server, that bridges on several machines share. The server
// forgets in time; what is kept there lives as long as the server keeps it.
//
// While the server is away every use is an error at once, and works again when it is back; whether
// it is there at the start makes no difference. Each operation is one round trip. A Redis Cluster
// is not supported: its parts can't keep a message and a count together.
//
// Keys are `<prefix><kind>:<id>`, values JSON; counters are a hash a day, `<prefix>tally:<day>`, with a field
// `<flow>:<result>` each.

import { createHash } from "node:crypto";
import { parseJson } from "../../async/mod.ts";
import {
  type Change,
  type DayCount,
  guardOf,
  type Key,
  type Setting,
  type Store,
  TALLY_DAYS,
  textAt,
} from "../store.ts";
import { type RedisCommand, type RedisConnection, UNLESS_GREATER } from "./connection.ts";

// Two more than are listed, for clocks that differ.
const TALLY_TTL_S = (TALLY_DAYS + 2) * 86_400;

/** How many of its keys a server looks at in one go: it does nothing else meanwhile. */
const SCANNED = 1000;

export class RedisStore implements Store {
  readonly #connection: RedisConnection;
  readonly #prefix: string;

  /**
   * What lies under a prefix, which keeps users of one server apart.
   * @param connection Closed later than the store.
   */
  constructor(connection: RedisConnection, keyPrefix: string) {
    this.#connection = connection;
    this.#prefix = keyPrefix;
  }

  async get(key: Key): Promise<unknown> {
    const json = await this.#connection.send("read", ["get", this.#key(key)]);
    return typeof json === "string" ? parseJson(json) ?? null : undefined;
  }

  async commit(changes: readonly Change[]): Promise<void> {
    const commands = changes.flatMap((change) => this.#commandsOf(change));
    const days = changes.flatMap((change) => change.type === "count" ? [change.day] : []);
    for (const day of new Set(days)) commands.push(["expire", this.#tallyKey(day), TALLY_TTL_S]);
    await this.#connection.sendAll("write to", commands);
  }

  async counters(days: readonly string[]): Promise<readonly DayCount[]> {
    const commands = days.map((day): RedisCommand => ["hgetall", this.#tallyKey(day)]);
    const hashes = await this.#connection.sendAll("read", commands);
    return days.flatMap((day, index) => countsOf(day, hashes[index]));
  }

  async *all(kind: string): AsyncIterable<unknown> {
    const pattern = `${`${this.#prefix}${kind}:`.replace(/[\\*?[\]^]/g, "\\$&")}*`;
    let cursor = "0";
    do {
      const scan = ["scan", cursor, "match", pattern, "count", SCANNED] as const;
      const [next, keys] = scanned(await this.#connection.send("read", scan));
      const values = keys.length === 0
        ? []
        : await this.#connection.send("read", ["mget", ...keys]);
      for (const json of Array.isArray(values) ? values : []) {
        if (typeof json === "string") yield parseJson(json) ?? null;
      }
      cursor = next;
    } while (cursor !== "0");
  }

  /** Does nothing: the connection waits for what is under way, when it is closed. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #commandsOf(change: Change): RedisCommand[] {
    switch (change.type) {
      case "set":
        return this.#settingsOf(change);
      case "delete":
        return [["del", this.#key(change.key)]];
      case "count":
        return [["hincrby", this.#tallyKey(change.day), `${change.flow}:${change.result}`, 1]];
    }
  }

  #settingsOf(change: Setting): RedisCommand[] {
    const { keys, value } = change;
    const json = JSON.stringify(value);
    const ttlMs = Math.ceil(change.ttlMs);
    return keys.map((key): RedisCommand => {
      const set = ["set", this.#key(key), json, "px", ttlMs] as const;
      const guard = guardOf(change, key);
      if (guard === undefined) return set;
      if (guard === "any") return [...set, "nx"];
      return [UNLESS_GREATER, guard.greaterAt, textAt(guard.greaterAt, value), ...set];
    });
  }

  #tallyKey(day: string): string {
    return `${this.#prefix}tally:${day}`;
  }

  #key([kind, id]: Key): string {
    return `${this.#prefix}${kind}:${keyPart(id)}`;
  }
}

/**
 * An id as the end of a key. A lone surrogate can't be written in UTF-8, a colon would let one
 * prefix pass for another, and what is long is hashed; "#" is in no plain id.
 */
function keyPart(id: string): string {
  if (/^[\w+*.@-]{0,64}$/.test(id)) return id;
  return `#${createHash("sha256").update(id, "utf16le").digest("hex")}`;
}

function scanned(answer: unknown): readonly [cursor: string, keys: readonly string[]] {
  const [cursor, keys] = Array.isArray(answer) ? answer : [];
  return [String(cursor ?? "0"), Array.isArray(keys) ? keys.map(String) : []];
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
