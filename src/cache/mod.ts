/**
 * What must be remembered between two messages: {@linkcode MessageCache}, above the small port
 * {@linkcode Store} with its adapters `memory.ts`, `deno_kv/` and `redis/`. What it must do on each of
 * them is written down in tests/cache/contract.ts.
 *
 * @module
 */

export type { CacheStatus } from "./health.ts";
export * from "./message_cache.ts";
export { MOST_OF_USER, type Way } from "./of_user.ts";
export { MAX_NOTE_LENGTH, MAX_NOTES, type Note, type NoteKind } from "./notes.ts";
export type { KeptRecord, OrderedRecord, RecordKind } from "./records.ts";
export { type ReadNational, UserAddresses, userKey } from "./user_key.ts";
export { type Remembered, remembered } from "./remembered.ts";
export {
  CacheError,
  type Change,
  type DayCount,
  type Guard,
  type Key,
  type Setting,
  type Store,
  type Tally,
  TALLY_DAYS,
  type Value,
} from "./store.ts";
