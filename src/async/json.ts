// Lenient reading of JSON.

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Words that only Python's JSON has; and texts, in which they are just words. */
const TEXT_OR_WORD = /"[^"\\]*(?:\\.[^"\\]*)*"?|-?Infinity|NaN/gs;

/** The value of a JSON text, given as a string or as UTF-8 bytes; `undefined` if it is not JSON. */
export function parseJson(json: string | Uint8Array): unknown {
  return attempt(() => JSON.parse(typeof json === "string" ? json : decoder.decode(json)));
}

/** The same of what Python may have written: its `NaN`, `Infinity` and `-Infinity` become texts. */
export function parsePythonJson(json: Uint8Array): unknown {
  return readPython(json, (text) => JSON.parse(text));
}

/** The numbers among the fields of a JSON object of Python's, with all digits that are written there. */
export function numbersAsWritten(json: Uint8Array): Readonly<Record<string, string>> {
  return readPython(json, numbersIn) ?? {};
}

/** The fields of a JSON object, read as far as its bytes are UTF-8; none if it is no JSON object. */
export function parseFields(body: Uint8Array): Readonly<Record<string, unknown>> {
  const wellFormed = new TextEncoder().encode(new TextDecoder().decode(body));
  const value = parsePythonJson(wellFormed);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function readPython<T>(json: Uint8Array, read: (text: string) => T): T | undefined {
  const text = attempt(() => decoder.decode(json));
  if (text === undefined) return undefined;
  return attempt(() => read(text)) ??
    attempt(() =>
      read(text.replace(TEXT_OR_WORD, (found) => found[0] === '"' ? found : `"${found}"`))
    );
}

function numbersIn(json: string): Readonly<Record<string, string>> {
  const found = new Map<unknown, Record<string, string>>();
  const object = JSON.parse(
    json,
    function (this: unknown, name: string, value: unknown, written?: { source?: string }): unknown {
      if (typeof value !== "number" || written?.source === undefined) return value;
      // Not getOrInsertComputed, which the older Deno's types don't know.
      const numbers = found.get(this) ?? {};
      found.set(this, numbers);
      numbers[name] = written.source;
      return value;
    },
  );
  return found.get(object) ?? {};
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
