// A transcript of the handset's page as a preview: what Turn has sent there, on screens made anew, and where
// a phone has shown something else then.

import * as z from "zod";
import { isKey, type Medium, type MessageToMerge } from "../content/mod.ts";
import type { Block, Language, Unread } from "./container.ts";
import { messageWarnings } from "./message_warnings.ts";
import type { Said } from "./messages.ts";
import type { FlowPreview, Step } from "./preview.ts";
import { screenWarnings, smsWarnings } from "./screen_warnings.ts";
import { bySms, onUssd, type PhoneOptions, type Screen } from "./screens.ts";
import { type Warning, warningAt } from "./warnings.ts";

/** How a transcript is shown. */
export interface TranscriptOptions extends PhoneOptions {
  /** What is shown of it. */
  readonly medium: Medium;
  /** Whether messages are merged. */
  readonly mergeWindowMs: number;
  /** Reads what Turn has sent; undefined if it is no message. */
  readonly readMessage?: (
    sent: Readonly<Record<"turn" | "content", unknown>>,
  ) => Pick<MessageToMerge, "message" | "content"> | undefined;
}

const MEDIA = z.enum(["ussd", "sms"]);
const entrySchema = z.union([
  z.object({
    by: z.literal("turn"),
    turn: z.unknown(),
    content: z.unknown().optional(),
    waiting_for_user_input: z.boolean().catch(false),
    status: z.number().nullable().catch(null),
  }),
  z.object({
    by: z.enum(["user", "service", "network", "warning"]),
    medium: MEDIA,
    text: z.string(),
  }),
]);
const transcriptSchema = z.object({
  transcript: z.literal("turn-channels/1"),
  phone: z.string(),
  entries: z.array(z.unknown()),
});

type Entry = z.output<typeof entrySchema>;

/** What came after one thing that the user did. */
interface Exchange {
  /** What the user wrote or dialled, which may be nothing; undefined before the first. */
  readonly after: string | undefined;
  medium: Medium;
  readonly sent: Said[];
  /** What the phone has shown. */
  readonly shown: string[];
}

const LANGUAGE: Language = { id: "", code: "", name: "" };

/** The preview of a transcript, from its JSON; undefined if it is none. */
export function previewTranscript(
  file: string,
  json: unknown,
  options: TranscriptOptions,
): { readonly flow: FlowPreview; readonly unread: readonly Unread[] } | undefined {
  const { data } = transcriptSchema.safeParse(json);
  if (data === undefined) return undefined;
  const unread: Unread[] = [];
  const name = `Transcript of ${data.phone}`;
  const pass = (where: string, why: string) => void unread.push({ file, where, why });
  const exchanges = exchangesOf(data.entries, options, pass);
  const [first] = exchanges.filter(({ after }) => after !== undefined);
  const [ours, others] = [
    exchanges.filter(({ medium }) => medium === options.medium),
    exchanges.filter(({ medium }) => medium !== options.medium),
  ];
  if (others.length > 0) {
    const flag = options.medium === "ussd" ? "--sms" : "--ussd";
    pass("", `${others.length} of its exchanges are shown with ${flag}`);
  }
  const flow = {
    ...{ file, name, warnings: [] },
    startsOn: first?.after === undefined ? [] : [first.after],
    languages: [{ code: "", name: "", steps: stepsOf(ours, options) }],
  };
  return { flow, unread };
}

function exchangesOf(
  values: readonly unknown[],
  options: TranscriptOptions,
  pass: (where: string, why: string) => void,
): readonly Exchange[] {
  let exchange: Exchange = { after: undefined, medium: "sms", sent: [], shown: [] };
  const exchanges = [exchange];
  for (const [index, value] of values.entries()) {
    const { data: entry } = entrySchema.safeParse(value);
    const where = `entry ${index + 1}`;
    if (entry === undefined) pass(where, "it is not what a transcript has");
    else if (entry.by === "user") {
      exchange = { after: entry.text, medium: entry.medium, sent: [], shown: [] };
      exchanges.push(exchange);
    } else if (entry.by === "service") {
      if (exchange.after === undefined) exchange.medium = entry.medium;
      if (exchange.medium === entry.medium) exchange.shown.push(entry.text);
    } else if (entry.by === "turn" && entry.status === 200) {
      const said = saidBy(entry, exchange.after, options);
      if (said === undefined) pass(where, "it is no message of Turn's");
      else exchange.sent.push(said);
    }
  }
  return exchanges.filter(({ after, sent, shown }) =>
    after !== undefined || sent.length + shown.length > 0
  );
}

function saidBy(
  { turn, content, waiting_for_user_input }: Extract<Entry, { by: "turn" }>,
  after: string | undefined,
  { readMessage }: TranscriptOptions,
): Said | undefined {
  const read = readMessage?.({ turn, content });
  return read && saidOf(read, waiting_for_user_input, after);
}

function saidOf(
  { message, content }: Pick<MessageToMerge, "message" | "content">,
  waitingForUserInput: boolean,
  after: string | undefined,
): Said {
  const { type } = message;
  const isSilent = type === "sticker" || type === "reaction";
  return {
    ...{ message, content, waitingForUserInput, unknown: [], titles: [] },
    block: blockOf(after),
    what: type,
    wordless: isSilent ? ["sticker"] : [],
  };
}

/** Where it is, in place of a card. */
function blockOf(after: string | undefined): Block {
  const card = after === undefined ? "Before the user wrote" : `After ${JSON.stringify(after)}`;
  const nothing = { uuid: "", name: "", type: "", condition: "", item: "", header: "", footer: "" };
  return { ...nothing, card, config: {}, exits: [], line: undefined, isList: false };
}

function stepsOf(exchanges: readonly Exchange[], options: TranscriptOptions): readonly Step[] {
  const isMerged = options.medium === "ussd" && options.mergeWindowMs > 0;
  /** Pages that the user has not asked for. */
  let pages: string[] = [];
  return exchanges.flatMap(({ after, sent, shown }) => {
    const [first, ...others] = sent;
    if (first === undefined) {
      const isMore = isKey(after ?? "", options.pages.moreKey) && pages.length > 0;
      // What the bridge brings by itself was in the step before.
      const left = isMore && shown[0] === pages.shift() ? shown.slice(1) : shown;
      return left.map((text) => stepOf([textSaid(text, after)], options));
    }
    const groups = isMerged ? [[first, ...others] as const] : sent.map((said) => [said] as const);
    const steps = groups.map((group) => stepOf(group, options));
    pages = steps.at(-1)?.pages.slice(1).map(({ text }) => text) ?? [];
    const made = steps.flatMap((step) => {
      const texts = step.pages.map(({ text }) => text);
      return options.medium === "ussd" ? texts.slice(0, 1) : texts;
    });
    const differs = differenceOf(made, shown, first.block);
    return steps.map((step, index) =>
      index === 0 ? { ...step, warnings: [...differs, ...step.warnings] } : step
    );
  });
}

/** What was shown where it is not known what Turn has sent: as it was. */
function textSaid(body: string, after: string | undefined): Said {
  return saidOf({ message: { type: "text", text: { body } }, content: null }, true, after);
}

function stepOf(messages: readonly [Said, ...Said[]], options: TranscriptOptions): Step {
  const { medium } = options;
  const [first] = messages;
  const screen: Screen = medium === "ussd" ? onUssd(messages, options) : bySms(first, options);
  return {
    messages: messages.map(({ block: { card }, what }) => ({ card, what })),
    merged: screen.merged,
    waits: messages.some(({ waitingForUserInput }) => waitingForUserInput),
    ...{ goesOn: false, isAbout: false, pages: screen.pages },
    warnings: [
      ...medium === "ussd"
        ? screenWarnings(screen, messages, LANGUAGE, options)
        : smsWarnings(screen, first, LANGUAGE, options),
      ...messages.flatMap((said) => messageWarnings(said, LANGUAGE, medium, options)),
    ],
  };
}

function differenceOf(
  made: readonly string[],
  shown: readonly string[],
  block: Block,
): readonly Warning[] {
  if (JSON.stringify(made) === JSON.stringify(shown)) return [];
  const then = shown.map((text) => JSON.stringify(text)).join(", then ");
  const message = shown.length === 0
    ? "The phone has shown nothing of it then."
    : `The phone has shown something else then: ${then}.`;
  const remedy =
    "See in the transcript whether it was late; else show it with the --config of then.";
  return [warningAt(block, "", "differs", message, remedy)];
}
