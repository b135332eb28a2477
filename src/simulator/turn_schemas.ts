// What Turn accepts, field by field: shapes of turn_channels_api.rst, and for statuses vumi2's too.
// They do not share code with the bridge's, so that a fault there is found.

import * as z from "zod";

const someText = z.string().min(1);
const unixSeconds = z.string().regex(/^\d+$/);
const status = z.enum(["sent", "delivered", "read", "failed"]);

const message = z.strictObject({
  contact: z.strictObject({
    id: someText,
    profile: z.strictObject({ name: someText }),
  }),
  message: z.strictObject({
    type: z.literal("text"),
    text: z.strictObject({ body: someText }),
    from: someText,
    id: someText,
    timestamp: unixSeconds,
  }),
}).transform(({ message: { id, from, text } }) => {
  return { kind: "message" as const, id, address: from, text: text.body };
});

const flatStatus = z.strictObject({
  user_message_id: someText,
  timestamp: z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
  status,
}).transform(({ user_message_id: id, status }) => ({ kind: "status" as const, id, status }));

const nestedStatus = z.strictObject({
  status: z.strictObject({
    id: someText,
    timestamp: unixSeconds,
    status,
    recipient_id: someText,
  }),
}).transform(({ status: { id, status } }) => ({ kind: "status" as const, id, status }));

export type CallContent = z.output<typeof message> | z.output<typeof flatStatus>;

const SCHEMAS: Readonly<Record<string, z.ZodType<CallContent>>> = {
  "/messages": message,
  "/statuses": z.union([flatStatus, nestedStatus]),
};

/** Reads the body of a call; undefined if Turn knows no such path. */
export function readCall(path: string, body: unknown) {
  return Object.hasOwn(SCHEMAS, path) ? SCHEMAS[path]?.safeParse(body) : undefined;
}
