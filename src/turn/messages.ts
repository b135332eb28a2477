// The messages that Turn may ask for, in the shapes of WhatsApp's Cloud API. Read as leniently as
// can be: of each type only what a phone may show, and the rest, known or not, is left alone.

import * as z from "zod";

/** Words that may be missing. */
const words = z.string().nullish();

const spoken = z.object({ text: words }).nullish();
const mediaSchema = z.object({ link: words, caption: words, filename: words });
const numberOrWords = z.union([z.string(), z.number()]);

const title = z.string().refine((text) => text.trim() !== "", "expected a title, received none");

/** An option with its title, by which it is shown, and its id, by which a flow knows it. */
const choiceSchema = z.object({ id: words, title, description: words })
  .transform(({ id, title, description }) => ({
    id: id ?? title,
    title,
    ...(description ? { description } : {}),
  }));

const parts = {
  header: z.object({
    text: words,
    image: mediaSchema.nullish(),
    video: mediaSchema.nullish(),
    document: mediaSchema.nullish(),
  }).nullish(),
  body: spoken,
  footer: spoken,
};

const INTERACTIVE = [
  z.object({
    type: z.literal("button"),
    ...parts,
    action: z.object({ buttons: z.array(z.object({ reply: choiceSchema })) }),
  }),
  z.object({
    type: z.literal("list"),
    ...parts,
    action: z.object({
      sections: z.array(z.object({ title: words, rows: z.array(choiceSchema) })),
    }),
  }),
  z.object({
    type: z.literal("cta_url"),
    ...parts,
    action: z.object({ parameters: z.object({ display_text: words, url: words }) }),
  }),
  z.object({
    type: z.literal("carousel"),
    ...parts,
    action: z.object({ cards: z.array(z.object({ body: spoken })) }),
  }),
] as const;

/** The kinds that have nothing but words to show: flow, location_request_message, product… */
const otherInteractive = z.object({ type: unknownOf(INTERACTIVE).nullish(), ...parts })
  .transform(({ type, ...parts }) => ({ type: "other" as const, name: type ?? "", ...parts }));

const parameterSchema = z.object({
  text: numberOrWords.nullish(),
  payload: words,
  currency: z.object({ fallback_value: words }).nullish(),
  date_time: z.object({ fallback_value: words }).nullish(),
});

const templateSchema = z.object({
  name: z.string(),
  language: z.object({ code: words }).nullish(),
  components: z.array(z.object({
    type: z.string(),
    sub_type: words,
    index: numberOrWords.nullish(),
    parameters: z.array(parameterSchema).nullish(),
  })).nullish(),
});

const MESSAGES = [
  z.object({
    // Without a type it is a text.
    type: z.literal("text").nullish().transform(() => "text" as const),
    text: z.object({ body: z.string() }),
  }),
  z.object({
    type: z.literal("interactive"),
    interactive: z.union([z.discriminatedUnion("type", INTERACTIVE), otherInteractive]),
  }),
  z.object({ type: z.literal("image"), image: mediaSchema }),
  z.object({ type: z.literal("video"), video: mediaSchema }),
  z.object({ type: z.literal("audio"), audio: mediaSchema }),
  z.object({ type: z.literal("document"), document: mediaSchema }),
  z.object({
    type: z.literal("location"),
    location: z.object({
      name: words,
      address: words,
      latitude: numberOrWords.nullish(),
      longitude: numberOrWords.nullish(),
    }),
  }),
  z.object({
    type: z.literal("contacts"),
    contacts: z.array(z.object({
      name: z.object({ formatted_name: words }).nullish(),
      phones: z.array(z.object({ phone: words })).nullish(),
    })),
  }),
  z.object({ type: z.literal("template"), template: templateSchema }),
  z.object({ type: z.literal("sticker") }),
  z.object({ type: z.literal("reaction") }),
] as const;

const otherMessage = z.object({ type: unknownOf(MESSAGES) })
  .transform(({ type }) => ({ type: "other" as const, name: type }));

/**
 * A message of Turn's, of any type.
 *
 * @internal Its type is zod's, as requestSchema's is.
 */
export const turnMessageSchema = z.union([z.discriminatedUnion("type", MESSAGES), otherMessage]);

/**
 * A message of Turn's, read; of a type that isn't known, only its name.
 *
 * @internal As turnMessageSchema is.
 */
export type TurnMessage = z.output<typeof turnMessageSchema>;

/**
 * What is wrong with a message, field by field. zod says of a union no more than that no member
 * fits; here the member counts that the message says it is.
 *
 * @internal
 */
export function faultsOf(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const [known = [], other = []] = issue.errors;
  // Without errors of its own it says that no type fits.
  const isOther = known.some((fault) => fault.code === "invalid_union" && !fault.errors.length);
  return (isOther ? other : known).flatMap(faultsOf).map((fault) => {
    const [field, ...below] = fault.path;
    // Of a text it is the words that are missed.
    const isText = field === "text" && below.length === 0;
    return { ...fault, path: [...issue.path, ...fault.path, ...(isText ? ["body"] : [])] };
  });
}

/** A type that none of `schemas` has. */
function unknownOf(schemas: readonly { readonly shape: { readonly type: z.ZodType } }[]) {
  return z.string().refine((type) =>
    !schemas.some(({ shape }) => shape.type.safeParse(type).success)
  );
}
