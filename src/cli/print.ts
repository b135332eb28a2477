/**
 * What a command says to the person who typed it.
 *
 * @module
 */

const encoder = new TextEncoder();

/** Writes to standard output. */
export function print(text: string): void {
  write(Deno.stdout, text);
}

/** Writes to standard error. */
export function printError(text: string): void {
  write(Deno.stderr, text);
}

function write(output: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(output.writeSync(bytes));
  } catch (error) {
    // Who reads has read enough, as `head` does.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
