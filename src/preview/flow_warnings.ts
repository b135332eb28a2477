// What there is to say of a flow as a whole, and of its turns: what starts it, the words that it looks
// for, and web calls between messages.

import { isKey } from "../content/mod.ts";
import type { Flow } from "./container.ts";
import { isOfMessage, isStartedBy, keywordsOf, startWords } from "./keywords.ts";
import { isMessage } from "./messages.ts";
import type { Turn } from "./turns.ts";
import { named, type Warning, warningAt } from "./warnings.ts";

/** How a channel begins, merges and reads. */
export interface SessionOptions {
  /** What Turn may be told when somebody dials; none if it is the code. */
  readonly startTexts: readonly string[];
  /** How long a screen waits for another message. */
  readonly mergeWindowMs: number;
  /** When it is shown in any case. */
  readonly answerDeadlineMs: number;
  /** The answer that brings the next page. */
  readonly moreKey: string;
}

/** Whether somebody may dial this. */
const DIALLED = /^\*[0-9*#]+$/;

/** What there is to say of a flow on USSD. */
export function startWarnings(flow: Flow, { startTexts }: SessionOptions): readonly Warning[] {
  const starts = startWords(flow);
  const [first] = starts;
  if (first === undefined || isStartedBy(starts, startTexts)) return [];
  if (starts.some(({ word }) => DIALLED.test(word))) return [];
  const words = named(starts.map(({ word }) => `"${word}"`));
  const told = startTexts.length === 0
    ? "the code that was dialled"
    : named(startTexts.map((text) => `"${text}"`));
  const { word } = starts.find(({ word }) => /\p{L}/u.test(word)) ?? first;
  return [warningAt(
    first.block,
    "",
    "start_words",
    `The flow starts on ${words}, and nobody dials that: Turn is told ${told}.`,
    startTexts.length === 0
      ? `Set ussd.start_text to "${word}".`
      : `Set ussd.start_text to "${word}", or in ussd.start_texts for the flow's own code.`,
  )];
}

/** Words for which a flow looks and that it never hears, as they mean something to the bridge. */
export function keywordWarnings(
  flow: Flow,
  { moreKey }: SessionOptions,
  medium: "ussd" | "sms",
): readonly Warning[] {
  const messages = [...flow.blocks.values()].filter(isMessage);
  const answers = new Set(messages.map(({ name }) => name));
  const choices = new Set(
    messages.filter(({ type }) => type.endsWith("SelectOneResponse")).map(({ name }) => name),
  );
  const found = new Map<string, Warning>();
  for (const keyword of keywordsOf(flow)) {
    const { word, block } = keyword;
    const warn = (message: string, remedy: string) => {
      const key = `${word} ${block.card}`;
      if (!found.has(key)) found.set(key, warningAt(block, "", "number_keyword", message, remedy));
    };
    const names: readonly string[] = keyword.subject.match(/\w+/g) ?? [];
    const isOfAny = isOfMessage(keyword) || /\bblock\.response\b/.test(keyword.subject);
    const isOfAnswer = isOfAny || names.some((name) => answers.has(name));
    if (medium === "ussd" && isKey(word, moreKey) && isOfAnswer) {
      warn(
        `The flow looks for "${word}", which brings the next page and is not told to Turn.`,
        "Take another word, or set another ussd.more_key.",
      );
    } else if (
      /^[1-9][0-9]?$/.test(word) && (isOfAny || names.some((name) => choices.has(name)))
    ) {
      warn(
        `The flow looks for "${word}": in a menu that picks option ${word}, and Turn is told ` +
          "the option's title.",
        "Look for a word, or for the title.",
      );
    }
  }
  return [...found.values()];
}

const CALL_BEFORE =
  "Call before the first of them, or ask something between: networks do not wait so long.";

/** What there is to say of messages that come one after the other. */
export function turnWarnings(
  { messages }: Turn,
  { mergeWindowMs, answerDeadlineMs }: SessionOptions,
): readonly Warning[] {
  const deadline = answerDeadlineMs / 1000;
  /** Of all calls, since some that were too long by themselves. */
  let allMs = 0;
  return messages.slice(1).flatMap(({ block, callsMs }, index) => {
    allMs += callsMs;
    const before = messages[index]?.block.card ?? "";
    if (mergeWindowMs === 0) {
      return [warningAt(
        block,
        "",
        "too_late",
        `It comes after "${before}" without an answer between, and ussd.merge_window is 0: ` +
          "the session is over by then.",
        "Set ussd.merge_window to 2, so that both are shown as one screen.",
      )];
    }
    const isWaitedFor = callsMs <= Math.min(mergeWindowMs, answerDeadlineMs);
    if (isWaitedFor && (callsMs === 0 || allMs < answerDeadlineMs)) return [];
    if (isWaitedFor) {
      return [warningAt(
        block,
        "",
        "web_call",
        `Web calls up to this may take ${Math.ceil(allMs / 1000)} s in all: this may be missed, ` +
          `as a screen is shown after ${deadline} s in any case.`,
        CALL_BEFORE,
      )];
    }
    allMs = 0;
    const seconds = Math.ceil(callsMs / 1000);
    const isBearable = seconds < deadline;
    return [warningAt(
      block,
      "",
      "web_call",
      `Between "${before}" and this, web calls may take ${seconds} s: the two may miss each other, ` +
        `as a screen waits ${mergeWindowMs / 1000} s for more.`,
      isBearable
        ? `Call before the first of them, or set ussd.merge_window to ${seconds + 1}.`
        : CALL_BEFORE,
    )];
  });
}
