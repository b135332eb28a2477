// The one shape in which we answer with an error over HTTP: Turn's own,
// `{"errors":[{"code","title","details","field"?}]}`.

import { getLogger } from "@logtape/logtape";

const log = getLogger(["turn-channels", "turn"]);

/** The title of each status. */
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

/** One thing that is wrong with a request. */
export interface ErrorDetail {
  /** Which fault it is; the status's title, unless given. */
  readonly title?: string;
  /** What is wrong, and what would be right; holds nothing that a user wrote. */
  readonly details: string;
  /** The field it is about, as a dotted path. */
  readonly field?: string;
}

/** The part of hono's context that says what was requested. */
export interface Asked {
  /** The request. */
  readonly req: { readonly method: string; readonly path: string };
}

type ErrorStatus = keyof typeof TITLES;

/** Answers with an error, and logs it: Turn shows nobody what it was told. */
export function refuse(status: ErrorStatus, errors: readonly ErrorDetail[]): Response {
  const details = errors
    .map(({ field, details }) => field === undefined ? details : `${field}: ${details}`)
    .join("; ");
  log.warn("Answered {status}, Turn will not try again: {details}", { status, details });
  return errorResponse(status, errors);
}

/** How long Turn is asked to wait when we can't take a message: a broker's restart, roughly. */
const RETRY_AFTER_S = 5;

/** Answers 503: it may work later. The reason is for the log only. */
export function unavailable(reason: string, retryAfterS = RETRY_AFTER_S): Response {
  log.warn("Answered 503, Turn will try again: {reason}", { reason });
  const details = "The message can't be taken now; try again later";
  return errorResponse(503, [{ details }], { "Retry-After": String(retryAfterS) });
}

/** Answers 500: an exception is a bug of ours. What it says is for the log only. */
export function internalError(error: unknown): Response {
  log.error("A request failed because of a bug, please report it: {error}", { error });
  return errorResponse(500, [{ details: "The request could not be handled" }]);
}

/** Answers 404 for a path that is not known at all. */
export function pathNotFound(asked: Asked): Response {
  logStray(asked);
  return errorResponse(404, [{ details: "No such path" }]);
}

/** Answers 405 for a path that knows only the methods in `allow`. */
export function methodNotAllowed(...allow: readonly string[]): (asked: Asked) => Response {
  const methods = allow.join(", ");
  return (asked) => {
    logStray(asked);
    return errorResponse(405, [{ details: `Allowed here: ${methods}` }], { Allow: methods });
  };
}

/** Logs a stray request. No warning, as anybody can ask for anything; still, Turn's may be among them. */
function logStray({ req: { method, path } }: Asked): void {
  log.info("No such path or method: {method} {path}", {
    ...{ method, path: path.slice(0, 100) },
    key: "stray", // A scan asks for hundreds.
  });
}

function errorResponse(
  status: ErrorStatus,
  errors: readonly ErrorDetail[],
  headers: Record<string, string> = {},
): Response {
  const title = TITLES[status];
  const body = { errors: errors.map((error) => ({ code: status, title, ...error })) };
  return Response.json(body, { status, headers });
}
