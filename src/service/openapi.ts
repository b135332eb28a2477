/**
 * The whole HTTP interface as OpenAPI 3.1: Turn's part, and the routes for operators.
 *
 * @module
 */

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

const anyObject = { "application/json": { schema: { type: "object" } } };

const readiness = {
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
  "/livez": {
    get: {
      operationId: "livez",
      summary: "Whether the program answers at all; if not, restart it.",
      responses: { 200: { description: "It does.", content: text() } },
    },
  },
  "/readyz": {
    get: {
      operationId: "readyz",
      summary: "Whether it can take messages now.",
      responses: {
        200: { description: "It can.", content: readiness },
        503: { description: "It can't, for these reasons.", content: readiness },
      },
    },
  },
  "/health": {
    get: {
      operationId: "health",
      summary: "The state of each part, in the form of vumi's workers.",
      responses: {
        200: { description: "All parts work.", content: anyObject },
        500: { description: "A part is down.", content: anyObject },
      },
    },
  },
  "/metrics": {
    get: {
      operationId: "metrics",
      summary: "Figures for Prometheus.",
      responses: { 200: { description: "Prometheus' text format.", content: text() } },
    },
  },
  "/openapi.json": {
    get: {
      operationId: "openapi",
      summary: "This document.",
      responses: { 200: { description: "OpenAPI 3.1.", content: anyObject } },
    },
  },
};

function text(): OpenApi {
  return { "text/plain": { schema: { type: "string" } } };
}
