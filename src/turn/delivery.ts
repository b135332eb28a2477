/**
 * What Turn's answer to a call means: the one place where its status code is read.
 *
 * @module
 */

import { readExcerpt } from "./excerpt.ts";
import { retryAfterMs } from "./retry_after.ts";

/** What a call to Turn came to. */
export type Delivery =
  /** Turn has it. */
  | { readonly kind: "delivered"; readonly status: number }
  /** It may work later. */
  | Failure & {
    readonly kind: "retry";
    /** The least wait that Turn asked for, in milliseconds; 0 if it didn't. */
    readonly afterMs: number;
  }
  /** It never will. */
  | Failure & { readonly kind: "refused"; readonly status: number };

/** Why Turn does not have it. */
export interface Failure {
  /** One line for people; without secrets, and without what anybody wrote. */
  readonly reason: string;
  /** Turn's status, unless there was no answer. */
  readonly status?: number;
  /** What Turn said of it, if anything, as one line. It may quote the message: not for a log. */
  readonly said?: string;
}

/**
 * Reads Turn's answer. Once the status is there it alone decides: if the body stays away, or breaks
 * off, all that is lost is what it would have said.
 *
 * @param now Milliseconds since 1970.
 * @param secret What must not be passed on, even if Turn says it.
 */
export async function readDelivery(
  response: Response,
  now: number,
  secret: string,
): Promise<Delivery> {
  const { status } = response;
  // Read in any case: an HTTP/1.1 connection is used again only when its answer was read.
  const excerpt = await readExcerpt(response, secret);
  if (status >= 200 && status < 300) return { kind: "delivered", status };
  const said = excerpt === "" ? {} : { said: excerpt };
  const reason = `Turn answered ${status}${HINTS[status] ?? ""}`;
  if (isWorthRetrying(status)) {
    return { kind: "retry", reason, status, ...said, afterMs: retryAfterMs(response, now) };
  }
  // To follow a redirect would make a GET of the POST, and lose the message.
  const isRedirect = status >= 300 && status < 400;
  const hint = isRedirect ? ", a redirect: turn_api_url needs correcting" : "";
  return { kind: "refused", reason: reason + hint, status, ...said };
}

const HINTS: Readonly<Record<number, string>> = {
  401: ", it does not accept our auth_token",
  403: ", it does not accept our auth_token",
};

/** 401 and 403 are not the message's fault, and an operator can mend them. */
function isWorthRetrying(status: number): boolean {
  return status >= 500 || [401, 403, 408, 425, 429].includes(status);
}
