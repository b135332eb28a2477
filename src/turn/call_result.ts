// What Turn's answer to a call means: the one place where its status code is read.

import { isPage, readErrorText, readStart } from "./excerpt.ts";
import { type RateLimit, readRateLimit, retryAfterMs } from "./rate_limit.ts";

/** What a call to Turn means for the message. */
export type CallResult =
  & {
    /** What Turn said of its rate limit, if anything. */
    readonly rateLimit?: RateLimit | undefined;
  }
  & (
    /** Turn has it. */
    | { readonly kind: "delivered"; readonly status: number }
    /** Another try may work later. */
    | Failure & {
      readonly kind: "retry";
      /** The least wait that Turn asked for, in milliseconds; 0 if it didn't. */
      readonly afterMs: number;
      readonly fault: Fault;
    }
    /** Turn takes no more calls for now (429): no fault of the message's. */
    | Failure & {
      readonly kind: "limited";
      readonly status: number;
      /** The least wait that Turn asked for, as above. */
      readonly afterMs: number;
    }
    /** No other try will work. */
    | Failure & { readonly kind: "refused"; readonly status: number }
  );

/** Why another try may work: whose fault it is, or may be. */
export type Fault =
  /** The message's alone. */
  | "message"
  /** The message's or Turn's: it answers with an error, or not in time. */
  | "turn"
  /** Not the message's, as no other will fare better: no connection, a wrong token, another's answer. */
  | "unreachable"
  /** Not the message's, as Turn says so itself: it is away, and for how long (`Retry-After`). */
  | "unavailable"
  /** Ours: no call was made. */
  | "ours";

/** Why Turn does not have the message. */
export interface Failure {
  /** One line for people; without secrets, and without what anybody wrote. */
  readonly reason: string;
  /** Turn's status, unless there was no answer. */
  readonly status?: number;
  /** What Turn said, if anything, as one line. It may quote the message: not for a log. */
  readonly said?: string;
}

/**
 * Reads Turn's answer. Once the status is there it alone decides: if the body stays away, or breaks
 * off, all that is lost is what it would have said.
 * @param now Milliseconds since 1970.
 * @param secret What must not be passed on, even if Turn says it.
 */
export async function readCallResult(
  response: Response,
  now: number,
  secret: string,
): Promise<CallResult> {
  const { status, headers } = response;
  // Read in any case: an HTTP/1.1 connection is used again only when its answer was read.
  const start = await readStart(response);
  const isApi = !isPage(headers, start);
  if (status >= 200 && status < 300 && isApi) {
    return { kind: "delivered", status, rateLimit: readRateLimit(headers, "", now) };
  }
  const excerpt = readErrorText(start, secret);
  // No other answer's text is looked into: it may quote a user, who may write of buckets.
  const rateLimit = readRateLimit(headers, status === 429 ? excerpt : "", now);
  const said = excerpt === "" ? {} : { said: excerpt };
  const afterMs = retryAfterMs(response, now);
  const fault = faultOf(status, isApi, afterMs);
  const reason = `Turn answered ${status}${hintOf(status, isApi, fault)}`;
  const failure = { reason, status, rateLimit, ...said };
  if (status === 429) return { kind: "limited", ...failure, afterMs };
  if (fault === undefined) return { kind: "refused", ...failure };
  return { kind: "retry", ...failure, fault, afterMs };
}

/** Whose fault an answer tells of; undefined if it will stay as it is. */
function faultOf(status: number, isApi: boolean, afterMs: number): Fault | undefined {
  if (status === 408 || status === 425) return "message";
  if (status >= 500) return afterMs > 0 ? "unavailable" : "turn";
  if (isRefusal(status)) return "unreachable";
  if (!isRedirect(status) && (isApi || ABOUT_MESSAGE.includes(status))) return undefined;
  return afterMs > 0 ? "unavailable" : "unreachable";
}

/** What a proxy says of this message or of all our calls, and may say with a page: sizes, a limit. */
const ABOUT_MESSAGE: readonly number[] = [413, 414, 429, 431];

function hintOf(status: number, isApi: boolean, fault: Fault | undefined): string {
  const todo = "correct turn_api_url, or wait if Turn is being maintained";
  // To follow a redirect would make a GET of the POST, and lose the message.
  if (isRedirect(status)) return `, a redirect: ${todo}`;
  if (!isApi && status < 500 && (fault === "unreachable" || fault === "unavailable")) {
    return ` with a web page, as its API never does: ${todo}`;
  }
  return isRefusal(status) ? ", it does not accept our auth_token" : "";
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** Whether Turn does not accept the token. */
export function isRefusal(status: number | undefined): boolean {
  return status === 401 || status === 403;
}
