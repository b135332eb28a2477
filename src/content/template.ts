// A template's words. Turn sends a template's name and what is to be filled in; the words are
// WhatsApp's, so a configuration has to say them again.

import type { TurnMessage } from "../turn/mod.ts";
import type { Option } from "./menu.ts";

/** What a configuration says of a template. */
export interface TemplateWords {
  /** Its words, with `{{1}}` and so on for the parameters of its body. */
  readonly text: string;
  /** The titles of its quick replies, in order. */
  readonly buttons: readonly string[];
}

/** Templates by `name`, or by `name.language` where a language has words of its own. */
export type Templates = ReadonlyMap<string, TemplateWords>;

type Template = Extract<TurnMessage, { type: "template" }>["template"];
type Component = NonNullable<Template["components"]>[number];
type Parameter = NonNullable<Component["parameters"]>[number];

/** The words of a template, if the configuration has them, and a value for each placeholder. */
export function fillTemplate(
  { name, language, components }: Template,
  templates: Templates,
): { readonly text: string; readonly options: readonly Option[] } | undefined {
  const words = templates.get(`${name}.${language?.code}`) ?? templates.get(name);
  if (words === undefined) return;
  const body = components?.find(({ type }) => type.toLowerCase() === "body");
  const values = (body?.parameters ?? []).map(valueOf);
  let isWhole = true;
  const text = words.text.replace(/\{\{\s*(\d+)\s*\}\}/g, (_, number: string) => {
    const value = values[Number(number) - 1];
    isWhole &&= value !== undefined;
    return value ?? "";
  });
  if (!isWhole) return;
  const payloads = payloadsOf((components ?? []).filter(isQuickReply), words.buttons.length);
  const options = words.buttons.map((title, index) => {
    // Where Turn sends no payload, WhatsApp's is the title.
    return { kind: "quick_reply" as const, id: payloads.get(index) ?? title, title };
  });
  return { text, options };
}

function valueOf({ text, currency, date_time }: Parameter): string | undefined {
  return text?.toString() ?? currency?.fallback_value ?? date_time?.fallback_value ?? undefined;
}

function isQuickReply({ type, sub_type }: Component): boolean {
  return type.toLowerCase() === "button" && sub_type?.toLowerCase() === "quick_reply";
}

/**
 * The payloads of quick replies by the places of their titles. Turn's index counts all of the template's
 * buttons, also those that are links, so it tells the place only where some replies were left out.
 */
function payloadsOf(
  replies: readonly Component[],
  titles: number,
): ReadonlyMap<number, string | undefined> {
  const indexed = replies.map(({ index, parameters }, place) => {
    return [Number(index ?? place), parameters?.[0]?.payload ?? undefined] as const;
  });
  if (replies.length !== titles) return new Map(indexed);
  const inOrder = indexed.toSorted(([one], [other]) => one - other);
  return new Map(inOrder.map(([, payload], place) => [place, payload]));
}
