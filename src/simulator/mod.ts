/**
 * The demo: a fake Turn, a fake transport with its users, a script for them, and what shows it: a
 * terminal, and the page of handset/.
 *
 * @module
 */

export { NUMBER, type OutboundExample, USSD_CODE } from "./examples.ts";
export * from "./fake_turn.ts";
export * from "./inbox.ts";
export * from "./live.ts";
export * from "./screen.ts";
export * from "./scenario.ts";
export * from "./tour.ts";
export * from "./transport.ts";
export * from "./handset/mod.ts";
