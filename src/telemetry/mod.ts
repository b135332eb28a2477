/**
 * Seeing into the running program: logging, metrics, health.
 *
 * @module
 */

export * from "./health.ts";
export { type LogPrivacy, shortenAddress } from "./log_privacy.ts";
export * from "./logging.ts";
export * from "./metrics.ts";
export * from "./trace.ts";
