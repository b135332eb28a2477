/**
 * What becomes of each message: the three flows, and their life from start to drained.
 *
 * @module
 */

export { Bridge } from "./bridge.ts";
export type { BridgeOptions } from "./options.ts";
export * from "./delivery_records.ts";
export type { RetryOptions } from "./retries.ts";
