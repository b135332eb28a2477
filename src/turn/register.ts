// Creates a channel in Turn, for the command `init`: once in a channel's life. Turn's answer has the
// values that the configuration needs.

import * as z from "zod";
import { parseJson } from "../async/mod.ts";
import { networkError, oneLine, readErrorText, readStart } from "./excerpt.ts";
import { USER_AGENT } from "./user_agent.ts";

/** A channel that Turn is to create. */
export interface Registration {
  /** Turn's own address, without a path: `https://whatsapp.turn.io`. */
  readonly turnUrl: string;
  /** The token of a number that exists already. */
  readonly authToken: string;
  /** The address that messages come from. */
  readonly fromAddr: string;
  /** What people call the channel. */
  readonly name: string;
  /** Where Turn will send its requests: our `POST /messages`, as seen from outside. */
  readonly endpoint: string;
}

/** The registered channel, or why there is none. */
export type Registered =
  | {
    readonly kind: "registered";
    /** The channel's address, for `turn_api_url`. */
    readonly apiUrl: string;
    /** What Turn will sign with. */
    readonly hmacSecret: string;
  }
  /** There is no channel, or nothing is known of it; why, and what to do. */
  | { readonly kind: "failed"; readonly reason: string; readonly fix: string };

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024;

const answerSchema = z.object({
  number: z.object({ uuid: z.string().regex(/^[\w-]{1,100}$/) }),
  webhook: z.object({ hmac_secret: z.string().regex(/^[^\r\n]{1,1000}$/) }),
});

/** Asks Turn to create the channel. Never throws. */
export async function registerChannel(registration: Registration): Promise<Registered> {
  const { turnUrl, authToken, fromAddr, name, endpoint } = registration;
  const url = `${turnUrl}/v1/numbers`;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "Accept": "application/json",
        "Authorization": `Bearer ${authToken}`,
        "Content-Type": "application/json",
        ...USER_AGENT,
      },
      body: JSON.stringify({
        backend_type: "channel",
        number_type: "channel_http_api",
        from_addr: fromAddr,
        name,
        endpoint,
      }),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await readStart(response, MAX_ANSWER_BYTES);
    return response.ok ? readAnswer(url, body) : explain(url, response.status, body, authToken);
  } catch (error) {
    return {
      kind: "failed",
      reason: oneLine(`${url} does not answer: ${networkError(error)}`, authToken),
      fix: "check --turn-url, DNS, firewall and certificates; look in Turn whether the channel " +
        "was created all the same",
    };
  }
}

function readAnswer(url: string, body: string): Registered {
  const read = answerSchema.safeParse(parseJson(body));
  if (!read.success) {
    return {
      kind: "failed",
      reason: "Turn's answer does not have number.uuid and webhook.hmac_secret",
      fix: "look in Turn whether the channel was created, and run init without --register",
    };
  }
  const { number, webhook } = read.data;
  return {
    kind: "registered",
    apiUrl: `${url}/${number.uuid}`,
    hmacSecret: webhook.hmac_secret,
  };
}

function explain(url: string, status: number, body: string, authToken: string): Registered {
  const said = readErrorText(body, authToken);
  const reason = `${url} answered ${status}${said === "" ? "" : `: ${said}`}`;
  return { kind: "failed", reason, fix: FIXES[status] ?? fixByClass(status) };
}

const TOKEN_FIX = "use --auth-token with the token of an existing number in your Turn account";

const FIXES: Readonly<Record<number, string>> = {
  401: TOKEN_FIX,
  403: `${TOKEN_FIX} that may create channels`,
  404: "correct --turn-url: it is Turn's address without a path",
  409: "there is such a channel already: run init with its values, without --register",
  429: "wait a minute, and try again",
};

function fixByClass(status: number): string {
  if (status >= 500) return "Turn has trouble: try again later";
  if (status >= 300 && status < 400) return "correct --turn-url: Turn redirects it elsewhere";
  return "correct what Turn names: --default-from-addr, --channel-name or --endpoint";
}
