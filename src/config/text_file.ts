// Reading a text file of limited size, also if the path is not a regular file.

import { Buffer } from "node:buffer";

type TextReading =
  | { readonly kind: "ok"; readonly text: string }
  /** `expected` says what would be right, and quotes nothing of the file. */
  | { readonly kind: "faulty"; readonly expected: string };

export type ReadFile = (path: string, maxBytes: number) => Promise<Uint8Array>;

const MEBI = 1024 * 1024;

/** Reads a file of at most `maxBytes`, which is enough for a bundle of hundreds of certificates. */
export async function readText(
  path: string,
  readFile: ReadFile,
  maxBytes = MEBI,
): Promise<TextReading> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path, maxBytes + 1);
  } catch (error) {
    const name = error instanceof Error ? error.name : "error";
    return { kind: "faulty", expected: `a file that can be read; ${UNREADABLE[name] ?? name}` };
  }
  if (bytes.length > maxBytes) {
    const size = maxBytes < MEBI ? `${maxBytes / 1024} KiB` : `${maxBytes / MEBI} MiB`;
    return { kind: "faulty", expected: `a file of at most ${size}` };
  }
  try {
    return { kind: "ok", text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { kind: "faulty", expected: "a file with text in UTF-8" };
  }
}

/** Why a file can't be read, by the names of the runtime's errors. */
const UNREADABLE: Readonly<Record<string, string>> = {
  NotFound: "there is none",
  PermissionDenied: "this user may not: use sudo, or change its owner",
  IsADirectory: "this is a folder",
};

/** Reads at most `maxBytes`, as a file that is not a regular one may have no end. */
export async function readFromDisk(path: string, maxBytes: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(Math.min(maxBytes, MEBI));
  const chunks: Uint8Array[] = [];
  for (let left = maxBytes; left > 0;) {
    const count = await file.read(buffer.subarray(0, left));
    if (count === null) break;
    chunks.push(buffer.slice(0, count));
    left -= count;
  }
  return Buffer.concat(chunks);
}
