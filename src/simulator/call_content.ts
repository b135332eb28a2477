/**
 * What a call to Turn is about, whatever form it has.
 *
 * @module
 */

import * as z from "zod";
import type { TurnCall } from "./fake_turn.ts";

export type CallContent =
  | {
    readonly kind: "message";
    readonly id: string;
    readonly address: string;
    readonly text: string;
  }
  | {
    readonly kind: "status";
    readonly id: string;
    readonly status: string;
  };

const messageSchema = z.object({
  message: z.object({ id: z.string(), from: z.string(), text: z.object({ body: z.string() }) }),
}).transform(({ message: { id, from, text } }): CallContent => {
  return { kind: "message", id, address: from, text: text.body };
});

const flatSchema = z.object({ user_message_id: z.string(), status: z.string() })
  .transform(({ user_message_id: id, status }): CallContent => ({ kind: "status", id, status }));

const nestedSchema = z.object({ status: z.object({ id: z.string(), status: z.string() }) })
  .transform(({ status: { id, status } }): CallContent => ({ kind: "status", id, status }));

const statusSchema = z.union([flatSchema, nestedSchema]);

/** Undefined if the form is not known. */
export function readCall({ path, body }: TurnCall): CallContent | undefined {
  const schema = path === "/statuses" ? statusSchema : messageSchema;
  const read = schema.safeParse(body);
  return read.success ? read.data : undefined;
}
