/**
 * What must be remembered between two messages: {@linkcode MessageCache}, above the small port
 * {@linkcode Store} with its adapters `memory.ts`, `deno_kv/` and `redis/`. What it must do on each of
 * them is written down in tests/cache/contract.ts.
 *
 * @module
 */

export * from "./message_cache.ts";
export { MOST_OF_USER } from "./of_user.ts";
export { MAX_NOTE_LENGTH, MAX_NOTES, type Note, type NoteKind } from "./notes.ts";
export type { KeptRecord, RecordKind } from "./records.ts";
export { userKey } from "./user_key.ts";
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
