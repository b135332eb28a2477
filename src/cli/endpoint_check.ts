// Tries the endpoint as Turn would use it, for `check`: it must accept a signed request and refuse one
// with a wrong signature. It listens for a moment on a free local port, and publishes nothing.

import { type Config, requestTimeoutMs } from "../config/mod.ts";
import { HttpServer } from "../service/http.ts";
import type { Finding } from "../telemetry/mod.ts";
import { sign, SIGNATURE_HEADER, turnEndpoint } from "../turn/mod.ts";

type EndpointConfig = Pick<
  Config,
  "vumi_api_path" | "turn_hmac_secret" | "max_body_bytes" | "request_timeout"
>;

/** A request of Turn to a number that nobody has. */
const BODY = new TextEncoder().encode(JSON.stringify({
  to: "+10000000000",
  turn: { type: "text", text: { body: "turn-channels check" } },
}));

/** Tries the endpoint of a channel. Never throws. */
export async function checkEndpoint(config: EndpointConfig): Promise<Finding> {
  const path = `${config.vumi_api_path}/messages`;
  const subject = `POST ${path}`;
  const fault = await tryOut(config, path)
    .catch((error) => error instanceof Error ? error.message : String(error));
  if (fault !== undefined) return { subject, ok: false, detail: fault, fix: FIX };
  const secrets = config.turn_hmac_secret.length;
  const keys = secrets === 1 ? "" : `, with each of the ${secrets} secrets`;
  const detail = `accepts signed requests${keys}, refuses others`;
  return { subject, ok: true, detail };
}

const FIX =
  "if the environment has HTTP_PROXY, add 127.0.0.1 to NO_PROXY; raise max_body_bytes and " +
  "request_timeout if they are small";

async function tryOut(config: EndpointConfig, path: string): Promise<string | undefined> {
  let taken = 0;
  const endpoint = turnEndpoint([{
    path: config.vumi_api_path,
    hmacSecrets: config.turn_hmac_secret,
    maxBodyBytes: config.max_body_bytes,
    requestTimeoutMs: requestTimeoutMs(config),
    accept: () => Promise.resolve({ kind: "accepted", id: `${++taken}` }),
  }]);
  const bind = { kind: "tcp", hostname: "127.0.0.1", port: 0 } as const;
  await using server = await HttpServer.listen("http_bind", bind, endpoint);
  const url = `${server.address}${path}`;
  for (const secret of config.turn_hmac_secret) {
    const status = await ask(url, sign(secret, BODY));
    if (status !== 200) return `a signed request is answered ${status}`;
  }
  if (taken !== config.turn_hmac_secret.length) {
    return "a request that was answered 200 was not accepted";
  }
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

const TIMEOUT_MS = 10_000;
