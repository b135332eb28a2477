// The keys for screens and sessions of USSD, and what must be so between them. A part of phone.ts.

import * as z from "zod";
import * as k from "./kinds.ts";
import { mapOf } from "./maps.ts";
import { fitsOneScreen, screenUnits } from "./screen_room.ts";

const DAY = 86_400;
/** Longer than that nobody looks at a screen on which nothing happens. */
const LONGEST_WAIT = 60;

const deadline = k.seconds(DAY);

export const ussd = z.object({
  session_timeout: k.seconds(DAY).default(180).describe(
    "How long after a user's last USSD message an answer to it is sent as one.",
  ),
  // The standard's limit is 160 bytes, into which 182 septets go (3GPP TS 23.038).
  page_chars: k.integer(60, 182).default(182).describe(
    "Characters of GSM-7 on a screen, extension characters counted twice. 182 is the standard's limit; many networks show less, so 160 is wise. Longer texts become pages.",
  ),
  more_key: k.phoneKeys.default("98").describe(
    "What a user answers to read the next page. Take none that your menus have as a number.",
  ),
  more_text: k.shortLine(20).default("More").describe(
    "What stands beside ussd.more_key at the end of a page.",
  ),
  max_pages: k.integer(1, 50).default(6).describe(
    "Pages of one message; a longer text is cut off there, with ... at its end.",
  ),
  merge_window: k.secondsOrZero(LONGEST_WAIT).default(2).describe(
    "How long a screen waits for another of Turn's messages, from the last one on; then all are shown as one, and the session ends. 0: each is a screen of its own, and a second one is late.",
  ),
  settle: k.secondsOrZero(LONGEST_WAIT).default(0.2).describe(
    "The same once a message waits for the user's answer, which leaves the session open: two that Turn sends at once may cross.",
  ),
  answer_deadline: deadline.default(8).describe(
    "A screen is shown at the latest so long after the user's message, whatever else may come. Take what the network allows, less a second.",
  ),
  answer_deadlines: mapOf({
    type: `mapping of providers to ${k.kindOf(deadline)?.type}`,
    names: /\S/,
    expectedName: "the name of a provider, not empty",
    values: deadline,
    written: { type: "number", exclusiveMinimum: 0, maximum: DAY },
    ignoresCase: true,
  }).default({}).describe(
    "The same for some networks, by the provider that the transport names in its messages, in upper or lower case: {Vodacom: 6}.",
  ),
  hold_text: k.notBlank.optional().describe(
    'What is shown by then when there is nothing to show, such as "Please wait. Reply 1 to continue."; whatever the user replies brings the answer, if it has come. If not set: nothing is shown.',
  ),
  hold_max: k.integer(1, 10).default(2).describe(
    "How often ussd.hold_text is shown in a row; then ussd.sorry_text is, and the session ends.",
  ),
  // Fits on the smallest screen that may be configured.
  sorry_text: k.notBlank.default("Sorry, this takes too long. Please dial again later.").describe(
    "What ends a session to which no answer came, after ussd.hold_text.",
  ),
  late: k.oneOf(["sms", "fail"]).optional().describe(
    "What becomes of a message for whose session it is too late: sms sends it by sms_fallback, fail tells Turn that it failed. If not set: sms where sms_fallback is configured, else fail.",
  ),
  start_text: k.notBlank.optional().describe(
    'What Turn is told when somebody dials: the word on which your flow starts, such as "hi". If not set: what the transport says, which may be the code that was dialled.',
  ),
  start_texts: mapOf({
    type: "mapping of codes that are dialled to text, not blank",
    names: /^[0-9*#]{1,60}$/,
    expectedName: "a code as it is dialled, of 0-9, * and #",
    values: k.notBlank,
    written: { type: "string", minLength: 1 },
  }).default({}).describe(
    'The same by what was dialled, before ussd.start_text: {"*120*8864*3#": "register"}.',
  ),
  resume_window: k.secondsOrZero(DAY).default(0).describe(
    "Who dials again so soon after a screen that asked something is asked whether to go on there; 0: each session begins anew.",
  ),
  continue_text: k.shortLine(20).default("Continue").describe(
    "The option that goes on with the last session.",
  ),
  restart_text: k.shortLine(20).default("Start again").describe(
    "The option that begins anew.",
  ),
}).readonly();

type Ussd = z.output<typeof ussd>;

/** What a key must be beside others. */
interface Rule {
  /** The key, and those that it depends on. */
  readonly keys: readonly [keyof Ussd, ...(keyof Ussd)[]];
  readonly expected: string;
  readonly isBroken: (ussd: Ussd) => boolean;
}

const DEADLINES = ["answer_deadlines", "session_timeout", "settle"] as const;
const NOBODY_SEES = "less than ussd.session_timeout, after which nobody sees the screen";
const NONE_CROSS = "at least ussd.settle, or no two messages could cross";
const ONE_SCREEN = "shorter: it would not fit on one screen of ussd.page_chars";

const RULES: readonly Rule[] = [
  {
    keys: ["more_text", "more_key", "page_chars"],
    expected: "shorter: with ussd.more_key it would take more than half a screen of " +
      "ussd.page_chars in UCS-2",
    // So that there is room to read.
    isBroken: ({ page_chars, more_key, more_text }) =>
      2 * `\n${more_key}. ${more_text}`.length > screenUnits(page_chars),
  },
  {
    keys: ["settle", "answer_deadline"],
    expected: "at most ussd.answer_deadline, by which the screen is shown in any case",
    isBroken: ({ settle, answer_deadline }) => settle > answer_deadline,
  },
  {
    keys: ["answer_deadline", "session_timeout"],
    expected: NOBODY_SEES,
    isBroken: ({ answer_deadline, session_timeout }) => answer_deadline >= session_timeout,
  },
  {
    keys: ["hold_text", "page_chars"],
    expected: ONE_SCREEN,
    isBroken: ({ hold_text = "", page_chars }) => !fitsOneScreen(hold_text, page_chars),
  },
  {
    keys: ["sorry_text", "page_chars"],
    expected: ONE_SCREEN,
    isBroken: ({ sorry_text, page_chars }) => !fitsOneScreen(sorry_text, page_chars),
  },
  {
    keys: ["continue_text", "restart_text", "page_chars"],
    expected: "shorter: with ussd.restart_text it would not fit on one screen of ussd.page_chars",
    isBroken: ({ continue_text, restart_text, page_chars }) =>
      !fitsOneScreen(`1. ${continue_text}\n2. ${restart_text}`, page_chars),
  },
];

/** What must be so between the keys of `ussd`. */
export function ussdRules(): z.core.$ZodCheck<{ readonly ussd?: Ussd }> {
  return z.superRefine(({ ussd }, context) => {
    const faulty = context.issues.map(({ path }) => path?.join(".") ?? "");
    const isSound = (key: keyof Ussd) =>
      !faulty.some((path) => `${path}.`.startsWith(`ussd.${key}.`));
    const refuse = (path: readonly string[], expected: string, value?: number) =>
      context.addIssue({
        ...{ code: "custom", path: ["ussd", ...path] },
        params: { expected, ...value !== undefined && { value } },
      });
    if (ussd === undefined) return; // It is faulty, which is told.
    for (const { keys, expected, isBroken } of RULES) {
      if (keys.every(isSound) && isBroken(ussd)) refuse([keys[0]], expected);
    }
    if (!DEADLINES.every(isSound)) return;
    for (const [provider, value] of Object.entries(ussd.answer_deadlines)) {
      const path = ["answer_deadlines", provider];
      if (value >= ussd.session_timeout) refuse(path, NOBODY_SEES, value);
      else if (value < ussd.settle) refuse(path, NONE_CROSS, value);
    }
  }, { when: () => true }); // Also if other keys are faulty, so that all faults are told at once.
}
