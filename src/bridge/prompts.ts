// What a user was asked last, and the pages of a text that were not shown yet, as they are kept. All of it
// is ours, so it is not checked when it is read.

import type { KeptRecord } from "../cache/mod.ts";
import type { Medium, Option } from "../content/mod.ts";
import type { BridgeOptions } from "./options.ts";

/** What a user may choose from. */
export interface Prompt {
  /** The id that Turn was given for the message. */
  readonly id: string;
  /** The same for each of the options, where several messages are on one screen. */
  readonly of?: readonly string[];
  /** How it was shown: what was asked on USSD ends with its session, and is answered there. */
  readonly medium: Medium;
  /** Whether it is answered by SMS alone, as a screen asked for something else. */
  readonly bySms?: boolean;
  /** Not empty. */
  readonly options: readonly Option[];
}

/** The screens of a text. */
export interface Pages {
  /** The id that Turn was given for the message. */
  readonly id: string;
  readonly texts: readonly string[];
  /** What the last one does with the session. */
  readonly sessionEvent: "resume" | "close";
  /** The ids of the user's messages that have brought the second one, the third one, … */
  readonly broughtBy: readonly string[];
}

type Times = Pick<BridgeOptions, "ussd" | "content">;

/** The change that has `prompt` kept, in place of an earlier one of the user's. */
export function keepPrompt(user: string, prompt: Prompt, times: Times): KeptRecord {
  const { ussd: { sessionMs, resumeWindowMs }, content: { menuTimeoutMs } } = times;
  const ttlMs = prompt.medium === "ussd" ? sessionMs + resumeWindowMs : menuTimeoutMs;
  return { kind: "prompt", id: user, value: JSON.stringify(prompt), ttlMs };
}

/** The same of pages. */
export function keepPages(user: string, pages: Pages, { ussd }: Times): KeptRecord {
  return { kind: "pages", id: user, value: JSON.stringify(pages), ttlMs: ussd.sessionMs };
}

/** The change that has what the user was asked, or was to be shown, forgotten. */
export function forget(kind: "prompt" | "pages" | "pending", user: string): KeptRecord {
  return { kind, id: user, value: undefined, ttlMs: 1 };
}

export function readPrompt(value: string | undefined): Prompt | undefined {
  return value === undefined ? undefined : JSON.parse(value);
}

export function readPages(value: string | undefined): Pages | undefined {
  return value === undefined ? undefined : JSON.parse(value);
}

/** Whether some of a text was not shown yet. */
export function isLeft(pages: Pages | undefined): boolean {
  return pages !== undefined && pages.broughtBy.length + 1 < pages.texts.length;
}
