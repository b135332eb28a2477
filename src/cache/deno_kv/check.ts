/**
 * Finds out whether a file, or a server, will do as a Deno KV cache, for the command `check`: opens,
 * writes, reads, deletes, and leaves things as they were.
 *
 * @module
 */

import { explainKvError } from "./fault.ts";
import { inTime, isRemote, kvName } from "./remote.ts";
import type { Finding } from "../../telemetry/mod.ts";

/** Tries the file or server of a cache; never throws. */
export async function checkDenoKv(path: string): Promise<Finding> {
  const subject = kvName(path);
  try {
    const isNew = !isRemote(path) && await isMissing(path);
    await inTime(path, tryWriting(path));
    if (!isNew) return { subject, ok: true, detail: "can be read and written" };
    // A file made by whoever runs the check may be closed to the user who will run the service.
    await Deno.remove(path);
    return { subject, ok: true, detail: "not there yet, can be made" };
  } catch (error) {
    const { reason, fix } = explainKvError(error);
    return { subject, ok: false, detail: reason, fix };
  }
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

async function tryWriting(path: string): Promise<void> {
  using kv = await Deno.openKv(path);
  const key = ["check", crypto.randomUUID()];
  await kv.set(key, "written", { expireIn: 60_000 });
  const { value } = await kv.get(key);
  await kv.delete(key);
  if (value !== "written") throw new Error("what was written could not be read back");
}
