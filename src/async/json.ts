// Lenient reading of JSON.

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The value of a JSON text, given as a string or as UTF-8 bytes; `undefined` if it is not JSON. */
export function parseJson(json: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof json === "string" ? json : decoder.decode(json));
  } catch {
    return undefined;
  }
}

/** The fields of a JSON object, read as far as its bytes are UTF-8; none if it is no JSON object. */
export function parseFields(body: Uint8Array): Readonly<Record<string, unknown>> {
  const value = parseJson(new TextDecoder().decode(body));
  return typeof value === "object" && value !== null ? { ...value } : {};
}
