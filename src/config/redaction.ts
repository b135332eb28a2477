// Values of the configuration as text that may be shown. Secrets are never shown, whole or in part,
// also if they are in the wrong place or form.

import { type Bind, formatBind, urlWithoutPassword } from "./addresses.ts";
import { type ConfigKey, configKeys, valueAt } from "./keys.ts";
import type { Config } from "./schema.ts";

const HIDDEN = "********";

/** A value as it was written, for the report of a fault. */
export function showFaulty({ secrecy }: ConfigKey, raw: unknown): string | undefined {
  if (raw === undefined) return undefined;
  // A secret where its path belongs is not shown.
  const isPath = secrecy === "path" && typeof raw === "string" && looksLikePath(raw);
  const mayShow = raw === "" || secrecy === "none" || isPath;
  return mayShow ? show(raw) : HIDDEN;
}

export function looksLikePath(text: string): boolean {
  return /^\.{0,2}\//.test(text);
}

function show(raw: unknown): string {
  if (Array.isArray(raw)) return "a list";
  if (typeof raw === "object" && raw !== null) return "a mapping";
  const text = String(raw);
  // It may hold credentials, such as https://user:password@host/ and https://host/?token=…
  if (text.includes("@") || (text.includes("//") && /[?#]/.test(text))) return HIDDEN;
  const short = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return /^[\x21-\x7e]+$/.test(short) ? short : JSON.stringify(short);
}

/** The configuration in force, one text for each key by its path, without what is secret. */
export function redactedConfig(config: Config): Readonly<Record<string, string>> {
  return Object.fromEntries(configKeys.map((key) => [key.path, showValid(key, config)]));
}

function showValid({ path, secrecy }: ConfigKey, config: Config): string {
  const value = valueAt(config, path);
  if (value === undefined || value === null || value === "") return "";
  if (secrecy === "whole") return HIDDEN;
  if (secrecy === "password") {
    const urls: readonly unknown[] = Array.isArray(value) ? value : [value];
    return urls.map((url) => urlWithoutPassword(String(url), HIDDEN)).join(", ");
  }
  if (path === "amqp.hostname") return String(value).replaceAll(",", ", ");
  if (path === "http_bind" || path === "admin_bind") return formatBind(value as Bind); // By the schema.
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
