// The answer to `GET /health`, in the shape that every vumi worker gives: one entry a component,
// and `down` as soon as one of them is.

/** The health of one component; further fields say more. */
export interface ComponentHealth {
  /** Whether it does its work; `degraded` when it waits for others and loses nothing. */
  readonly health: "ok" | "degraded" | "down";
  /** What else there is to know. */
  readonly [detail: string]: unknown;
}

/** The health of all components. */
export interface HealthReport {
  /** `down` when any component is; nothing less makes it that. */
  readonly health: "ok" | "down";
  /** Each component under its name. */
  readonly components: Readonly<Record<string, ComponentHealth>>;
}

/** Sums up components into a report. */
export function healthReport(components: HealthReport["components"]): HealthReport {
  const ok = Object.values(components).every(({ health }) => health !== "down");
  return { health: ok ? "ok" : "down", components };
}
