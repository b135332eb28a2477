/**
 * Ports for those who can't take "any free one".
 *
 * @module
 */

/** A port on 127.0.0.1 that is free now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
