// How a user's message begins a session, or goes on with one, and what Turn is told when somebody dials.

import type { Message } from "../vumi/mod.ts";
import type { BridgeOptions, UssdOptions } from "./options.ts";
import { opened, type Session, type SessionStep, withStep } from "./sessions.ts";

/** What goes on from before. */
type Before = Omit<NonNullable<Parameters<typeof opened>[2]>, "steps"> & {
  readonly steps?: Session["steps"] | undefined;
};

/** The session with the request that a user's message is, and the step that it was. */
export function openedBy(
  what: SessionStep["what"],
  message: Message,
  takenAt: number,
  now: number,
  { steps = [], ...before }: Before,
): Session {
  const session = opened(message, takenAt, { ...before, steps });
  return withStep(session, { at: now, what, ids: [message.message_id] });
}

/** The session when its request is answered by the next page of what is on the screen. */
export function readOn({ told: _told, ...session }: Session, now: number): Session {
  const step = { at: now, what: "page", ids: [session.inbound.message_id] } as const;
  // The question whether to go on is at the end of it.
  if (session.state === "resuming") return withStep(session, step);
  const asked = session.asked && { ...session.asked, at: now };
  return withStep({ ...session, state: "answered", asked }, step);
}

/** What Turn is told of a dial, if not what the transport says. */
export function startTextOf(
  { dialled, inbound }: Session,
  { startText, startTexts }: UssdOptions,
): string | undefined {
  return startTexts.get(dialled ?? "") ?? startTexts.get(inbound.to_addr) ?? startText;
}

/** What the transport says of a dial. */
export function whatDialSays(
  { dialled, inbound }: Session,
  { emptyMessageBody }: Pick<BridgeOptions, "emptyMessageBody">,
): string {
  return dialled || (emptyMessageBody ?? inbound.to_addr);
}

/** What asks a user whether to go on, or to start again. */
export function questionOf({ continueText, restartText }: UssdOptions): string {
  return `1. ${continueText}\n2. ${restartText}`;
}

/** Whether the last screen asked something that the user has not answered. */
export function isResumable(session: Session | undefined): boolean {
  return session?.asked !== undefined &&
    (session.state === "answered" || session.state === "resuming" || session.state === "over");
}
