/**
 * Seeing into the running program: logging, metrics, health.
 *
 * @module
 */

export * from "./health.ts";
export * from "./logging.ts";
export * from "./metrics.ts";
