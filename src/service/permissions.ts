/**
 * Giving up permissions that are needed no more. Which ones the program starts with, and why, is in
 * docs/operation.md, "Permissions".
 *
 * @module
 */

/**
 * From now on nothing can be opened for writing. What is open stays so: the cache's file, and the
 * socket that is listened on.
 */
export function giveUpWriting(): void {
  Deno.permissions.revokeSync({ name: "write" });
  Deno.permissions.revokeSync({ name: "sys" });
}
