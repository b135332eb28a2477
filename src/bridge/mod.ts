/**
 * What becomes of each message: the three flows, and their life from start to drained.
 *
 * @module
 */

export { type Chosen, keptMeaning, type Meaning } from "./answers.ts";
export { Bridge } from "./bridge.ts";
export type { BridgeOptions, ContentOptions } from "./options.ts";
export * from "./delivery_records.ts";
export { type PartId, readPartId } from "./part_ids.ts";
export type { RetryOptions } from "./retries.ts";
