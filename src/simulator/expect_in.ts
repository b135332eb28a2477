// What the tour expects of each flow, and says when it is not so.

/** A flow did not do what it is for; the message says what was expected of it. */
export class FlowError extends Error {
  override readonly name = "FlowError";
}

/** @throws {FlowError} If `actual` has not all that `expected` has. */
export function expectIn(what: string, actual: unknown, expected: unknown): void {
  if (includes(actual, expected)) return;
  throw new FlowError(`expected ${what} ${oneLine(expected)}, not ${oneLine(actual)}`);
}

/** Whether all that `expected` has is in `actual` too. */
function includes(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return actual === expected;
  return Object.entries(expected).every(([key, value]) => includes(Object(actual)[key], value));
}

function oneLine(value: unknown): string {
  return Deno.inspect(value, { breakLength: Infinity, depth: Infinity });
}
