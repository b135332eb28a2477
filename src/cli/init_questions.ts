/**
 * What `turn-channels init` has to know, and how it asks: each answer is held to its key's rule at
 * once, and asked for again until it will do.
 *
 * @module
 */

import { configKeys, loadConfig } from "../config/mod.ts";
import { printError } from "./print.ts";
import type { Asker } from "./terminal.ts";

/** Answers by the names of flags. */
export type Answers = Readonly<Record<string, string>>;

/** What asking came to. */
export type Answered =
  | { readonly kind: "answered"; readonly answers: Answers }
  /** Required flags without an answer. */
  | { readonly kind: "missing"; readonly flags: readonly string[] };

interface QuestionOptions {
  /** Answers that were given as flags. */
  readonly given: Answers;
  /** Whether the channel will be registered in Turn. */
  readonly register: boolean;
  /** Undefined without a terminal. */
  readonly asker: Asker | undefined;
}

interface Question {
  readonly flag: string;
  /** The question, for a flag that is no configuration key. */
  readonly text?: string;
  /** Taken for an empty answer. */
  readonly standard?: string;
  /** Another flag that answers it too. */
  readonly or?: string;
  /** Asked only with --register, or only without. */
  readonly register?: boolean;
}

/** In the order in which they are asked. */
const QUESTIONS: readonly Question[] = [
  { flag: "connector-name" },
  { flag: "default-from-addr" },
  { flag: "transport-type", standard: "sms" },
  { flag: "http-bind", standard: "127.0.0.1:8080" },
  { flag: "amqp-url", standard: "amqp://guest:guest@127.0.0.1:5672/%2F" },
  { flag: "auth-token", or: "auth-token-file" },
  { flag: "turn-api-url", register: false },
  { flag: "turn-hmac-secret", standard: "", or: "turn-hmac-secret-file", register: false },
  {
    flag: "turn-url",
    text: "Turn's address.",
    standard: "https://whatsapp.turn.io",
    register: true,
  },
  {
    flag: "endpoint",
    text: "This program's public address, with /messages, for Turn to send to.",
    register: true,
  },
];

/** Names of the flags that `init` takes for answers, the alternatives included. */
export function questionFlags(): readonly { readonly flag: string; readonly text: string }[] {
  return [...QUESTIONS, { flag: "channel-name", text: "The channel's name in Turn." }]
    .flatMap(({ flag, text, or }: Question) => [
      { flag, text: text ?? descriptionOf(flag) },
      ...(or === undefined ? [] : [{ flag: or, text: descriptionOf(or) }]),
    ]);
}

/** Finds an answer for every question, among what is given or by asking. */
export async function answerQuestions(options: QuestionOptions): Promise<Answered> {
  const { given, register, asker } = options;
  const open = QUESTIONS.filter(({ flag, or = flag, register: only = register }) =>
    only === register && given[flag] === undefined && given[or] === undefined
  );
  const answers: Record<string, string> = { ...given };
  const missing: string[] = [];
  for (const question of open) {
    const answer = asker === undefined ? question.standard : await ask(question, asker);
    if (answer === undefined) missing.push(question.flag);
    else if (answer !== "") answers[question.flag] = answer;
    // Whoever does not answer one will not answer the others.
    if (answer === undefined && asker !== undefined) break;
  }
  return missing.length === 0 ? { kind: "answered", answers } : { kind: "missing", flags: missing };
}

async function ask(question: Question, asker: Asker): Promise<string | undefined> {
  const { flag, text = descriptionOf(flag), standard } = question;
  const hint = standard === undefined ? "" : ` [${standard || "a new one"}]`;
  while (true) {
    const said = await asker.ask(`${text}\n${flag.replaceAll("-", "_")}${hint}:`, isSecret(flag));
    const answer = said === "" ? standard : said?.trim();
    if (said === undefined || (answer !== undefined && answer === standard)) return answer;
    const fault = await faultOf(flag, answer ?? "");
    if (fault === undefined) return answer;
    printError(`That will not do. Expected: ${fault}\n`);
  }
}

/** What is wrong with answers that are no keys of the configuration. */
export function registrationFault(answers: Answers): string | undefined {
  const flag = ["turn-url", "endpoint"].find((flag) => !isUrl(answers[flag] ?? "http://unused"));
  return flag && `--${flag} must be an ${URL_RULE}`;
}

const URL_RULE = "http:// or https:// URL without user and password";

function isUrl(text: string): boolean {
  return /^https?:\/\/[^\s@?#]+$/.test(text) && URL.canParse(text);
}

/** What the rule of the flag's key says of the answer. */
async function faultOf(flag: string, answer: string): Promise<string | undefined> {
  if (keyOf(flag) === undefined) return isUrl(answer) ? undefined : URL_RULE;
  const loaded = await loadConfig({ flags: { [flag]: answer }, env: {} });
  const faults = loaded.kind === "faulty" ? loaded.faults : [];
  return faults.find(({ key }) => key === keyOf(flag)?.path)?.expected;
}

function keyOf(flag: string): ReturnType<typeof configKeys>[number] | undefined {
  return configKeys().find((key) => key.flag === flag);
}

function descriptionOf(flag: string): string {
  return keyOf(flag)?.description ?? "";
}

function isSecret(flag: string): boolean {
  const secrecy = keyOf(flag)?.secrecy;
  return secrecy === "whole" || secrecy === "password";
}
