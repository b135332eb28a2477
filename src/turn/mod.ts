/**
 * Turn's vocabulary: what it asks of us (the endpoint, its signature) and what we tell it (the
 * client).
 *
 * @module
 */

export { bodyLength } from "./body.ts";
export * from "./client.ts";
export { type CallResult, type Failure, type Fault, isRefusal } from "./call_result.ts";
export * from "./endpoint.ts";
export {
  type Asked,
  internalError,
  methodNotAllowed,
  pathNotFound,
  unavailable,
} from "./http_errors.ts";
export { type OpenApi, turnApi, type TurnApiOptions } from "./openapi.ts";
export type { Choice, InboundText, Status, StatusFormat } from "./payloads.ts";
export type { TurnMessage } from "./messages.ts";
export type { RateLimit } from "./rate_limit.ts";
export type { OutboundRequest } from "./request.ts";
export * from "./check.ts";
export { registerChannel, type Registered, type Registration } from "./register.ts";
export * from "./signature.ts";
