/**
 * After the tour: what a person types is what the user writes, Turn answers it, and whatever passes
 * is shown, also what others make pass.
 *
 * @module
 */

import { texted } from "./examples.ts";
import type { Stage } from "./stage.ts";
import { ack, deliveryReport } from "./transport.ts";

/** What {@linkcode goLive} needs. */
export interface LiveOptions {
  /** Where it plays. */
  readonly stage: Stage;
  /** What is typed, in UTF-8. */
  readonly input: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Whether the end of the input is the end of all, as it is of a terminal's (Ctrl-D). */
  readonly endsWithInput: boolean;
  /** Ends it. */
  readonly stop: AbortSignal;
}

/** Plays on, until it is told to stop. */
export async function goLive({ stage, input, endsWithInput, stop }: LiveOptions): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([stop, ended.signal]);
  const parts = [
    userTypes(stage, input, signal).then(() => endsWithInput ? undefined : aborted(signal)),
    turnEchoes(stage, signal),
    phoneTakes(stage, signal),
    turnFollows(stage, signal),
  ];
  // Whatever ends one, a bug too, ends all.
  const ends = await Promise.allSettled(parts.map((part) => part.finally(() => ended.abort())));
  for (const end of ends) {
    if (end.status === "rejected" && end.reason !== signal.reason) throw end.reason;
  }
}

async function userTypes(
  stage: Stage,
  input: LiveOptions["input"],
  signal: AbortSignal,
): Promise<void> {
  for await (const line of lines(input, signal)) {
    if (line.trim() !== "") await stage.userWrites(texted(line));
  }
}

async function turnEchoes(stage: Stage, signal: AbortSignal): Promise<never> {
  for (;;) {
    const { from, text } = await stage.turnIsTold(signal);
    await stage.turnSends({ to: from, turn: { type: "text", text: { body: `You wrote: ${text}` } } });
  }
}

async function phoneTakes(stage: Stage, signal: AbortSignal): Promise<never> {
  for (;;) {
    const { message_id } = await stage.userGets(signal);
    await stage.transportReports(ack(message_id));
    await stage.transportReports(deliveryReport(message_id));
  }
}

async function turnFollows(stage: Stage, signal: AbortSignal): Promise<never> {
  for (;;) await stage.turnIsToldOf(signal);
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
