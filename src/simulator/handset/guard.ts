/**
 * Who may ask the page's server: pages of its own, under names that can't be another's. A page on the
 * web can have its name resolve to this machine (DNS rebinding), but it can't have an address for a
 * name, nor send another `Origin` than its own.
 *
 * @module
 */

/** Headers of all answers: nothing is loaded, run, embedded or kept that is not of this server. */
export const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "Cache-Control": "no-store",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** Why a request is refused; undefined if it is not. */
export function faultOf(request: Request, ownHost: string): string | undefined {
  const host = request.headers.get("host") ?? "";
  if (!isOurs(host, ownHost)) return `Not served under the name ${JSON.stringify(host)}`;
  const origin = request.headers.get("origin");
  const isOwn = origin === `http://${host}` || origin === `https://${host}`;
  if (origin !== null && !isOwn) return "Pages of other servers may not ask this one";
  // Browsers send it with whatever changes something.
  if (origin === null && request.method === "POST") return "The header Origin is missing";
  return undefined;
}

/** Names that no other server's page can have: addresses, localhost, and the configured one. */
function isOurs(host: string, ownHost: string): boolean {
  if (!URL.canParse(`http://${host}`)) return false;
  const [, name = ""] = /^(\[[\da-f:.]+\]|[^:]+)(?::\d+)?$/i.exec(host) ?? [];
  const lower = name.toLowerCase();
  if (lower === "localhost" || lower === ownHost.toLowerCase()) return true;
  return /^(\d{1,3}\.){3}\d{1,3}$/.test(lower) || lower.startsWith("[");
}

/** Whether only this machine can reach it. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
