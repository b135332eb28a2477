/**
 * The one shape in which we answer with an error over HTTP: Turn's own,
 * `{"errors":[{"code","title","details","field"?}]}`.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";

const log = getLogger(["turn-channels", "turn"]);

/** What each status is called. */
const TITLES = {
  400: "Bad request",
  401: "Unauthorized",
  404: "Not found",
  405: "Method not allowed",
  413: "Body too large",
  415: "Not JSON",
  422: "Not supported",
  500: "Internal error",
  503: "Unavailable",
  504: "Timed out",
} as const;

/** One thing that is wrong. */
export interface Fault {
  /** What, and what would be right; holds nothing that a user wrote. */
  readonly details: string;
  /** The field it is about, as a dotted path. */
  readonly field?: string;
}

/** Answers with an error, and logs it: Turn shows nobody what it was told. */
export function refuse(
  status: keyof typeof TITLES,
  faults: readonly Fault[],
  headers: Record<string, string> = {},
): Response {
  const details = faults.map((fault) =>
    fault.field === undefined ? fault.details : `${fault.field}: ${fault.details}`
  ).join("; ");
  log.warn("Refused a request with {status}: {details}", { status, details });
  const errors = faults.map((fault) => ({ code: status, title: TITLES[status], ...fault }));
  return Response.json({ errors }, { status, headers });
}

/** Answers 405: for a path that knows only the methods in `allow`. */
export function methodNotAllowed(...allow: readonly string[]): () => Response {
  const methods = allow.join(", ");
  return () => refuse(405, [{ details: `Allowed here: ${methods}` }], { Allow: methods });
}

/** Answers 404: for a path that is not known at all. */
export function pathNotFound(): Response {
  return refuse(404, [{ details: "No such path" }]);
}

/** Answers 500: for an exception, which is a bug of ours. What it says is for the log only. */
export function internalError(error: unknown): Response {
  log.error("A bug failed a request: {error}", { error });
  return refuse(500, [{ details: "The request could not be handled" }]);
}
