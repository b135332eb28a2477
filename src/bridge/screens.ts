// What is shown to a user of USSD at once: Turn's messages as one text, with one menu.

import { mergeMessages, toPages } from "../content/mod.ts";
import type { OutboundRequest } from "../turn/mod.ts";
import type { HeldMessage } from "./held_messages.ts";
import type { ContentOptions } from "./options.ts";
import type { Prompt } from "./prompts.ts";
import type { Asked } from "./sessions.ts";

/** A screen, or pages of it. */
export interface Screen {
  /** What is shown; not empty. */
  readonly text: string;
  /** Whether the user is to answer. */
  readonly waits: boolean;
  /** Turn's messages that are shown, in the order of their coming. */
  readonly ids: readonly string[];
  /** What the user may choose from. */
  readonly prompt: Prompt | undefined;
}

/**
 * The screen that shows Turn's messages, in the order of their coming but for those that wait for an
 * answer, which come last; undefined if they have no words.
 */
export function merge(
  messages: readonly HeldMessage[],
  content: ContentOptions,
): Screen | undefined {
  const merged = mergeMessages(messages, ({ request }) => request, content);
  if (merged === undefined) return undefined;
  const of = merged.options.map(({ of }) => of.id);
  const options = merged.options.map(({ option }) => option);
  const [first] = of;
  return {
    text: merged.text,
    waits: merged.waits,
    ids: messages.map(({ id }) => id),
    prompt: first === undefined ? undefined : { id: first, of, medium: "ussd", options },
  };
}

/**
 * Those that are shown at once, above `below`. Of what is kept for the user's next dial no more than there
 * are pages for: the rest is left for the dial after it, and last of all what asks something. The oldest of
 * it is shown, if need be without some of what Turn says to the dial: else it might never be.
 */
export function shownAtOnce<T extends HeldMessage & { readonly isPending?: boolean }>(
  items: readonly T[],
  content: ContentOptions,
  below = "",
): readonly T[] {
  const { pages } = content;
  const shown = [...items];
  const oldest = below === "" ? items.find(({ isPending }) => isPending) : undefined;
  // What is too long by itself is cut off where nothing is below.
  while (shown.length > (below === "" ? 1 : 0)) {
    const text = `${merge(shown, content)?.text ?? ""}\n${below}`.trim();
    const most = { ...pages, maxPages: pages.maxPages + 1 };
    if (toPages(text, most).length <= pages.maxPages) return shown;
    const left = lastToLeave(shown.filter((item) => item.isPending && item !== oldest)) ??
      (oldest && lastToLeave(shown.filter((item) => item !== oldest)));
    if (left === undefined) return shown;
    shown.splice(shown.indexOf(left), 1);
  }
  return shown;
}

/** The last that asks nothing, else the last. */
function lastToLeave<T extends HeldMessage>(items: readonly T[]): T | undefined {
  return items.findLast(({ request }) => isPlain(request)) ?? items.at(-1);
}

/** What a screen asks, if it does, to be shown again; no more of it than is shown. */
export function askedBy(
  { text, waits, prompt }: Screen,
  at: number,
  { pages: { pageChars, maxPages } }: ContentOptions,
): Asked | undefined {
  if (!waits) return undefined;
  // A page more: so that it is told that there is a rest.
  const shown = text.slice(0, pageChars * (maxPages + 1));
  return { at, text: shown, ...prompt && { prompt } };
}

/** Whether a message asks nothing, so that a question of another one may stand below it. */
export function isPlain({ message, waitingForUserInput }: OutboundRequest): boolean {
  return !waitingForUserInput && message.type !== "interactive" && message.type !== "template";
}
