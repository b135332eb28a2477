// What Deno KV's errors mean for the person who runs the program. Deno KV has no error classes, so
// SQLite's words tell them apart, and those of KV Connect.

import { messageOf } from "../../async/mod.ts";
import { TOKEN_VARIABLE } from "./remote.ts";

/** What is wrong with a cache, and what to do about it; both without a full stop. */
export type KvFault = Readonly<Record<"reason" | "fix", string>>;

const LOCKED = /database is locked/;

const FAULTS: readonly (readonly [RegExp, KvFault])[] = [
  [/unable to open database file/, {
    reason: "its directory is missing or closed to this user, or the path is not a file",
    fix: "create the directory and let this user write to it, or choose another path",
  }],
  [/readonly database|permission denied/i, {
    reason: "this user has no right to write to it",
    fix: "let this user write to the file and its directory, or choose another path",
  }],
  [/file is not a database|disk image is malformed/, {
    reason: "it is not a Deno KV database, or it is damaged",
    fix: "move the file away, so that a new one is created, or choose another path",
  }],
  // After 5 seconds, which no commit of Deno KV's own takes.
  [LOCKED, {
    reason: "another program keeps it locked",
    fix: "end that program, or choose another path",
  }],
  [/database or disk is full/, {
    reason: "the disk is full",
    fix: "make room on its disk, or choose another path",
  }],
  [/Requires (env|net) access/, {
    reason: "the program was started without the permission",
    fix: `start it with --allow-net, and --allow-env=${TOKEN_VARIABLE}`,
  }],
  [/Missing DENO_KV_ACCESS_TOKEN/, {
    reason: "there is no token for its server",
    fix: `set the environment variable ${TOKEN_VARIABLE}`,
  }],
  [/failed to connect to|no answer within/, {
    reason: "its server can't be reached, or does not answer",
    fix: "check that it runs and that the path is its URL",
  }],
  [/Requires (read|write) access/, {
    reason: "the program was started without the permission",
    fix: "start it with --allow-read and --allow-write for the path",
  }],
];

/**
 * A server's refusal, without its status in Deno 2.6. Behind it are words of the server's, which may
 * quote our token: not for a log.
 */
const REFUSED = /\bstatus[ =](\d{3})\b|Failed to fetch metadata/;

/** Whether another process is writing to the file. */
export function isLocked(error: unknown): boolean {
  return LOCKED.test(messageOf(error));
}

/** Puts an error of Deno KV into plain words. */
export function explainKvError(error: unknown): KvFault {
  const text = messageOf(error);
  const refused = REFUSED.exec(text);
  if (refused !== null) {
    const [, status] = refused;
    return {
      reason: status === undefined ? "its server refused" : `its server answered ${status}`,
      fix: `check that the path is its URL, and that it accepts the token in ${TOKEN_VARIABLE}`,
    };
  }
  const [, known] = FAULTS.find(([pattern]) => pattern.test(text)) ?? [];
  return known ?? { reason: text, fix: "check the file and its disk" };
}
