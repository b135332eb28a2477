// Turn's Channels API as OpenAPI 3.1, from the schemas by which requests are read and written: what
// Turn asks of us as a path, and what we tell Turn as webhooks.

import * as z from "zod";
import { TITLES } from "./http_errors.ts";
import { messageSchema, type StatusFormat, statusSchemas } from "./payloads.ts";
import { requestSchema } from "./request.ts";
import { SIGNATURE_HEADER } from "./signature.ts";

/** A part of an OpenAPI document. */
export type OpenApi = Readonly<Record<string, unknown>>;

/** Options of {@linkcode turnApi}. */
export interface TurnApiOptions {
  /** What comes before `/messages`, for each channel. */
  readonly paths: readonly string[];
  /** How statuses are written, for each channel. */
  readonly statusFormats: readonly StatusFormat[];
}

/** The parts of a document that are about Turn. */
export function turnApi(
  { paths, statusFormats }: TurnApiOptions,
): Readonly<Record<"paths" | "webhooks" | "components", OpenApi>> {
  return {
    paths: Object.fromEntries(paths.map((path, index) => [`${path}/messages`, {
      post: index === 0 ? SEND : { ...SEND, operationId: `${SEND.operationId}${index + 1}` },
    }])),
    webhooks: {
      message: { post: call("postMessage", "A user has written.", messageSchema) },
      status: {
        post: call("postStatus", "What became of a message.", statusSchema(statusFormats)),
      },
    },
    components: { schemas: { Errors: schemaOf(errorsSchema) }, securitySchemes: SECURITY },
  };
}

function statusSchema(formats: readonly StatusFormat[]): z.ZodType {
  const [first = statusSchemas.flat, another] = [...new Set(formats)]
    .map((format) => statusSchemas[format]);
  return another === undefined ? first : z.union([first, another]);
}

const SECURITY: OpenApi = {
  signature: {
    type: "apiKey",
    in: "header",
    name: SIGNATURE_HEADER,
    description: "base64(HMAC-SHA256(secret, raw body)).",
  },
  token: { type: "http", scheme: "bearer" },
};

/** The one shape of our errors; see http_errors.ts. */
const errorsSchema = z.object({
  errors: z.array(z.object({
    code: z.int(),
    title: z.string(),
    details: z.string(),
    field: z.string().optional(),
  })).min(1),
});

const acceptedSchema = z.object({
  messages: z.array(z.object({
    id: z.string().meta({ description: "What the statuses of the message will be about." }),
  })).length(1),
});

/** The request in turn_channels_api.rst. */
const EXAMPLE = {
  to: "+26612345678",
  from: "8110",
  turn: { type: "text", text: { body: "Hello world!" } },
};

const SEND: OpenApi = {
  operationId: "sendMessage",
  summary: "Send a message to a user.",
  security: [{ signature: [] }],
  requestBody: { required: true, content: json(requestSchema, EXAMPLE) },
  responses: {
    200: { description: "The message is in the queue.", content: json(acceptedSchema) },
    ...errorResponses(),
  },
};

function errorResponses(): OpenApi {
  const content = { "application/json": { schema: { $ref: "#/components/schemas/Errors" } } };
  return Object.fromEntries(
    Object.entries(TITLES).map(([status, description]) => [status, { description, content }]),
  );
}

/** A call of ours to Turn, below `turn_api_url`. */
function call(operationId: string, summary: string, schema: z.ZodType): OpenApi {
  return {
    operationId,
    summary,
    security: [{ token: [] }],
    requestBody: { required: true, content: json(schema) },
    responses: { "2XX": { description: "Turn has it." } },
  };
}

function json(schema: z.ZodType, example?: unknown): OpenApi {
  const content = { schema: schemaOf(schema), ...(example === undefined ? {} : { example }) };
  return { "application/json": content };
}

function schemaOf(schema: z.ZodType): OpenApi {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" });
  return rest;
}
