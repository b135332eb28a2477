// Words for which a flow looks in what a user has written: those that start it, and those that mean
// something in the midst of it.

import type { Block, Flow } from "./container.ts";

/** A word that a condition compares with. */
export interface Keyword {
  readonly word: string;
  /** Whether the user's text must be this, and not only hold it. */
  readonly isWhole: boolean;
  /** Whether capitals count, as they do for `==`. */
  readonly isExact: boolean;
  /** What it is compared with: names in the condition. */
  readonly subject: string;
  readonly block: Block;
}

/** Longer conditions are not looked into. */
const LONGEST = 2_000;

/** What stands for the user's message in conditions. */
const MESSAGE = /\bevent\.message\b|\bmessage\.text\.body\b|\btext\.body\b/;

const TEXT = String.raw`"(?:[^"\\]|\\.)*"`;
const SUBJECT = String.raw`(?:${TEXT}|[^"(),]|\([^()]*\))+?`;
const FUNCTION = new RegExp(
  String.raw`\b(has_\w*(?:phrase|word|words|beginning))\(\s*(${SUBJECT}),\s*(\[[^\]]*\]|${TEXT})`,
  "g",
);
const EQUATION = new RegExp(
  String.raw`((?:\b\w+\()?"?@?\b[A-Za-z_][\w.]*"?\)?)\s*={1,2}\s*(${TEXT})`,
  "g",
);

/** The words of a condition. */
function keywordsIn(condition: string, block: Block): readonly Keyword[] {
  if (condition.length > LONGEST || !condition.includes('"')) return [];
  const found: Keyword[] = [];
  for (const [, name = "", subject = "", literals = ""] of condition.matchAll(FUNCTION)) {
    const isWhole = /only|exact/.test(name);
    const texts = textsIn(literals);
    // Of the words of one text any will do.
    const words = name === "has_any_word" ? texts.flatMap((text) => text.split(/\s+/)) : texts;
    for (const word of words) found.push({ word, isWhole, isExact: false, subject, block });
  }
  for (const [, subject = "", literal = ""] of condition.matchAll(EQUATION)) {
    const isExact = !/\b(?:lower|upper)\(/.test(subject);
    for (const word of textsIn(literal)) {
      found.push({ word, isWhole: true, isExact, subject, block });
    }
  }
  return found;
}

function textsIn(literals: string): readonly string[] {
  return [...literals.matchAll(new RegExp(TEXT, "g"))]
    .map(([text]) => text.slice(1, -1).replaceAll('\\"', '"').trim())
    .filter((word) => word !== "");
}

/** Whether a word is looked for in whatever the user writes. */
export function isOfMessage({ subject }: Keyword): boolean {
  return MESSAGE.test(subject);
}

/**
 * The words that start a flow, as its first card's condition or trigger or a case at its beginning says;
 * none if the export does not say.
 */
export function startWords(flow: Flow): readonly Keyword[] {
  const first = flow.blocks.get(flow.first);
  if (first === undefined) return [];
  const tests = first.type === "Core.Case" ? first.exits.map(({ test }) => test) : [];
  const words = [flow.trigger, first.condition, ...tests]
    .flatMap((condition) => keywordsIn(condition, first))
    .filter(isOfMessage);
  const found = new Map<string, Keyword>();
  for (const word of words) {
    const known = found.get(inCase(word.word, word));
    // Of the same word twice the one that more texts are.
    const isBroader = known?.isWhole && !word.isWhole || known?.isExact && !word.isExact;
    if (known === undefined || isBroader) found.set(inCase(word.word, word), word);
  }
  return [...found.values()];
}

/** All words that conditions of a flow look for. */
export function keywordsOf(flow: Flow): readonly Keyword[] {
  const found = new Map<string, Keyword>();
  const first = flow.blocks.get(flow.first);
  const conditions = [...flow.blocks.values()].flatMap((block) => [
    [block.condition, block] as const,
    // A choice's own tests compare with its labels.
    ...block.type === "Core.Case" ? block.exits.map(({ test }) => [test, block] as const) : [],
  ]);
  if (first !== undefined) conditions.unshift([flow.trigger, first]);
  for (const [condition, block] of conditions) {
    for (const keyword of keywordsIn(condition, block)) {
      const key = `${keyword.subject} ${keyword.word.toLowerCase()}`;
      if (!found.has(key)) found.set(key, keyword);
    }
  }
  return [...found.values()];
}

/** Whether one of the words starts the flow whose words these are. */
export function isStartedBy(starts: readonly Keyword[], told: readonly string[]): boolean {
  return starts.some((start) =>
    told.some((text) => {
      const [one, other] = [inCase(text.trim(), start), inCase(start.word, start)];
      return start.isWhole ? one === other : one.includes(other);
    })
  );
}

function inCase(text: string, { isExact }: Keyword): string {
  return isExact ? text : text.toLowerCase();
}
