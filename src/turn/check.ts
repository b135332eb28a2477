// Finds out whether Turn can be reached, accepts our token and has the same time, for the command
// `check`. It only asks for the address of our channel, without the token and with it: nothing is sent.
// Turn does not document what it answers there, so the two answers are compared.

import type { Finding } from "../telemetry/mod.ts";
import { isRefusal } from "./call_result.ts";
import type { TurnClientOptions } from "./client.ts";
import { isPage, networkError, oneLine, readStart } from "./excerpt.ts";
import { USER_AGENT } from "./user_agent.ts";

/** Options of {@linkcode askTurn}. */
export interface TurnCheckOptions extends Pick<TurnClientOptions, "apiUrl" | "authToken" | "now"> {
  /** Longest that each of the two calls may take, in milliseconds. */
  readonly timeoutMs: number;
}

interface Answer {
  readonly status: number;
  /** Whether it is a web page. */
  readonly isPage: boolean;
  /** How far our clock is ahead, in milliseconds, at the middle of the call; NaN if Turn has no Date. */
  readonly aheadMs: number;
}

/** How far clocks may differ, in seconds. */
const MOST_CLOCK_S = 30;

/** Asks Turn for our channel, without the token and with it. Never throws. */
export async function askTurn(options: TurnCheckOptions): Promise<readonly Finding[]> {
  const { apiUrl, authToken } = options;
  const without = await ask(options);
  if (typeof without === "string") return [unreachable(apiUrl, without)];
  const inClear = apiUrl.startsWith("http:") ? "; the token goes there unencrypted" : "";
  const detail = `${apiUrl} answers (${without.status})${inClear}`;
  const clock = clockFinding(without);
  // The secret, should the fault quote it, is left out.
  const withToken = await ask(options, authToken);
  if (typeof withToken === "string") return [unreachable(apiUrl, withToken), clock];
  const reached = { subject: "Turn", ok: true, detail };
  return [reached, tokenFinding(without.status, withToken), clock];
}

/** Calls Turn: its answer, or in words why there is none. */
async function ask(options: TurnCheckOptions, authToken?: string): Promise<Answer | string> {
  const { apiUrl, timeoutMs, now = Date.now } = options;
  const begun = now();
  try {
    const response = await fetch(apiUrl, {
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        "Accept": "application/json",
        ...USER_AGENT,
        ...(authToken !== undefined && { "Authorization": `Bearer ${authToken}` }),
      },
    });
    const ours = (begun + now()) / 2;
    const start = await readStart(response);
    const aheadMs = ours - Date.parse(response.headers.get("date") ?? "");
    return { status: response.status, isPage: isPage(response.headers, start), aheadMs };
  } catch (error) {
    return oneLine(networkError(error), authToken);
  }
}

function unreachable(apiUrl: string, fault: string): Finding {
  const fix = FIXES.find(([pattern]) => pattern.test(fault))?.[1] ??
    "correct turn_api_url; check DNS, firewall and certificates";
  return { subject: "Turn", ok: false, detail: `${apiUrl} does not answer: ${fault}`, fix };
}

/** Parts of what the runtime says, and what helps. */
const FIXES: readonly (readonly [RegExp, string])[] = [
  [
    /dns|lookup|resolve|ENOTFOUND/i,
    "correct the host name in turn_api_url, or this machine's DNS",
  ],
  [/timed? ?out/i, "check for a firewall or a proxy in between: calls to Turn need outgoing HTTPS"],
  [/refused/i, "correct host and port in turn_api_url; check for a firewall in between"],
  [
    /InvalidContentType|corrupt message/i,
    "this port does not speak TLS: correct the port, or the https:// in turn_api_url",
  ],
  [
    /UnknownIssuer|self.signed|unable to (get|verify)/i,
    "make the system trust the certificate's issuer, and set DENO_TLS_CA_STORE=system",
  ],
  [/NotValidForName/i, "use in turn_api_url a host name that is in the certificate"],
  [/Expired|NotValidYet/i, "set this machine's clock, or have Turn renew its certificate"],
];

const OR_WAIT = "or wait, if Turn is being maintained";

/** Compares answers: who may not ask is refused before it is looked whether there is anything. */
function tokenFinding(without: number, { status: withToken, isPage }: Answer): Finding {
  const subject = "Turn's token";
  if (isRefusal(withToken)) {
    return {
      subject,
      ok: false,
      detail: `Turn refuses it (${withToken})`,
      fix: "set auth_token to a token of this number, made in Turn and not revoked",
    };
  }
  if (withToken >= 300 && withToken < 400) {
    return {
      subject,
      ok: false,
      detail: `Turn redirects (${withToken}), and redirections are not followed`,
      fix: `correct turn_api_url: https://, and the host that Turn redirects to; ${OR_WAIT}`,
    };
  }
  if (isPage && withToken < 300) {
    return {
      subject,
      ok: false,
      detail: `a web page answers (${withToken}), as Turn's API never does`,
      fix: `correct turn_api_url; ${OR_WAIT}`,
    };
  }
  if (isRefusal(without)) {
    return { subject, ok: true, detail: `accepted (${withToken}; ${without} without it)` };
  }
  return {
    subject,
    ok: undefined,
    detail: `can't be determined: Turn answers ${withToken} with it, and ${without} without`,
    fix:
      "compare turn_api_url and auth_token with what Turn shows of the channel; the first message " +
      "or status will show whether they are right",
  };
}

function clockFinding({ aheadMs }: Answer): Finding {
  const subject = "clock";
  if (Number.isNaN(aheadMs)) {
    return { subject, ok: undefined, detail: "can't be compared: Turn's answer has no Date" };
  }
  const ahead = Math.round(aheadMs / 1000), seconds = Math.abs(ahead);
  if (seconds <= MOST_CLOCK_S) return { subject, ok: true, detail: `${seconds} s from Turn's` };
  const direction = ahead > 0 ? "ahead of" : "behind";
  return {
    subject,
    ok: undefined,
    detail: `${seconds} s ${direction} Turn's: times in logs and waits for Turn's rate limit are ` +
      "wrong by that",
    fix: "keep the machine's clock set: timedatectl set-ntp true",
  };
}
