// What Turn accepts, field by field: shapes of turn_channels_api.rst, for choices WhatsApp's, and for
// statuses vumi2's too. They do not share code with the bridge's, so that a fault there is found.

import * as z from "zod";

const someText = z.string().min(1);
const unixSeconds = z.string().regex(/^\d+$/);
const status = z.enum(["sent", "delivered", "read", "failed"]);

const sentBy = { from: someText, id: someText, timestamp: unixSeconds };
const inContext = { context: z.strictObject({ id: someText }), ...sentBy };
// An id may be empty: it is what Turn has sent.
const reply = z.strictObject({ id: z.string(), title: someText });

const messages = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("text"),
    text: z.strictObject({ body: someText }),
    ...sentBy,
  }),
  z.strictObject({
    type: z.literal("interactive"),
    interactive: z.discriminatedUnion("type", [
      z.strictObject({ type: z.literal("button_reply"), button_reply: reply }),
      z.strictObject({
        type: z.literal("list_reply"),
        list_reply: reply.extend({ description: someText.optional() }),
      }),
    ]),
    ...inContext,
  }),
  z.strictObject({
    type: z.literal("button"),
    button: z.strictObject({ payload: z.string(), text: someText }),
    ...inContext,
  }),
]);

/** What a user chose, as Turn is told. */
export interface ChoiceContent {
  readonly as: "button_reply" | "list_reply" | "button";
  readonly id: string;
  readonly title: string;
  /** The message that asked. */
  readonly contextId: string;
}

interface MessageContent {
  readonly kind: "message";
  readonly id: string;
  readonly address: string;
  /** Of a choice its title. */
  readonly text: string;
  readonly choice: ChoiceContent | undefined;
}

const message = z.strictObject({
  contact: z.strictObject({
    id: someText,
    profile: z.strictObject({ name: someText }),
  }),
  message: messages,
}).transform(({ message }): MessageContent => {
  const { id, from: address } = message;
  const choice = choiceOf(message);
  const text = message.type === "text" ? message.text.body : choice?.title ?? "";
  return { kind: "message", id, address, text, choice };
});

function choiceOf(message: z.output<typeof messages>): ChoiceContent | undefined {
  if (message.type === "text") return undefined;
  const { context: { id: contextId } } = message;
  if (message.type === "button") {
    const { payload: id, text: title } = message.button;
    return { as: "button", id, title, contextId };
  }
  const { interactive } = message;
  const { id, title } = interactive.type === "button_reply"
    ? interactive.button_reply
    : interactive.list_reply;
  return { as: interactive.type, id, title, contextId };
}

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

export type CallContent = MessageContent | z.output<typeof flatStatus>;

const SCHEMAS: Readonly<Record<string, z.ZodType<CallContent>>> = {
  "/messages": message,
  "/statuses": z.union([flatStatus, nestedStatus]),
};

/** Reads the body of a call; undefined if Turn knows no such path. */
export function readCall(path: string, body: unknown) {
  return Object.hasOwn(SCHEMAS, path) ? SCHEMAS[path]?.safeParse(body) : undefined;
}
