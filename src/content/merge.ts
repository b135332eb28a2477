// Several of Turn's messages as one screen: their texts one below the other, with one menu.

import type { TurnMessage } from "../turn/mod.ts";
import type { Option } from "./menu.ts";
import { showMessage, type ShowOptions } from "./show.ts";

/** One of the messages. */
export interface MessageToMerge {
  /** What Turn sends. */
  readonly message: TurnMessage;
  /** The same in Turn's own words, where it has some. */
  readonly content: string | null;
  /** Whether the user is to answer. */
  readonly waitingForUserInput: boolean;
}

/** What they say together. */
export interface Merged<T> {
  /** Not empty. */
  readonly text: string;
  /** Whether the user is to answer any of them. */
  readonly waits: boolean;
  /** What the user may choose from, numbered in the text, each with the message that it is of. */
  readonly options: readonly { readonly option: Option; readonly of: T }[];
}

/**
 * Merges messages in the order of their coming, but those that wait for an answer come last; undefined
 * if they have no words.
 */
export function mergeMessages<T>(
  messages: readonly T[],
  contentOf: (message: T) => MessageToMerge,
  options: Omit<ShowOptions, "medium" | "optionsBefore">,
): Merged<T> | undefined {
  const read = messages.map((of) => ({ of, ...contentOf(of) }));
  const waiting = read.filter(({ waitingForUserInput }) => waitingForUserInput);
  const others = read.filter(({ waitingForUserInput }) => !waitingForUserInput);
  const texts: string[] = [];
  const menu: { readonly option: Option; readonly of: T }[] = [];
  for (const { of, message, content } of [...others, ...waiting]) {
    const shown = showMessage(message, content, {
      ...options,
      medium: "ussd",
      optionsBefore: menu.length,
    });
    if (shown.kind !== "shown" || shown.text === "") continue;
    texts.push(shown.text);
    menu.push(...shown.options.map((option) => ({ option, of })));
  }
  if (texts.length === 0) return undefined;
  return { text: texts.join("\n"), waits: waiting.length > 0, options: menu };
}
