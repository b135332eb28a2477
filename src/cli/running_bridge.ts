// Asking the bridge that runs with a configuration on this machine, at `admin_bind` or `http_bind`.

import { isTimeout, messageOf } from "../async/mod.ts";
import { type Config, formatBind } from "../config/mod.ts";

const LIMIT_MS = 3_000;

/** What it answered, or why it did not. */
export type Answer =
  | { readonly url: string; readonly text: string }
  | { readonly url: string; readonly reason: string };

/** Asks it for one of its addresses for operators, as `/metrics`. */
export async function askBridge(config: Config, path: string): Promise<Answer> {
  const bind = config.admin_bind ?? config.http_bind;
  const url = operatorsUrl(config, path);
  using client = bind.kind === "unix"
    ? Deno.createHttpClient({ proxy: { transport: "unix", path: bind.path } })
    : undefined;
  try {
    const response = await fetch(bind.kind === "unix" ? `http://localhost${path}` : url, {
      signal: AbortSignal.timeout(LIMIT_MS),
      ...client && { client },
    });
    const text = await response.text();
    const reason = `it answers ${response.status}; if the environment has HTTP_PROXY, add ` +
      "127.0.0.1 to NO_PROXY";
    return response.ok ? { url, text } : { url, reason };
  } catch (error) {
    const late = `something listens there, and has not answered within ${LIMIT_MS / 1000} s`;
    return { url, reason: isTimeout(error) ? late : messageOf(error) };
  }
}

/** Where it answers operators. What listens on all addresses can be reached on this machine's own. */
export function operatorsUrl({ admin_bind, http_bind }: Config, path = ""): string {
  const bind = admin_bind ?? http_bind;
  if (bind.kind === "unix") return formatBind(bind);
  const own = { "0.0.0.0": "127.0.0.1", "::": "::1" }[bind.hostname];
  return `http://${formatBind({ ...bind, hostname: own ?? bind.hostname })}${path}`;
}
