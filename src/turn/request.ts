// What Turn asks us to send, from bytes to `OutboundRequest`. Turn sends more keys than
// are read here; fields are those of turn_channels_api.rst, and `waiting_for_user_input`.

import * as z from "zod";
import { parseJson } from "../async/mod.ts";
import type { ErrorDetail } from "./http_errors.ts";

/** What Turn asks us to send, as far as we use it. */
export interface OutboundRequest {
  /** The user's address; never empty. */
  readonly to: string;
  /** The address to send from, if Turn says. */
  readonly from: string | null;
  /** The id of the inbound message that this answers, if Turn says. */
  readonly replyTo: string | null;
  /** What to say; may be empty. */
  readonly text: string;
  /** Whether the user is to answer; a session stays open for it. */
  readonly waitingForUserInput: boolean;
}

/** A request, or why it could not be read. */
type ReadRequest =
  | { readonly kind: "request"; readonly request: OutboundRequest }
  /** The body is not JSON, or not of the schema; one error for each field. */
  | { readonly kind: "malformed"; readonly errors: readonly ErrorDetail[] }
  /** The message is well formed, and of a type that we can't send; `type` is cut to 50 characters. */
  | { readonly kind: "unsupported"; readonly type: string };

/** Turn has more types, and those have other fields: only for `text` does `text` matter. */
const turnSchema = z.object({
  type: z.string().nullish(),
  text: z.object({ body: z.string() }).optional().catch(undefined),
}).transform(({ type, text }, context) => {
  if ((type ?? "text") !== "text") return { type: type ?? "", text: "" };
  if (text !== undefined) return { type: "text", text: text.body };
  context.addIssue({ code: "custom", path: ["text", "body"], message: "expected string" });
  return z.NEVER;
});

const emptyAsNull = z.string().nullish().transform((text) => text || null);

/** The body of a request. @internal Its type is zod's, which `deno doc --lint` would have exported. */
export const requestSchema = z.object({
  to: z.string().min(1, "expected an address, received an empty string")
    .meta({ description: "The user's address." }),
  from: emptyAsNull.meta({ description: "The address to send from; else default_from_addr." }),
  reply_to: emptyAsNull.meta({ description: "The id of the inbound message that this answers." }),
  turn: turnSchema.meta({
    description: 'Turn\'s message; of type "text", for which text matters.',
  }),
  waiting_for_user_input: z.boolean().nullish()
    .meta({ description: "Whether the user is to answer: a session stays open for it." }),
});

/** Reads a request; any bytes will do. */
export function decodeRequest(body: Uint8Array): ReadRequest {
  const json = parseJson(body);
  if (json === undefined) {
    return { kind: "malformed", errors: [{ details: "The body is not JSON in UTF-8" }] };
  }
  const read = requestSchema.safeParse(json);
  if (!read.success) return { kind: "malformed", errors: read.error.issues.map(toError) };
  const { to, from, reply_to, turn, waiting_for_user_input } = read.data;
  if (turn.type !== "text") return { kind: "unsupported", type: turn.type.slice(0, 50) };
  const waitingForUserInput = waiting_for_user_input ?? false;
  return {
    kind: "request",
    request: { to, from, replyTo: reply_to, text: turn.text, waitingForUserInput },
  };
}

function toError({ path, message }: z.core.$ZodIssue): ErrorDetail {
  return path.length === 0 ? { details: message } : { details: message, field: path.join(".") };
}
