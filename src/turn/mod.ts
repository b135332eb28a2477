/**
 * Turn's vocabulary: what it asks of us (the endpoint, its signature) and what we tell it (the
 * client).
 *
 * @module
 */

export * from "./client.ts";
export type { Delivery, Failure, Fault } from "./delivery.ts";
export * from "./endpoint.ts";
export { type Asked, internalError, methodNotAllowed, pathNotFound } from "./fault.ts";
export { type OpenApi, turnApi, type TurnApiOptions } from "./openapi.ts";
export type { InboundText, Status, StatusFormat } from "./payloads.ts";
export type { RateLimit } from "./rate_limit.ts";
export type { OutboundRequest } from "./request.ts";
export * from "./reach.ts";
export { registerChannel, type Registered, type Registration } from "./register.ts";
export * from "./signature.ts";
