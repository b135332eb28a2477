/**
 * How much room there is where a file of the cache lies, for the command `check`.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Finding } from "../telemetry/mod.ts";

const GIB = 1024 ** 3;

/** With less, days of messages may not fit; with less than the second, not even an hour's. */
const LITTLE_BYTES = GIB;
const TOO_LITTLE_BYTES = GIB / 20;

/** Looks at the disk of `path`, which need not be there, but its directory. Never throws. */
export async function checkSpace(path: string): Promise<Finding> {
  const subject = "disk of the cache";
  try {
    const { bavail, bsize } = await statfs(dirname(path));
    return spaceFinding(subject, bavail * bsize);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { subject, ok: undefined, detail: `can't be told: ${reason}`, fix: "see df" };
  }
}

function spaceFinding(subject: string, bytes: number): Finding {
  const detail = `${(bytes / GIB).toFixed(bytes < GIB ? 2 : 0)} GiB free`;
  if (bytes >= LITTLE_BYTES) return { subject, ok: true, detail };
  return {
    subject,
    ok: bytes < TOO_LITTLE_BYTES ? false : undefined,
    detail: `only ${detail}`,
    fix:
      "make room, or choose another path: a message takes about 1 kB for as long as it is remembered",
  };
}
