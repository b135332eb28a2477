/**
 * What Turn accepts, field by field: shapes of turn_channels_api.rst, and for statuses vumi2's too.
 * They do not share code with the bridge's, so that a fault there is found.
 *
 * @module
 */

import * as z from "zod";

type TurnPath = "/messages" | "/statuses";

const unixSeconds = z.string().regex(/^\d+$/);
const statusName = z.enum(["sent", "delivered", "read", "failed"]);

const SCHEMAS: Readonly<Record<TurnPath, z.ZodType>> = {
  "/messages": z.strictObject({
    contact: z.strictObject({
      id: z.string().min(1),
      profile: z.strictObject({ name: z.string().min(1) }),
    }),
    message: z.strictObject({
      type: z.literal("text"),
      text: z.strictObject({ body: z.string().min(1) }),
      from: z.string().min(1),
      id: z.string().min(1),
      timestamp: unixSeconds,
    }),
  }),
  "/statuses": z.union([
    z.strictObject({
      user_message_id: z.string().min(1),
      timestamp: z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
      status: statusName,
    }),
    z.strictObject({
      status: z.strictObject({
        id: z.string().min(1),
        timestamp: unixSeconds,
        status: statusName,
        recipient_id: z.string().min(1),
      }),
    }),
  ]),
};

export function isTurnPath(path: string): path is TurnPath {
  return Object.hasOwn(SCHEMAS, path);
}

/** What is wrong with a call's body; undefined if nothing is. */
export function faultInBody(path: TurnPath, body: unknown): string | undefined {
  const read = SCHEMAS[path].safeParse(body);
  return read.success ? undefined : z.prettifyError(read.error);
}
