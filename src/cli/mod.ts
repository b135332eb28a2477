/**
 * The command line: one file a command, and the wiring of the rooms.
 *
 * @module
 */

export { main } from "./entry.ts";
