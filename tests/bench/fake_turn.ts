/**
 * Turn, as cheap as can be, as a process of its own: every call is answered 200. It can keep the
 * answers back until a backlog is laid, and note when each call came.
 *
 * @module
 */

import { answerLines } from "./helper.ts";

/** What can be asked of it. */
export type TurnAsked =
  /** The port on 127.0.0.1. */
  | { readonly kind: "port" }
  /** Calls are counted from 0, and answered after `release` only. */
  | { readonly kind: "hold" }
  /** Answers what waits. The answer is the seconds until there have been so many calls. */
  | { readonly kind: "release"; readonly calls: number }
  /** Calls are counted from 0, and noted. */
  | { readonly kind: "note" }
  /** The answer are the notes, when there are so many. */
  | { readonly kind: "noted"; readonly calls: number };

/** A call: the message it is about, and when it came, in milliseconds since 1970. */
export type TurnNote = readonly [id: string, at: number];

let calls = 0;
let wanted = Infinity;
let enough = Promise.withResolvers<void>();
let held: PromiseWithResolvers<void> | undefined;
let notes: TurnNote[] | undefined;

async function take(request: Request): Promise<Response> {
  const at = performance.timeOrigin + performance.now();
  const text = await request.text();
  if (held) await held.promise;
  if (notes) notes.push([idOf(JSON.parse(text)), at]);
  if (++calls >= wanted) enough.resolve();
  return new Response("{}", { headers: { "Content-Type": "application/json" } });
}

/** Of a message, or of a flat status. */
function idOf(body: { message?: { id: string }; user_message_id?: string }): string {
  return body.message?.id ?? body.user_message_id ?? "";
}

async function answer(asked: TurnAsked): Promise<unknown> {
  switch (asked.kind) {
    case "port":
      return server.addr.port;
    case "hold":
      calls = 0;
      held = Promise.withResolvers();
      return;
    case "release": {
      const begin = performance.now();
      held?.resolve();
      held = undefined;
      await come(asked.calls);
      return (performance.now() - begin) / 1000;
    }
    case "note":
      calls = 0;
      notes = [];
      return;
    case "noted": {
      await come(asked.calls);
      const noted = notes;
      notes = undefined;
      return noted;
    }
  }
}

async function come(count: number): Promise<void> {
  wanted = count;
  enough = Promise.withResolvers();
  if (calls < wanted) await enough.promise;
  wanted = Infinity;
}

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, take);
await answerLines(answer);
await server.shutdown();
