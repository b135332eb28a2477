// The HTTP routes: Turn's endpoint and `/livez` for everybody, and for operators `/health`, `/readyz`,
// `/status`, `/metrics` and `/openapi.json`, beside them or at an address of their own.

import { Hono } from "hono";
import {
  type EndpointOptions,
  internalError,
  methodNotAllowed,
  type OpenApi,
  pathNotFound,
  turnEndpoint,
} from "../turn/mod.ts";
import type { HealthReport } from "./health.ts";
import type { Status } from "./status.ts";

export interface Operation {
  readonly health: () => HealthReport;
  readonly unready: () => readonly string[];
  readonly status: () => Promise<Status>;
  readonly metrics: () => Promise<string>;
  readonly openApi: OpenApi;
}

/** Routes for the public, and for operators too if `operation` is given. */
export function publicRoutes(endpoints: readonly EndpointOptions[], operation?: Operation): Hono {
  const app = turnEndpoint(endpoints);
  addLiveness(app);
  if (operation !== undefined) addOperation(app, operation);
  return app;
}

export function adminRoutes(operation: Operation): Hono {
  const app = new Hono({ strict: false });
  addLiveness(app);
  addOperation(app, operation);
  app.notFound(pathNotFound);
  app.onError(internalError);
  return app;
}

/** Adds `/livez`, which is always ok: a restart would fix nothing else. */
function addLiveness(app: Hono): void {
  app.get("/livez", (context) => context.text("ok\n"));
  app.all("/livez", methodNotAllowed("GET", "HEAD"));
}

function addOperation(app: Hono, { health, unready, status, metrics, openApi }: Operation): void {
  app.get("/health", (context) => {
    const report = health();
    return context.json(report, report.health === "ok" ? 200 : 500);
  });
  app.get("/readyz", (context) => {
    const reasons = unready();
    const ready = reasons.length === 0;
    return context.json({ ready, reasons }, ready ? 200 : 503);
  });
  app.get("/status", async (context) => context.json(await status()));
  app.get("/metrics", async (context) => {
    const type = "text/plain; version=0.0.4; charset=utf-8";
    return context.body(await metrics(), 200, { "Content-Type": type });
  });
  app.get("/openapi.json", (context) => context.json(openApi));
  for (const path of ["/health", "/readyz", "/status", "/metrics", "/openapi.json"]) {
    app.all(path, methodNotAllowed("GET", "HEAD"));
  }
}
