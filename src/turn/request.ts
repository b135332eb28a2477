// What Turn asks us to send, from bytes to `OutboundRequest`. Turn sends more keys than
// are read here; fields are those of turn_channels_api.rst, and `waiting_for_user_input`.

import * as z from "zod";
import { parseJson } from "../async/mod.ts";
import type { ErrorDetail } from "./http_errors.ts";
import { faultsOf, type TurnMessage, turnMessageSchema } from "./messages.ts";

/** What Turn asks us to send, as far as we use it. */
export interface OutboundRequest {
  /** The user's address; never empty. */
  readonly to: string;
  /** The address to send from, if Turn says. */
  readonly from: string | null;
  /** The id of the inbound message that this answers, if Turn says. */
  readonly replyTo: string | null;
  /** What to say. */
  readonly message: TurnMessage;
  /** The same in Turn's own words, where it has some. */
  readonly content: string | null;
  /** Whether the user is to answer; a session stays open for it. */
  readonly waitingForUserInput: boolean;
}

/** A request, or why it could not be read. */
type ReadRequest =
  | { readonly kind: "request"; readonly request: OutboundRequest }
  /** The body is not JSON, or not of the schema; one error for each field. */
  | { readonly kind: "malformed"; readonly errors: readonly ErrorDetail[] };

const emptyAsNull = z.string().nullish().transform((text) => text || null);

/** The body of a request. @internal Its type is zod's, which `deno doc --lint` would have exported. */
export const requestSchema = z.object({
  to: z.string().min(1, "expected an address, received an empty string")
    .meta({ description: "The user's address." }),
  from: emptyAsNull.meta({ description: "The address to send from; else default_from_addr." }),
  reply_to: emptyAsNull.meta({ description: "The id of the inbound message that this answers." }),
  turn: turnMessageSchema,
  content: z.string().nullish().catch(null).meta({
    description: "The message in Turn's own words, for types that have none on a phone.",
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
  const crowded = crowdedField(json);
  if (crowded !== undefined) {
    const details = `expected no more than ${MOST_ITEMS} items`;
    return { kind: "malformed", errors: [{ details, field: crowded }] };
  }
  const read = requestSchema.safeParse(json);
  if (!read.success) {
    const issues = read.error.issues.flatMap(faultsOf).slice(0, MOST_ERRORS);
    return { kind: "malformed", errors: issues.map(toError) };
  }
  const { to, from, reply_to, turn: message, content, waiting_for_user_input } = read.data;
  const waitingForUserInput = waiting_for_user_input ?? false;
  return {
    kind: "request",
    request: {
      ...{ to, from, message, waitingForUserInput },
      replyTo: reply_to,
      content: content ?? null,
    },
  };
}

/** More are in no list that people read. Each may have an error of its own. */
const MOST_ITEMS = 1_000;
/** More errors than that are told to nobody. */
const MOST_ERRORS = 20;

/** The first field of Turn's message that is a longer list than one that is looked into. */
function crowdedField(json: unknown): string | undefined {
  const turn = typeof json === "object" && json !== null && "turn" in json ? json.turn : undefined;
  const left: [path: string, value: unknown, depth: number][] = [["turn", turn, 0]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [path, value, depth] = next;
    if (Array.isArray(value) && value.length > MOST_ITEMS) return path;
    // What the schema reads is not deeper.
    if (typeof value !== "object" || value === null || depth > 10) continue;
    for (const [key, each] of Object.entries(value)) left.push([`${path}.${key}`, each, depth + 1]);
  }
  return undefined;
}

function toError({ path, message }: z.core.$ZodIssue): ErrorDetail {
  return path.length === 0 ? { details: message } : { details: message, field: path.join(".") };
}
