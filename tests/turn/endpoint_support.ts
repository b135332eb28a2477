/**
 * What the endpoint's tests share.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configureSync, resetSync } from "@logtape/logtape";
import type { EndpointOptions } from "../../src/turn/mod.ts";

export const SECRET = "hush";
export const EXAMPLE = {
  to: "+26612345678",
  from: "8110",
  turn: { type: "text", text: { body: "Hello world!" } },
};
/** Where the endpoint is, with these {@linkcode options}. */
export const URL_PATH = "/api/messages";

/** Options that accept everything, and others. */
export function options(more: Partial<EndpointOptions> = {}): EndpointOptions {
  return {
    path: "/api",
    hmacSecrets: [SECRET],
    maxBodyBytes: 1000,
    requestTimeoutMs: 60_000,
    accept: () => Promise.resolve({ kind: "accepted", id: "message-uuid-5678" }),
    ...more,
  };
}

interface Errors {
  readonly errors: readonly {
    readonly code: number;
    readonly title: string;
    readonly details: string;
    readonly field?: string;
  }[];
}

/** Looks whether it is an error of that status in the one shape, and returns its fields. */
export async function fieldsOf(
  response: Response,
  status: number,
): Promise<(string | undefined)[]> {
  assert.equal(response.status, status);
  assert.match(response.headers.get("content-type") ?? "", /^application\/json\b/);
  const { errors }: Errors = await response.json();
  assert.ok(errors.length > 0);
  for (const { code, title, details, ...rest } of errors) {
    assert.equal(code, status);
    assert.ok(title.length > 0 && details.length > 0);
    assert.ok(Object.keys(rest).every((key) => key === "field"));
  }
  return errors.map(({ field }) => field);
}

/** What is logged, until it is disposed. */
export class Logs implements Disposable {
  readonly records: string[] = [];

  constructor() {
    configureSync({
      reset: true,
      sinks: { memory: ({ level, message }) => this.records.push(`${level}: ${message.join("")}`) },
      loggers: [
        { category: "turn-channels", sinks: ["memory"] },
        { category: ["logtape", "meta"], sinks: [] },
      ],
    });
  }

  [Symbol.dispose](): void {
    resetSync();
  }
}
