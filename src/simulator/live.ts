/**
 * After the tour: what a person types is what the user writes, and whatever passes is shown, also
 * what others make pass. Turn and the network answer by themselves, unless they are played at the
 * page (handset/).
 *
 * @module
 */

import { OUTBOUND_EXAMPLE, texted } from "./examples.ts";
import type { Narrator } from "./screen.ts";
import type { Scenario } from "./scenario.ts";

/** What {@linkcode goLive} needs. */
export interface LiveOptions {
  /** Where it plays. */
  readonly stage: Scenario;
  /** What shows what can be done. */
  readonly screen: Narrator;
  /** What is typed, in UTF-8. */
  readonly input: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Whether the end of the input is the end of all, as it is of a terminal's (Ctrl-D). */
  readonly endsWithInput: boolean;
  /** Ends it. */
  readonly stop: AbortSignal;
}

/** Plays on, until it is told to stop. */
export async function goLive(options: LiveOptions): Promise<void> {
  const { stage, screen, input, endsWithInput, stop } = options;
  const curl = stage.curl(OUTBOUND_EXAMPLE);
  screen.heading("Now you", "The bridge stays up. Play Turn, from another terminal:");
  screen.say(
    `\n${curl}\n\nOr play the user: type a message and press Enter. Ctrl-C ends the demo.\n`,
  );
  const ended = new AbortController();
  const signal = AbortSignal.any([stop, ended.signal]);
  const parts = [
    userTypes(stage, input, signal).then(() => endsWithInput ? undefined : aborted(signal)),
    showToldTurn(stage, signal),
    showStatuses(stage, signal),
    showToldUser(stage, signal),
  ];
  // Whatever ends one, a bug too, ends all.
  const ends = await Promise.allSettled(parts.map((part) => part.finally(() => ended.abort())));
  for (const end of ends) {
    if (end.status === "rejected" && end.reason !== signal.reason) throw end.reason;
  }
}

async function userTypes(
  stage: Scenario,
  input: LiveOptions["input"],
  signal: AbortSignal,
): Promise<void> {
  for await (const line of lines(input, signal)) {
    if (line.trim() !== "") await stage.userWrites(texted(line));
  }
}

async function showToldTurn(stage: Scenario, signal: AbortSignal): Promise<never> {
  for (;;) await stage.turnIsTold(signal);
}

async function showStatuses(stage: Scenario, signal: AbortSignal): Promise<never> {
  for (;;) await stage.turnIsToldStatus(signal);
}

async function showToldUser(stage: Scenario, signal: AbortSignal): Promise<never> {
  for (;;) await stage.userIsTold(signal);
}

async function* lines(input: LiveOptions["input"], signal: AbortSignal): AsyncGenerator<string> {
  let rest = "";
  for await (const text of input.pipeThrough(new TextDecoderStream(), { signal })) {
    const whole = (rest + text).split(/\r?\n/);
    rest = whole.pop() ?? "";
    yield* whole;
  }
  yield rest;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
