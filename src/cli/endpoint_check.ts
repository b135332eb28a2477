/**
 * Tries our own endpoint as Turn would use it, for the command `check`: a signed request has to be
 * taken, one with a wrong signature refused. It listens for a moment on a port of this machine that
 * is free; what it takes goes nowhere.
 *
 * @module
 */

import { type Config, requestTimeoutMs } from "../config/mod.ts";
import { sign, SIGNATURE_HEADER, turnEndpoint } from "../turn/mod.ts";
import type { Finding } from "./check.ts";
import { HttpServer } from "../service/http.ts";

/** What of a channel's configuration is tried. */
type RoundTripConfig = Pick<
  Config,
  "vumi_api_path" | "turn_hmac_secret" | "max_body_bytes" | "request_timeout"
>;

/** As Turn writes it; to nobody. */
const BODY = new TextEncoder().encode(JSON.stringify({
  to: "+10000000000",
  turn: { type: "text", text: { body: "turn-channels check" } },
}));

/** Tries the endpoint; never throws. */
export async function checkEndpoint(config: RoundTripConfig): Promise<Finding> {
  const path = `${config.vumi_api_path}/messages`;
  const subject = `POST ${path}`;
  try {
    const fault = await tryOut(config, path);
    if (fault === undefined) {
      const secrets = config.turn_hmac_secret.length;
      const keys = secrets === 1 ? "" : `, with each of the ${secrets} secrets`;
      return {
        subject,
        ok: true,
        detail: `takes what is signed${keys}, refuses what is not; nothing was published`,
      };
    }
    return { subject, ok: false, detail: fault, fix: FIX };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { subject, ok: false, detail, fix: FIX };
  }
}

const FIX = "look for HTTP_PROXY in the environment: 127.0.0.1 has to be in NO_PROXY; raise " +
  "max_body_bytes and request_timeout if they are small";

/** In words what went wrong. */
async function tryOut(config: RoundTripConfig, path: string): Promise<string | undefined> {
  let taken = 0;
  const endpoint = turnEndpoint([{
    path: config.vumi_api_path,
    hmacSecrets: config.turn_hmac_secret,
    maxBodyBytes: config.max_body_bytes,
    requestTimeoutMs: requestTimeoutMs(config),
    accept: () => Promise.resolve({ kind: "accepted", id: `${++taken}` }),
  }]);
  await using server = await HttpServer.listen({
    key: "http_bind",
    bind: { kind: "tcp", hostname: "127.0.0.1", port: 0 },
    handler: (request) => endpoint.fetch(request),
  });
  const url = `${server.address}${path}`;
  for (const secret of config.turn_hmac_secret) {
    const status = await ask(url, sign(secret, BODY));
    if (status !== 200) return `a signed request is answered ${status}`;
  }
  if (taken !== config.turn_hmac_secret.length) return "what was answered 200 was not taken";
  const status = await ask(url, sign(crypto.randomUUID(), BODY));
  return status === 401 ? undefined : `a request with a wrong signature is answered ${status}`;
}

async function ask(url: string, signature: string): Promise<number> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "Connection": "close",
      "Content-Type": "application/json",
      [SIGNATURE_HEADER]: signature,
    },
    body: BODY,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  return response.status;
}

/** Longest that each request may take. */
const TIMEOUT_MS = 10_000;
