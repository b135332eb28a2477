/**
 * What becomes of each message: the three flows, and their life from start to drained.
 *
 * @module
 */

export { Bridge, type BridgeOptions } from "./bridge.ts";
export type { BreakerState } from "./breaker.ts";
export type { TurnStatus } from "./gate.ts";
export * from "./notes.ts";
export { RETRY_PREFIX, type RetryOptions } from "./retries.ts";
