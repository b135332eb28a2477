// A user's USSD session as a story in plain words: what happened on the phone and of Turn's messages,
// and how it is now; and what its next dial shows. No I/O but `sessionFound`, which find_search.ts calls.

import {
  type Pending,
  readPending,
  readSession,
  type Session,
  type SessionStep,
  whyOver,
} from "../bridge/mod.ts";
import type { MessageCache, Remembered } from "../cache/mod.ts";
import { queuesOf } from "../vumi/mod.ts";
import type { Dated, Step, Story, Surroundings } from "./find_story.ts";
import { formatTime } from "./find_waiting.ts";

/** What is known of a user's sessions: one of them, and how the last one is. */
export interface SessionFound {
  readonly kind: "session";
  readonly user: string;
  /** The last one, as it is kept; undefined if that was too long ago. */
  readonly session: Session | undefined;
  /** What happened in the one that is told. */
  readonly steps: readonly SessionStep[];
  /** Whether the user has dialled again since. */
  readonly isEarlier: boolean;
  /** What the next dial shows first. */
  readonly pending: Pending | undefined;
}

/**
 * Looks up a user's last session; undefined if nothing is kept.
 * @param about The ids of messages of which one was in it, or in an earlier one that is told then.
 * @throws {CacheError} If the cache fails.
 */
export async function sessionFound(
  user: string,
  cache: MessageCache,
  about: readonly string[] = [],
): Promise<SessionFound | undefined> {
  const session = readSession(await cache.getRecord("turn", user));
  const pending = readPending(await cache.getRecord("pending", user));
  if (session === undefined && pending === undefined) return undefined;
  const all = bySession(session?.steps ?? []);
  const found = all.findLast((steps) => isAbout(steps, about));
  const steps = found ?? all.at(-1) ?? [];
  return { kind: "session", user, session, steps, isEarlier: steps !== all.at(-1), pending };
}

/** Whether one of the messages was in the session, or waits for the next one. */
export function isIn(
  { session, steps, pending }: SessionFound,
  about: readonly string[],
): boolean {
  const waiting = pending?.messages.map(({ id }) => id) ?? [];
  const known = [...waiting, ...session === undefined ? [] : [session.inbound.message_id]];
  return isAbout(steps, about) || known.some((id) => about.includes(id));
}

function isAbout(steps: readonly SessionStep[], about: readonly string[]): boolean {
  return steps.some(({ ids }) => ids.some((id) => about.includes(id)));
}

/** The steps by sessions: each begins where the user has dialled. */
function bySession(steps: readonly SessionStep[]): readonly (readonly SessionStep[])[] {
  const sessions: SessionStep[][] = [];
  for (const step of steps) {
    if (step.what === "dialled" || sessions.length === 0) sessions.push([]);
    sessions.at(-1)?.push(step);
  }
  return sessions;
}

export function sessionStory(found: SessionFound, around: Surroundings): Story {
  const { user, session, steps, pending, isEarlier } = found;
  const [state, words] = stateOf(found, around);
  const { content, connector } = around;
  return {
    connector,
    kind: "session",
    id: user,
    user,
    steps: steps.map(toStep),
    state,
    now: [words, ...pendingWords(pending)],
    pending: pending?.messages.length ?? 0,
    ...content && {
      content: {
        // What an earlier one has asked is no longer kept.
        asked: isEarlier ? null : session?.asked?.text ?? null,
        pending: pending?.messages.map(({ request }) => request.message) ?? [],
      },
    },
  };
}

/** What happened to one of Turn's messages in the session. */
export function inSession(id: string, found: SessionFound | undefined): readonly Dated[] {
  return (found?.steps ?? []).flatMap(({ at, what, ids }): Dated[] => {
    if (!ids.includes(id)) return [];
    if (what === "held") return [[at, "it was held for the user's screen"]];
    return what === "late" ? [[at, "it came too late for the user's screen"]] : [];
  });
}

/**
 * Whether one of Turn's messages waits for its screen, as far as is known; that it does is noted when it
 * is shown.
 */
export function isHeld(
  message: Remembered,
  found: SessionFound | undefined,
  { ussd, now }: Surroundings,
): boolean {
  if (message.transport_type !== "ussd" || !message.in_reply_to) return false;
  const { session, steps = [], isEarlier = false } = found ?? {};
  if (session === undefined) {
    return whyOver({ inbound: message, state: "open" }, ussd, now) === undefined;
  }
  const isLate = steps.some(({ what, ids }) => what === "late" && ids.includes(message.message_id));
  return !isEarlier && !isLate && whyOver(session, ussd, now) === undefined &&
    session.inbound.message_id === message.in_reply_to;
}

/** Where that is. */
export function heldWords({ connector, depths }: Surroundings): string {
  const refused = "unless RabbitMQ did not confirm it there: then Turn was answered 503";
  const waiting = depths?.held
    ? `; ${depths.held} there wait for a bridge that speaks for the channel`
    : "";
  return `it is in ${queuesOf(connector).held} until a screen shows it, ${refused}${waiting}`;
}

function toStep(step: SessionStep): Step {
  const { at, what, ids } = step;
  return { at: new Date(at).toISOString(), text: wordsOf(step), what, ids };
}

function wordsOf({ what, ids }: SessionStep): string {
  const of = list(ids);
  const above = ids.length === 0 ? "" : `, below ${messages(ids)} of Turn's`;
  switch (what) {
    case "dialled":
      return `the user dialled (message ${of})`;
    case "answered":
      return `the user answered (message ${of})`;
    case "hung_up":
      return `the session ended at the phone, hung up or timed out (message ${of})`;
    case "held":
      return `Turn's message ${of} came, and was held for the screen`;
    case "shown":
      return ids.length === 1
        ? `a screen showed message ${of}`
        : `messages ${of} were merged, and one screen showed them`;
    case "late":
      return `message ${of} came too late for the screen`;
    case "asked_to_wait":
      return `a screen asked the user to wait${above}`;
    case "said_sorry":
      return `a screen said that it takes too long, and ended the session${above}`;
    case "asked_to_resume":
      return `a screen asked whether to go on where the last session ended${above}`;
    case "shown_again":
      return `the last question was shown again${above}`;
    case "page":
      return `the next page was shown, in answer to message ${of}`;
  }
}

function messages(ids: readonly string[]): string {
  return `message${ids.length === 1 ? "" : "s"} ${list(ids)}`;
}

/** "a, b and c". */
export function list(ids: readonly string[]): string {
  const before = ids.slice(0, -1).join(", ");
  return [before, ...ids.slice(-1)].filter((part) => part !== "").join(" and ");
}

function stateOf(
  { session, isEarlier }: SessionFound,
  { ussd, now, connector, depths }: Surroundings,
): readonly [Story["state"], string] {
  if (session === undefined) return ["over", "no session is remembered: the last one is long over"];
  if (isEarlier) return ["over", "the user has dialled again since"];
  const { state, asked, sending } = session;
  if (sending !== undefined) {
    const { outbound } = queuesOf(connector);
    return ["open", `the screen ${sending.message_id} waits to be confirmed in ${outbound}`];
  }
  if (state === "over") return ["over", "the session is over"];
  const old = whyOver({ ...session, state: "open" }, ussd, now);
  if (state === "answered" && asked === undefined) {
    return ["over", "the last screen asked nothing, which ends the session"];
  }
  if (old !== undefined) return ["over", `the session is over: ${old}`];
  switch (state) {
    case "open": {
      const waiting = depths?.held ?? 0;
      const held = waiting === 0
        ? ""
        : `; ${waiting} of Turn's messages wait in ${queuesOf(connector).held} for a bridge`;
      return ["open", `the user waits for a screen${held}`];
    }
    case "holding":
      return ["holding", "the user is asked to wait, and sees what has come with the next answer"];
    case "resuming":
      return ["resuming", "the user is asked whether to go on where the last session ended"];
    case "answered":
      return ["answered", "the screen asks, and the user has not answered yet"];
  }
}

function pendingWords(pending: Pending | undefined): readonly string[] {
  const { messages = [], noticedAt = 0 } = pending ?? {};
  if (messages.length === 0) return [];
  const count = messages.length === 1
    ? "1 message waits for the user's next dial, which shows it first"
    : `${messages.length} messages wait for the user's next dial, which shows them first`;
  if (noticedAt === 0) return [count];
  const at = formatTime(new Date(noticedAt).toISOString());
  return [`${count}; an SMS said so at ${at}`];
}
