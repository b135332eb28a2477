// The actions of the page, as they come over HTTP.

import * as z from "zod";
import { parseJson } from "../../async/mod.ts";

const address = z.string().trim().min(1).max(40);
const text = z.string().max(4_000);
const id = z.string().min(1).max(100);
const report = z.enum(["ack", "nack", "delivered", "failed"]);
const mode = z.enum(["200", "429", "500", "400", "none"]);

const actionSchema = z.discriminatedUnion("do", [
  z.strictObject({
    do: z.literal("add"),
    address,
    /** Whether it was a link that asked for it, which anybody can make. */
    byLink: z.boolean().optional(),
  }),
  z.strictObject({ do: z.literal("text"), address, text: text.min(1) }),
  z.strictObject({ do: z.literal("dial"), address, code: address }),
  z.strictObject({ do: z.literal("answer"), address, text }),
  z.strictObject({ do: z.literal("hangUp"), address }),
  z.strictObject({ do: z.literal("report"), id, report }),
  /** Whether the transport reports by itself. */
  z.strictObject({ do: z.literal("setReports"), on: z.boolean() }),
  /** Which operator's network it is, by its id. */
  z.strictObject({ do: z.literal("setNetwork"), id }),
  /** Whether it loses sessions now and then. */
  z.strictObject({ do: z.literal("setBadNetwork"), on: z.boolean() }),
  z.strictObject({
    do: z.literal("send"),
    to: address,
    /** Turn's message, of any type; the bridge says what is wrong with it. */
    turn: z.record(z.string(), z.unknown()),
    /** Its words beside it; none if it is empty. */
    content: text,
    waits: z.boolean(),
    replyTo: z.string().max(100),
    badSignature: z.boolean(),
  }),
  z.strictObject({ do: z.literal("setTurnAnswers"), mode }),
  z.strictObject({ do: z.literal("setTurnReplies"), on: z.boolean() }),
  z.strictObject({ do: z.literal("setTurnDelay"), seconds: z.int().min(0).max(30) }),
  z.strictObject({ do: z.literal("setTurnMessages"), count: z.int().min(1).max(3) }),
  z.strictObject({ do: z.literal("replay"), key: z.union([z.literal("all"), id]) }),
  z.strictObject({ do: z.literal("setLoad"), rate: z.int().min(0).max(500) }),
  z.strictObject({ do: z.literal("tour") }),
  /** What becomes of messages that waited for others. */
  z.strictObject({ do: z.literal("decide"), decision: z.enum(["take", "leave"]) }),
]);

export type Action = z.output<typeof actionSchema>;

export function readAction(json: string): Action | { readonly fault: string } {
  const value = parseJson(json);
  if (value === undefined) return { fault: "The body is not JSON" };
  const { data, error } = actionSchema.safeParse(value);
  return data ?? { fault: z.prettifyError(error) };
}
