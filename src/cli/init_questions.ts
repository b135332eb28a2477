// What `init` needs to know: answers from flags, or asked for, each with an example and how many there
// are.

import { type ConfigKey, configKeys, loadConfig, wrap } from "../config/mod.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { printError } from "./print.ts";
import type { Asker } from "./terminal.ts";

export type Answers = Readonly<Record<string, string>>;

interface Question {
  readonly flag: string;
  /** The question, for a flag that is no configuration key, or where the key says too much. */
  readonly text?: string;
  readonly example?: string;
  /** What an empty answer means, by the answers before. */
  readonly standard?: (before: Answers) => string;
  readonly or?: string;
  /** Asked only with --register, or only without. */
  readonly register?: boolean;
  /** Asked only of another channel in a file, or only of the first one. */
  readonly added?: boolean;
  /** Whether no two channels may have the same. */
  readonly isOwn?: boolean;
}

const QUESTIONS: readonly Question[] = [
  { flag: "connector-name", example: "ussd", isOwn: true },
  {
    flag: "default-from-addr",
    text: "The number or code that people write to or dial, for messages of which Turn names none.",
    example: "8110, or *120*8864# on USSD",
  },
  {
    flag: "transport-type",
    text: "What people use.",
    example: "sms, ussd",
    standard: ({ "default-from-addr": address = "" }) => /[*#]/.test(address) ? "ussd" : "sms",
  },
  {
    flag: "vumi-api-path",
    example: "/ussd, for https://bridge.example.org/ussd/messages",
    standard: ({ "connector-name": name = "" }) => `/${name}`,
    added: true,
    isOwn: true,
  },
  {
    flag: "http-bind",
    example: "127.0.0.1:8080, with a reverse proxy before it",
    standard: () => "127.0.0.1:8080",
    added: false,
  },
  {
    flag: "amqp-url",
    text: "The address of RabbitMQ.",
    example: "amqp://user:password@rabbitmq.example.org/vhost",
    standard: () => "amqp://guest:guest@127.0.0.1:5672/%2F",
    added: false,
  },
  {
    flag: "auth-token",
    example: "the token that Turn shows once, when you make it for the number",
    or: "auth-token-file",
  },
  {
    flag: "turn-api-url",
    example: "https://whatsapp.turn.io/v1/numbers/<uuid>",
    register: false,
  },
  {
    flag: "turn-hmac-secret",
    example: "the hmac_secret that Turn shows of the channel's webhook",
    standard: () => "",
    or: "turn-hmac-secret-file",
    register: false,
  },
  {
    flag: "turn-url",
    text: "Turn's address.",
    standard: () => "https://whatsapp.turn.io",
    register: true,
  },
  {
    flag: "endpoint",
    text: "This program's public address with /messages at its end, where Turn sends messages.",
    example: "https://bridge.example.org/messages",
    register: true,
  },
];

/** The flags that `init` takes for answers, with alternatives. */
export function questionFlags(): readonly { readonly flag: string; readonly text: string }[] {
  return [
    ...QUESTIONS.flatMap(({ flag, or }) => or === undefined ? [flag] : [flag, or])
      .map((flag) => ({ flag, text: questionText(flag) })),
    { flag: "channel-name", text: "The channel's name in Turn." },
  ];
}

/** What is asked about a flag: the question's own text, or what its configuration key means. */
function questionText(flag: string): string {
  const own = QUESTIONS.find((question) => question.flag === flag)?.text;
  return own ?? keyOf(flag)?.description ?? "";
}

export interface Needs {
  readonly given: Answers;
  readonly register: boolean;
  /** Whether a file is there, to which a channel is added. */
  readonly addChannel?: boolean;
  /** What the channels that are there have, by flag. */
  readonly taken?: Readonly<Record<string, readonly string[]>>;
  readonly asker: Asker | undefined;
}

/**
 * Finds an answer to every question, from flags or by asking.
 * @throws {CommandError} If a required one has none.
 */
export async function answerQuestions(
  { given, register, addChannel = false, taken = {}, asker }: Needs,
): Promise<Record<string, string>> {
  const open = QUESTIONS.filter((question) => {
    const { flag, or = flag, register: only = register, added = addChannel } = question;
    const isMeant = only === register && added === addChannel;
    return isMeant && given[flag] === undefined && given[or] === undefined;
  });
  const answers: Record<string, string> = { ...given };
  const missing: string[] = [];
  for (const [index, question] of open.entries()) {
    const standard = question.standard?.(answers);
    const place = `${index + 1} of ${open.length}`;
    const answer = asker === undefined
      ? standard
      : await ask({ ...question, standard, place, taken: taken[question.flag] ?? [] }, asker);
    if (answer === undefined) missing.push(question.flag);
    else if (answer !== "") answers[question.flag] = answer;
    // Without one answer there is no point in asking on.
    if (answer === undefined && asker !== undefined) break;
  }
  const type = answers[TYPE];
  if (type !== undefined) answers[TYPE] = type.toLowerCase();
  if (missing.length === 0) return answers;
  const lines = missing.map((flag) => `Missing: --${flag} (${questionText(flag)})`);
  throw new CommandError(EXIT.usage, `${lines.join("\n")}\n${NOTHING_WRITTEN}`);
}

/** vumi's words for it are in lower case. */
const TYPE = "transport-type";

export const NOTHING_WRITTEN = "Nothing was written.";

interface Asked extends Omit<Question, "standard"> {
  readonly standard: string | undefined;
  readonly place: string;
  readonly taken: readonly string[];
}

const WIDTH = 80;

async function ask(asked: Asked, asker: Asker): Promise<string | undefined> {
  const { flag, standard, example, place } = asked;
  const hint = standard === undefined ? "" : ` [${standard || "a new one"}]`;
  const text = [
    "",
    ...wrap(`${place}. ${questionText(flag)}`, WIDTH),
    ...example === undefined ? [] : wrap(`For example: ${example}`, WIDTH),
    `${flag.replaceAll("-", "_")}${hint}:`,
  ].join("\n");
  const secrecy = keyOf(flag)?.secrecy;
  while (true) {
    const said = await asker.ask(text, secrecy === "whole" || secrecy === "password");
    const typed = flag === TYPE ? said?.toLowerCase() : said;
    const answer = typed === "" ? standard : typed?.trim();
    const isStandard = answer !== undefined && answer === standard;
    if (said === undefined || (isStandard && asked.isOwn !== true)) return answer;
    const expected = await expectedInstead(asked, answer ?? "");
    if (expected === undefined) return answer;
    const [first = "", ...rest] = wrap(`That is not valid. Expected: ${expected}`, WIDTH);
    printError(`${[first, ...rest].join("\n  ")}\n`);
  }
}

export const URL_RULE = "http:// or https:// URL without user and password";

export function isUrl(text: string): boolean {
  return /^https?:\/\/[^\s@?#]+$/.test(text) && URL.canParse(text);
}

/** What is expected in place of an answer; undefined if it is valid. */
async function expectedInstead(
  { flag, taken }: Asked,
  answer: string,
): Promise<string | undefined> {
  const key = keyOf(flag);
  if (key === undefined) return isUrl(answer) ? undefined : URL_RULE;
  if (taken.includes(answer)) return "one that no other channel in the file has";
  const loaded = await loadConfig({ flags: { [flag]: answer }, env: {} });
  const faults = loaded.kind === "faulty" ? loaded.faults : [];
  return faults.find((fault) => fault.key === key.path)?.expected;
}

function keyOf(flag: string): ConfigKey | undefined {
  return configKeys.find((key) => key.flag === flag);
}
