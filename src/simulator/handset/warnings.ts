// What a flow does wrong, in words for whoever writes flows: what was seen, and what it means to users.

import { encodeText, isGsm7 } from "../../content/mod.ts";
import type { NetworkLimits, ScreenSize, SmsSize } from "./events.ts";

/** Networks that hang up soonest do so after this. */
const SOONEST_MS = 8_000;
/** Most have hung up by then. */
const MOST_MS = 10_000;

const COUNTS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

export function mergedWords(count: number | "more"): string {
  const many = count === "more" ? "more than three" : COUNTS[count] ?? String(count);
  return `Your flow sent ${many} messages; they were merged.`;
}

/** Of what comes so long after what the user did; undefined if it came in time everywhere. */
export function lateWords(ms: number, hasDialled: boolean): string | undefined {
  if (ms < SOONEST_MS) return undefined;
  const what = hasDialled ? "the user dialled" : "the user's answer";
  const who = ms < MOST_MS ? "some" : "most";
  return `This came ${Math.round(ms / 1_000)} s after ${what}: ${who} networks have hung up.`;
}

export function silenceWords({ waitSeconds }: NetworkLimits): string {
  return `Your flow showed nothing within ${waitSeconds} s, and the network hung up.`;
}

/** Of what the bridge took, and no phone shows. */
export function notShownWords(type: string): string {
  return `Refused: nothing to show for a ${type}. The flow goes on without it.`;
}

/** The same where it is not known what it was. */
export const NOT_SHOWN: string = notShownWords("sticker, a reaction or the like");

/** Of what the bridge did not take, where it is not known why. */
export const REFUSED =
  "Refused: a phone can't show what your flow sent. Turn was told why, with 422.";

/** Of what the bridge did not take. */
export function refusedWords(status: number | undefined, body: unknown): string {
  if (status === undefined) return "The bridge did not answer Turn.";
  const [first] = Array.from(Object(body).errors ?? []);
  const details: unknown = Object(first).details;
  const why = typeof details === "string" && details !== "" ? details : `Turn was told ${status}`;
  return `${status >= 500 ? "Not taken now" : "Refused"}: ${why}.`;
}

export function tooLateWords(how: string): string {
  return `Your flow's message was too late for its session: ${how}.`;
}

/** What is to be said of a screen as it is. */
export function screenWarnings(
  text: string,
  size: ScreenSize,
  pageChars: number,
  readsOn: boolean,
): string[] {
  const { characters, capacity } = size;
  return [
    ...characters > capacity
      ? [`This network shows ${capacity} of its ${characters} characters. ${room(pageChars)}`]
      : [],
    ...readsOn ? ["Your flow's text takes more than one screen: users have to ask for more."] : [],
    ...size.encoding === "ucs2" ? [costWords(text, `a screen holds ${capacity} characters`)] : [],
  ];
}

/** What is to be said of an SMS as it is. */
export function smsWarnings(text: string, { encoding, segments }: SmsSize): string[] {
  if (encoding === "ucs2") {
    return [costWords(text, `operators bill ${counted(segments)}`)];
  }
  return segments > 1 ? [`This is long: operators bill ${counted(segments)}.`] : [];
}

function room(pageChars: number): string {
  return `Set ussd.page_chars to ${pageChars}, and it becomes pages.`;
}

function counted(segments: number): string {
  return segments === 1 ? "1 segment" : `${segments} segments`;
}

function costWords(text: string, so: string): string {
  const costly = [...text].find((character) => !isGsm7(character)) ?? "";
  const plain = encodeText(text, "gsm7").kind === "encoded" ? " Plain characters would do." : "";
  return `"${costly}" is not GSM-7, so ${so}.${plain}`;
}
