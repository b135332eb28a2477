// Finds out whether a file, or a server, will do as a Deno KV cache, for the command `check`: opens,
// writes, reads, deletes, and leaves things as they were; and looks how much room there is.

import { statfs } from "node:fs/promises";
import { dirname, isAbsolute, resolve } from "node:path";
import { messageOf } from "../../async/mod.ts";
import type { Finding } from "../../telemetry/mod.ts";
import { openingFault } from "./file_access.ts";
import { inTime, isRemote, kvName } from "./remote.ts";
import { tryWriting } from "./write.ts";

const GIB = 1024 ** 3;

/** With less, days of messages may not fit; with less than the second, not even an hour's. */
const LITTLE_BYTES = GIB;
const TOO_LITTLE_BYTES = GIB / 20;

/** Tries the file or server of a cache, and looks at a file's disk. Never throws. */
export async function checkDenoKv(path: string): Promise<readonly Finding[]> {
  if (isRemote(path)) return [await checkUse(path)];
  return [await checkUse(path), await checkSpace(path)];
}

async function checkUse(path: string): Promise<Finding> {
  const subject = kvName(path);
  try {
    const isNew = !isRemote(path) && await isMissing(path);
    await inTime(path, tryUsing(path));
    const place = isRemote(path) || isAbsolute(path) ? "" : `, as ${resolve(path)}`;
    if (!isNew) return { subject, ok: true, detail: `can be read and written${place}` };
    // A file made by whoever runs the check may be closed to the user who will run the service.
    await Deno.remove(path);
    return { subject, ok: true, detail: `does not exist yet, can be created${place}` };
  } catch (error) {
    const { reason, fix } = await openingFault(path, error);
    return { subject, ok: false, detail: reason, fix };
  }
}

function isMissing(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => false, (error) => error instanceof Deno.errors.NotFound);
}

async function tryUsing(path: string): Promise<void> {
  using kv = await Deno.openKv(path);
  await tryWriting(kv);
}

/** Looks at the disk of `path`, which need not exist, though its directory must. */
async function checkSpace(path: string): Promise<Finding> {
  const subject = "disk of the cache";
  try {
    const { bavail, bsize } = await statfs(dirname(path));
    const bytes = bavail * bsize;
    const detail = `${(bytes / GIB).toFixed(bytes < GIB ? 2 : 0)} GiB free`;
    if (bytes >= LITTLE_BYTES) return { subject, ok: true, detail };
    return {
      subject,
      ok: bytes < TOO_LITTLE_BYTES ? false : undefined,
      detail: `only ${detail}`,
      fix: "make room, or choose another path: a message takes about 1 kB while it is remembered",
    };
  } catch (error) {
    const detail = `can't be determined: ${messageOf(error)}`;
    return { subject, ok: undefined, detail, fix: "see df" };
  }
}
