/**
 * The handset: a page that shows the whole conversation, and at which all parties can be played.
 *
 * @module
 */

export type { Action } from "./actions.ts";
export * from "./demo_play.ts";
export * from "./events.ts";
export { isLoopback } from "./guard.ts";
export * from "./journal.ts";
export * from "./log_tap.ts";
export * from "./parking.ts";
export * from "./phone_play.ts";
export { PhoneError, Phones, type PhonesOptions } from "./phones.ts";
export * from "./server.ts";
