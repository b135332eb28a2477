/**
 * The one shape in which we answer with an error over HTTP: Turn's own,
 * `{"errors":[{"code","title","details","field"?}]}`.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";

const log = getLogger(["turn-channels", "turn"]);

/** What each status is called. */
export const TITLES = {
  400: "Bad request",
  401: "Unauthorized",
  404: "Not found",
  405: "Method not allowed",
  413: "Body too large",
  415: "Not JSON",
  422: "Not supported",
  500: "Internal error",
  503: "Unavailable",
} as const;

/** One thing that is wrong. */
export interface Fault {
  /** What, and what would be right; holds nothing that a user wrote. */
  readonly details: string;
  /** The field it is about, as a dotted path. */
  readonly field?: string;
}

/** What is read of hono's context here. */
export interface Asked {
  /** The request. */
  readonly req: { readonly method: string; readonly path: string };
}

type FaultStatus = keyof typeof TITLES;

/** Answers with an error, and logs it: Turn shows nobody what it was told. */
export function refuse(status: FaultStatus, faults: readonly Fault[]): Response {
  const details = faults.map((fault) =>
    fault.field === undefined ? fault.details : `${fault.field}: ${fault.details}`
  ).join("; ");
  log.warn("Refused a request with {status}: {details}", { status, details });
  return answerFaults(status, faults);
}

/** Answers 503: for what may work later. Why is for the log only. */
export function unavailable(reason: string, afterMs: number): Response {
  log.warn("Cannot take a request now: {reason}", { reason });
  const seconds = Math.max(1, Math.ceil(afterMs / 1000));
  const details = "The message can't be taken now; try again later";
  return answerFaults(503, [{ details }], { "Retry-After": String(seconds) });
}

/** Answers 500: for an exception, which is a bug of ours. What it says is for the log only. */
export function internalError(error: unknown): Response {
  log.error("A bug failed a request: {error}", { error });
  return answerFaults(500, [{ details: "The request could not be handled" }]);
}

/** Answers 404: for a path that is not known at all. */
export function pathNotFound(asked: Asked): Response {
  logStray(asked);
  return answerFaults(404, [{ details: "No such path" }]);
}

/** Answers 405: for a path that knows only the methods in `allow`. */
export function methodNotAllowed(...allow: readonly string[]): (asked: Asked) => Response {
  const methods = allow.join(", ");
  return (asked) => {
    logStray(asked);
    return answerFaults(405, [{ details: `Allowed here: ${methods}` }], { Allow: methods });
  };
}

/** No warning, as anybody on the network can ask for anything; still, Turn's may be among them. */
function logStray({ req: { method, path } }: Asked): void {
  log.info("Nothing here answers to {method} {path}", { method, path: path.slice(0, 100) });
}

function answerFaults(
  status: FaultStatus,
  faults: readonly Fault[],
  headers: Record<string, string> = {},
): Response {
  const errors = faults.map((fault) => ({ code: status, title: TITLES[status], ...fault }));
  return Response.json({ errors }, { status, headers });
}
