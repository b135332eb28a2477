// The whole HTTP interface as OpenAPI 3.1: Turn's part, and the routes for operators.

import manifest from "../../deno.json" with { type: "json" };
import { type OpenApi, turnApi, type TurnApiOptions } from "../turn/mod.ts";

export function openApiDocument(options: TurnApiOptions): OpenApi {
  const { paths, webhooks, components } = turnApi(options);
  return {
    openapi: "3.1.0",
    info: {
      title: "turn-channels",
      version: manifest.version,
      license: { name: manifest.license, identifier: manifest.license },
      description: "The bridge between Turn's Channels API and vumi's queues on RabbitMQ.",
    },
    paths: { ...paths, ...OPERATION },
    webhooks,
    components,
  };
}

const TEXT: OpenApi = { "text/plain": { schema: { type: "string" } } };
const OBJECT: OpenApi = { "application/json": { schema: { type: "object" } } };
const READINESS: OpenApi = {
  "application/json": {
    schema: {
      type: "object",
      properties: {
        ready: { type: "boolean" },
        reasons: { type: "array", items: { type: "string" } },
      },
      required: ["ready", "reasons"],
    },
  },
};

const OPERATION: OpenApi = {
  "/livez": get("livez", "Whether the program answers at all; if not, restart it.", {
    200: ["It does.", TEXT],
  }),
  "/readyz": get("readyz", "Whether it can take messages now.", {
    200: ["It can.", READINESS],
    503: ["It can't, for these reasons.", READINESS],
  }),
  "/health": get("health", "The state of each part, in the form of vumi's workers.", {
    200: ["All parts work.", OBJECT],
    500: ["A part is down.", OBJECT],
  }),
  "/status": get("status", "What the command `status` shows.", { 200: ["In JSON.", OBJECT] }),
  "/metrics": get("metrics", "Figures for Prometheus.", {
    200: ["Prometheus' text format.", TEXT],
  }),
  "/openapi.json": get("openapi", "This document.", { 200: ["OpenAPI 3.1.", OBJECT] }),
};

/** @param answers For each HTTP status what it means, and the content. */
function get(
  operationId: string,
  summary: string,
  answers: Readonly<Record<number, readonly [description: string, content: OpenApi]>>,
): OpenApi {
  const responses = Object.entries(answers)
    .map(([status, [description, content]]) => [status, { description, content }]);
  return { get: { operationId, summary, responses: Object.fromEntries(responses) } };
}
