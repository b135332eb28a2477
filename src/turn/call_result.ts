// What Turn's answer to a call means: the one place where its status code is read.

import { readErrorText, readStart } from "./excerpt.ts";
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
      /**
       * Whose fault it may be: the `message`'s alone, or also `turn`'s (it answers with an error, or
       * not in time). When Turn is `unreachable`, or our token is wrong, nothing else will fare better.
       */
      readonly fault: "message" | "turn" | "unreachable";
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
  if (status >= 200 && status < 300) {
    return { kind: "delivered", status, rateLimit: readRateLimit(headers, "", now) };
  }
  const excerpt = readErrorText(start, secret);
  // No other answer's text is looked into: it may quote a user, who may write of buckets.
  const rateLimit = readRateLimit(headers, status === 429 ? excerpt : "", now);
  const said = excerpt === "" ? {} : { said: excerpt };
  const failure = {
    reason: `Turn answered ${status}${hintOf(status)}`,
    status,
    rateLimit,
    ...said,
  };
  if (status === 429) {
    return { kind: "limited", ...failure, afterMs: retryAfterMs(response, now) };
  }
  const fault = faultOf(status);
  if (fault === undefined) return { kind: "refused", ...failure };
  return { kind: "retry", ...failure, fault, afterMs: retryAfterMs(response, now) };
}

function hintOf(status: number): string {
  if (status === 401 || status === 403) return ", it does not accept our auth_token";
  // To follow a redirect would make a GET of the POST, and lose the message.
  if (status >= 300 && status < 400) return ", a redirect: turn_api_url needs correcting";
  return "";
}

/** Whose fault a status tells of; undefined for one that will stay as it is. */
function faultOf(status: number): "message" | "turn" | "unreachable" | undefined {
  if (status === 401 || status === 403) return "unreachable";
  if (status >= 500) return "turn";
  return status === 408 || status === 425 ? "message" : undefined;
}
