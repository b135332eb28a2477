// Waiting that a signal can end.

import { onAbort } from "./abort.ts";

/** Runs something after so many milliseconds, unless the answer is called before. */
export type After = (ms: number, run: () => void) => () => void;

/** The longest that the platform's timers run: 24 days. */
const MOST_MS = 2_147_483_647;

/** {@linkcode After} by the platform's timers; what is further away than their longest comes then. */
export const afterMs: After = (ms, run): () => void => {
  const timer = setTimeout(run, Math.min(ms, MOST_MS));
  return () => clearTimeout(timer);
};

/** Resolves after `ms` milliseconds, which may be `Infinity`, or as soon as `signal` fires. */
export function sleep(ms: number, signal: AbortSignal, after: After = afterMs): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel?.();
      unlisten();
      resolve();
    };
    const cancel = ms === Infinity ? undefined : after(ms, end);
    const unlisten = onAbort(signal, end);
  });
}

/** Resolves when `signal` fires; at once if it has fired already. */
export function aborted(signal: AbortSignal): Promise<void> {
  return sleep(Infinity, signal);
}
