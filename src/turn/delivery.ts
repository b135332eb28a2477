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
  | {
    readonly kind: "retry";
    /** One line for people; without secrets. */
    readonly reason: string;
    /** Turn's status, unless there was no answer. */
    readonly status?: number;
    /** The least wait that Turn asked for, in milliseconds; 0 if it didn't. */
    readonly afterMs: number;
  }
  /** It never will. */
  | { readonly kind: "refused"; readonly reason: string; readonly status: number };

/**
 * Reads Turn's answer. Once the status is there it alone decides: if the body stays away, or breaks
 * off, all that is lost is what it would have said.
 *
 * @param now Milliseconds since 1970.
 * @param secret What the reason must not hold, even if Turn says it.
 */
export async function readDelivery(
  response: Response,
  now: number,
  secret: string,
): Promise<Delivery> {
  const { status } = response;
  // Read in any case: an HTTP/1.1 connection is used again only when its answer was read.
  const excerpt = await readExcerpt(response, secret);
  const said = excerpt === "" ? "" : `: ${excerpt}`;
  if (status >= 200 && status < 300) return { kind: "delivered", status };
  if (status === 401 || status === 403) {
    // Not the message's fault, and an operator can mend it: so the message is not given up.
    const reason = `Turn answered ${status}, it does not accept our auth_token${said}`;
    return { kind: "retry", reason, status, afterMs: retryAfterMs(response, now) };
  }
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    const reason = `Turn answered ${status}${said}`;
    return { kind: "retry", reason, status, afterMs: retryAfterMs(response, now) };
  }
  if (status >= 300 && status < 400) {
    // To follow it would make a GET of the POST, and lose the message.
    const reason = `Turn answered ${status}, a redirect: turn_api_url needs correcting${said}`;
    return { kind: "refused", reason, status };
  }
  return { kind: "refused", reason: `Turn answered ${status}${said}`, status };
}
