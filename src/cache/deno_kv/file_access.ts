// The file of a Deno KV cache on its disk. It holds people's numbers, so it is its owner's alone; and what
// keeps this user from it is found out, as SQLite says the same of a missing directory and a missing right.

import { dirname, resolve } from "node:path";
import { getLogger } from "@logtape/logtape";
import { messageOf } from "../../async/mod.ts";
import { explainKvError, type KvFault } from "./fault.ts";
import { isFile } from "./remote.ts";

const log = getLogger(["turn-channels", "cache"]);

/** Makes the file, if there is none, and lets nobody but its owner read it and those that SQLite adds. */
export async function makePrivate(path: string): Promise<void> {
  try {
    // SQLite takes an empty file for a new database, and gives the files beside it the same mode.
    (await Deno.open(path, { write: true, createNew: true, mode: 0o600 })).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  for (const name of [path, `${path}-wal`, `${path}-shm`]) await closeToOthers(name);
}

/** By its path: closing a file that SQLite uses in this process would release SQLite's locks. */
async function closeToOthers(path: string): Promise<void> {
  const info = await statOf(path);
  const mode = info?.mode ?? 0;
  if (!info?.isFile || (mode & 0o077) === 0) return;
  try {
    await Deno.chmod(path, mode & 0o700);
  } catch (error) {
    const values = { path, mode: octal(mode), reason: messageOf(error) };
    const text =
      "Others than its owner can use {path} (mode {mode}), which holds people's numbers, " +
      "and this user can't change that: {reason}";
    log.warning(text, values);
  }
}

/** What tells a file from others that had or get the same path; undefined if there is none. */
export async function identityOf(path: string): Promise<string | undefined> {
  const info = await statOf(path);
  return info === undefined ? undefined : `${info.dev}:${info.ino}`;
}

/** Why a cache can't be opened, by what is found around its file, or else by the error alone. */
export async function openingFault(path: string, error: unknown): Promise<KvFault> {
  const access = isFile(path) ? await accessFault(path, error) : undefined;
  return access ?? explainKvError(error);
}

/** Errors that a missing right, a missing directory or a directory in place of the file may be behind. */
const NO_ACCESS = /unable to open|readonly database|\(os error (2|13|17|20|21|30)\)/;

/** Why this user can't use the file, if that is what `error` is about. */
async function accessFault(path: string, error: unknown): Promise<KvFault | undefined> {
  if (!NO_ACCESS.test(messageOf(error))) return undefined;
  const folder = dirname(resolve(path));
  const who = await whoWeAre();
  try {
    if (await statOf(folder) === undefined) {
      return {
        reason: `there is no directory ${folder}`,
        fix: `create it, as ${who}, ${OTHERWISE}`,
      };
    }
    const file = await statOf(path);
    if (file !== undefined && !file.isFile) {
      return { reason: "the path is not a file", fix: "choose another path" };
    }
    const closed = file && await writeFault(path) ? path : folder;
    const fault = await writeFault(closed);
    if (fault === undefined) return undefined;
    if (fault.includes("Read-only")) {
      const fix = `let the service manager make it writable, ${OTHERWISE}`;
      return { reason: `${closed} is read-only for this program`, fix };
    }
    const { uid, gid, mode } = await Deno.stat(closed);
    const owner = `user ${uid}, group ${gid}, mode ${octal(mode ?? 0)}`;
    return {
      reason: `${who} has no right to write to ${closed}, which is of ${owner}`,
      fix:
        `run this as the user who runs the bridge (sudo), or chown it to that user, ${OTHERWISE}`,
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    const fix =
      `run this as the user who runs the bridge (sudo), or let that user enter it, ${OTHERWISE}`;
    return { reason: `${who} has no right to enter ${folder}`, fix };
  }
}

const OTHERWISE = "or choose another path";

/** Why nothing can be written to this file, or made in this directory. */
async function writeFault(path: string): Promise<string | undefined> {
  const isFolder = (await Deno.stat(path)).isDirectory;
  const tried = isFolder ? `${path}/${crypto.randomUUID()}` : path;
  try {
    (await Deno.open(tried, { write: true, createNew: isFolder })).close();
    if (isFolder) await Deno.remove(tried);
    return undefined;
  } catch (error) {
    return error instanceof Deno.errors.NotCapable ? undefined : messageOf(error);
  }
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Without the permission to ask the system for it: of Linux's own files. */
async function whoWeAre(): Promise<string> {
  const uid = await Deno.stat("/proc/self").then((info) => info.uid, () => null);
  if (uid === null) return "this user";
  const users = await Deno.readTextFile("/etc/passwd").catch(() => "");
  const name = users.split("\n").map((line) => line.split(":"))
    .find(([, , id]) => id === `${uid}`)?.[0];
  return name === undefined ? `user ${uid}` : `user ${name} (${uid})`;
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8);
}
