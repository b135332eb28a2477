/**
 * What becomes of each message: the three flows, and their life from start to drained.
 *
 * @module
 */

export { Bridge, type BridgeOptions } from "./bridge.ts";
export type { RetryOptions } from "./courier.ts";
