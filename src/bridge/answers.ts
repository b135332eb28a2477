// What a user's message means after what the user was asked last: a choice from a menu, the key that
// brings the next page, or what it says.

import type { KeptRecord, MessageCache } from "../cache/mod.ts";
import { isKey, pick, type Picked } from "../content/mod.ts";
import type { Choice } from "../turn/mod.ts";
import { createReply, type Message, unixMilliseconds } from "../vumi/mod.ts";
import { DELIVERED_TTL_MS } from "./delivery_records.ts";
import type { BridgeOptions } from "./options.ts";
import { pageId } from "./part_ids.ts";
import { forget, keepPages, keepPrompt, type Prompt, readPages, readPrompt } from "./prompts.ts";

/** What a user's message means. */
export type Answer =
  /** What it says. */
  | { readonly kind: "text"; readonly records: readonly KeptRecord[] }
  /** Something of a menu. */
  | { readonly kind: "choice"; readonly records: readonly KeptRecord[]; readonly chosen: Chosen }
  /** That the user wants to read on: the page, to be sent in answer to it. */
  | { readonly kind: "page"; readonly records: readonly KeptRecord[]; readonly page: Message }
  /** The same, when there is nothing to be read any more. */
  | { readonly kind: "past" };

/** What a message meant, if not what it says, as it is kept. */
export type Meaning =
  | Chosen
  /** That the user wanted to read on: which page of which of Turn's messages, from 1. */
  | { readonly page: number; readonly of: string }
  /** That the user wanted to start again: what Turn is told. */
  | { readonly told: string };

/** A choice. */
export interface Chosen {
  /** What Turn is told. */
  readonly choice: Choice;
  /** Which option it is, from 1. */
  readonly number: number;
  /** How many there were. */
  readonly of: number;
  /** How the answer said so. */
  readonly by: Picked["by"];
}

/**
 * How a message comes to be read: for the first time; once more, as the user may have been asked something
 * else since; or after one that the user has sent later, and what was asked then.
 */
export type Reading = "first" | "again" | "after_later";

/** One that comes so late may have come before, though RabbitMQ does not say so: a person replays it. */
const LATE_MS = 60_000;

type AnswersOptions = Pick<BridgeOptions, "cache" | "ussd" | "content">;

/**
 * What `message` means. What it was found to mean once it means each time: what a choice was is kept with
 * `records`, which are to be kept before anything is done about it.
 * @throws {CacheError} If the cache fails.
 */
export async function readAnswer(
  message: Message,
  reading: Reading,
  options: AnswersOptions,
): Promise<Answer> {
  const { cache } = options;
  const user = message.from_addr;
  const isRead = reading !== "first";
  const isLate = Date.now() - unixMilliseconds(message.timestamp) > LATE_MS;
  // Looked up together where both are needed: most have been asked nothing.
  const early = isRead || isLate ? keptMeaning(cache, message.message_id) : undefined;
  const [prompt, known] = await Promise.all([
    cache.getRecord("prompt", user).then(readPrompt),
    early,
  ]);
  const isAsked = prompt !== undefined && early === undefined;
  const kept = isAsked ? await keptMeaning(cache, message.message_id) : known;
  if (kept !== undefined && "choice" in kept) return { kind: "choice", records: [], chosen: kept };
  if (message.transport_type === "ussd") {
    const answer = await readOn(message, reading === "again", prompt, options);
    // Nobody waits any more for an answer to it; the page is for who asks for it now.
    const isPast = reading === "after_later" && answer !== undefined && answer.records.length > 0;
    if (isPast) return { kind: "past" };
    if (answer !== undefined) return answer;
  }
  if (kept !== undefined) return { kind: "past" };
  const records = message.transport_type === "ussd" && !isRead ? [forget("pages", user)] : [];
  // What else it may have meant was told then, or is told now as it was: as a text.
  if (prompt === undefined || isRead) return { kind: "text", records };
  if (!answers(message, prompt)) {
    const isOver = prompt.medium === "ussd" && isEnd(message);
    return { kind: "text", records: isOver ? [...records, forget("prompt", user)] : records };
  }
  const picked = pick(message.content ?? "", prompt.options);
  // The flow will say what is wrong with it; the options count until then.
  if (picked === undefined) return { kind: "text", records };
  const { option, number, by } = picked;
  const chosen: Chosen = {
    choice: { ...option, contextId: prompt.of?.[number - 1] ?? prompt.id },
    number,
    of: prompt.options.length,
    by,
  };
  const meaning = keepMeaning(message.message_id, chosen);
  return { kind: "choice", records: [...records, meaning, forget("prompt", user)], chosen };
}

/**
 * Whether a message on USSD asks for a page that was not shown yet.
 * @throws {CacheError} If the cache fails.
 */
export async function asksForPage(message: Message, options: AnswersOptions): Promise<boolean> {
  return await readOn(message, false, undefined, options) !== undefined;
}

/** What the message with this id has meant, if it is known, and not what it says. */
export async function keptMeaning(
  cache: MessageCache,
  messageId: string,
): Promise<Meaning | undefined> {
  const value = await cache.getRecord("meaning", messageId);
  return value === undefined ? undefined : JSON.parse(value);
}

/** The change that has it known what the message with this id has meant. */
export function keepMeaning(messageId: string, meaning: Meaning): KeptRecord {
  const value = JSON.stringify(meaning);
  return { kind: "meaning", id: messageId, value, ttlMs: DELIVERED_TTL_MS };
}

/** Whether a message begins or ends a session: then nobody has typed an answer. */
function isEnd({ transport_type, session_event }: Message): boolean {
  return transport_type === "ussd" && (session_event === "new" || session_event === "close");
}

/** Whether a message may be an answer to what was asked. */
function answers(message: Message, { medium, bySms = false }: Prompt): boolean {
  const isUssd = message.transport_type === "ussd";
  return !isEnd(message) && (medium === "sms" ? !(bySms && isUssd) : isUssd);
}

/** The page that a message on USSD asks for, if it does; the same one each time it comes. */
async function readOn(
  message: Message,
  isRead: boolean,
  prompt: Prompt | undefined,
  options: AnswersOptions,
): Promise<Extract<Answer, { kind: "page" }> | undefined> {
  const { cache, content: { pages: { moreKey } } } = options;
  if (isEnd(message) || !isKey(message.content ?? "", moreKey)) return undefined;
  const user = message.from_addr;
  const pages = readPages(await cache.getRecord("pages", user));
  if (pages === undefined) return undefined;
  const { id, texts, broughtBy, sessionEvent } = pages;
  const before = broughtBy.indexOf(message.message_id);
  // What it meant then, it means now.
  if (isRead && before < 0) return undefined;
  const index = before < 0 ? broughtBy.length + 1 : before + 1;
  const content = texts[index];
  if (content === undefined) return undefined;
  const session_event = index === texts.length - 1 ? sessionEvent : "resume";
  const page = {
    ...createReply(message, { content, session_event }),
    message_id: pageId(id, index + 1),
  };
  if (before >= 0) return { kind: "page", records: [], page };
  const brought = { ...pages, broughtBy: [...broughtBy, message.message_id] };
  const records = [
    keepPages(user, brought, options),
    keepMeaning(message.message_id, { page: index + 1, of: id }),
    // It lasts as long as the session, which goes on.
    ...prompt?.medium === "ussd" ? [keepPrompt(user, prompt, options)] : [],
  ];
  return { kind: "page", records, page };
}
