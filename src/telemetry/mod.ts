/**
 * Seeing into the running program: logging, metrics, traces.
 *
 * @module
 */

export { type Alert, alertRules, ALERTS, commandsFor } from "./alerts.ts";
export { dashboard } from "./dashboard.ts";
export { countLeftFds } from "./descriptors.ts";
export type { Finding } from "./finding.ts";
export { type LogPrivacy, shortenAddress } from "./log_privacy.ts";
export type {
  ChannelSources,
  LogFigures,
  ProgramSources,
  QueueFigures,
  TurnFigures,
} from "./live_figures.ts";
export type { LogOutput } from "./log_writer.ts";
export * from "./logging.ts";
export * from "./loop_lag.ts";
export * from "./metrics.ts";
export type { OpenTelemetry as Tracing } from "./opentelemetry.ts";
export { readSamples, type Sample } from "./prometheus_text.ts";
export * from "./queue_watch.ts";
export { MetricsRegistry } from "./registry.ts";
export { logStrayOutput } from "./stray_output.ts";
export { type Heard, Transports } from "./transports.ts";
export * from "./trace.ts";
export { startTracing, type TracedBroker, type TracedMessage } from "./tracing.ts";
