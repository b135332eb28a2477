/**
 * Ports for those who can't take "any free one".
 *
 * @module
 */

/**
 * A port on 127.0.0.1 that is free now. It is below those that the system gives away by itself, so that
 * nobody is given it while its server is away.
 */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 15_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
