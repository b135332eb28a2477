/**
 * Ports for those who can't take "any free one".
 *
 * Each file with tests has a block of its own: a port that was free a moment ago, or whose server is
 * being started again, is nobody else's. Who holds a block listens on its first port for as long as it
 * runs, so that the system gives it back by itself. All are below those that the system gives away.
 *
 * @module
 */

const FIRST = 10_000;
const BLOCKS = 150;
const PORTS_EACH = 100;

/** Our block; held from when the file is loaded, as a test would be said to leak it. */
const block = holdBlock();
let given = 0;

/** A port on 127.0.0.1 that is free, and is given to no other. */
export function freePort(): number {
  for (let tries = 1; tries < PORTS_EACH; tries++) {
    const port = block.first + 1 + given++ % (PORTS_EACH - 1);
    // Another program may be there that knows nothing of blocks.
    const listener = listenIfFree(port);
    listener?.close();
    if (listener) return port;
  }
  throw new Error(`All ports of the block from ${block.first} on are taken`);
}

function holdBlock(): { readonly first: number; readonly lock: Deno.Listener } {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let tries = 0; tries < BLOCKS; tries++) {
    const first = FIRST + (start + tries) % BLOCKS * PORTS_EACH;
    const lock = listenIfFree(first);
    if (lock) return { first, lock };
  }
  throw new Error(`All blocks of ports from ${FIRST} on are taken`);
}

/** Listens on 127.0.0.1, unless another program does. */
export function listenIfFree(port: number): Deno.Listener | undefined {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  }
}
