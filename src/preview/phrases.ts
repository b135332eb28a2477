// What is said of a preview in words, the same in a terminal and on a page.

import type { Medium } from "../content/mod.ts";
import type { Unread } from "./container.ts";
import type { FlowPreview, LanguagePreview, Preview, Step } from "./preview.ts";
import type { Page } from "./screens.ts";
import type { Warning } from "./warnings.ts";

/** What starts a flow. */
export function startsWords({ startsOn }: FlowPreview): string {
  return startsOn.length === 0
    ? "What starts it is not in the export."
    : `It starts on: ${startsOn.join(", ")}`;
}

export function titleOf({ name, code }: LanguagePreview): string {
  return name === code || code === "" ? name : `${name} (${code})`;
}

/** The cards of a step, and what they are. */
export function stepWords({ messages }: Step): string {
  return messages.map(({ what, ...card }) => `${cardWords(card)} (${what})`).join(" + ");
}

function cardWords({ card, line }: Pick<Warning, "card" | "line">): string {
  return line === undefined ? card : `${card}, line ${line}`;
}

/** Where a warning is, and in which language. */
export function placeOf({ language, ...card }: Warning): string {
  return language === "" ? cardWords(card) : `${cardWords(card)}, ${language}`;
}

/** What becomes of the step's messages, if there is more to say than that it is shown. */
export function sharedWords(
  { merged, waits, goesOn, pages }: Step,
  medium: Medium,
): string | undefined {
  if (medium === "sms" || pages.length === 0) return undefined;
  const together = merged > 1 ? `${merged} messages, shown as one screen. ` : "";
  if (waits) return `${together}Waits for an answer.`;
  const other = "Goes on in another flow, whose messages may come onto the same screen.";
  return together + (goesOn ? other : "Ends the session.");
}

/** How much room a page takes. */
export function lengthOf(page: Page, index: number, step: Step, medium: Medium): string {
  const { used, room, encoding, segments } = page;
  const about = step.isAbout ? "about " : "";
  const of = step.pages.length > 1 ? `${index + 1}/${step.pages.length} · ` : "";
  const kind = encoding === "ucs2" ? ", UCS-2" : "";
  if (medium === "ussd") return `${of}${about}${used} of ${room} characters${kind}`;
  const sms = segments > 1 ? `${segments} SMS` : "1 SMS";
  return `${of}${about}${used} characters${encoding === "ucs2" ? ", UCS-2" : ", GSM-7"}, ${sms}`;
}

/** What could not be read, and why. */
export function unreadWords({ file, where, why }: Unread): string {
  return `${[file, where].filter(Boolean).join(", ")}: ${why}`;
}

/** All warnings, in order. */
export function warningsOf({ flows }: Preview): readonly Warning[] {
  return flows.flatMap(({ warnings, languages }) => [
    ...warnings,
    ...languages.flatMap(({ steps }) => steps.flatMap((step) => step.warnings)),
  ]);
}

/** How much there is of all. */
export function summaryOf(preview: Preview): string {
  const { flows, unread, medium } = preview;
  const steps = flows.flatMap(({ languages }) => languages.flatMap(({ steps }) => steps));
  const pages = steps.flatMap(({ pages }) => pages);
  // Those that operators bill.
  const segments = pages.reduce((sum, page) => sum + page.segments, 0);
  const of = medium === "ussd" ? counted(pages.length, "screen") : `${segments} SMS`;
  const warnings = counted(warningsOf(preview).length, "warning");
  const rest = unread.length > 0
    ? `, and ${counted(unread.length, "thing")} could not be read`
    : "";
  return `${counted(flows.length, "flow")}, ${of}, ${warnings}${rest}.`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
