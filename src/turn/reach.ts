/**
 * Finds out whether Turn can be reached, for the command `check`: asks for the address of our
 * channel, without the token, and takes any answer for a good one.
 *
 * @module
 */

import { oneLine } from "./excerpt.ts";
import { networkFault } from "./network_fault.ts";

/** What was found out about Turn's address. */
export interface Reach {
  /** What was looked at. */
  readonly subject: string;
  /** Whether somebody answers there. */
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
  /** What to do, when nobody answers. */
  readonly fix?: string;
}

/** Tries `apiUrl` for at most `timeoutMs` milliseconds. Never throws. */
export async function reachTurn(apiUrl: string, timeoutMs: number): Promise<Reach> {
  const subject = "Turn";
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(apiUrl, { redirect: "manual", signal });
    await response.body?.cancel();
    return { subject, ok: true, detail: `${apiUrl} answers (${response.status})` };
  } catch (error) {
    return {
      subject,
      ok: false,
      detail: oneLine(`${apiUrl} does not answer: ${networkFault(error)}`),
      fix: "correct turn_api_url; see that name service, firewall and certificates let us reach it",
    };
  }
}
