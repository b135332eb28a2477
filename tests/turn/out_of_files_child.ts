/**
 * A process that tells Turn of a message while it has no file descriptor left, and again when it has,
 * and prints what that came to. Argument: Turn's address.
 *
 * @module
 */

import { TurnClient } from "../../src/turn/mod.ts";

const [apiUrl = ""] = Deno.args;
using client = new TurnClient({ apiUrl, authToken: "s3cret", statusFormat: "flat" });

async function call(): Promise<void> {
  const message = { id: "m1", from: "+266", text: "Hello", timestamp: 1628345678 };
  const signal = new AbortController().signal;
  const result = await client.sendMessage(message, { timeoutMs: 60_000, signal });
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(result)}\n`));
}

// As the program does: what Deno needs for signals it makes when it needs it first.
Deno.addSignalListener("SIGTERM", () => Deno.exit(1));

const files: Deno.FsFile[] = [];
try {
  for (;;) files.push(Deno.openSync("/dev/null"));
} catch {
  // There are no more.
}
await call();
for (const file of files) file.close();
await call();
