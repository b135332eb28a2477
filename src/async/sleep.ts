/**
 * Waiting that a signal can end.
 *
 * @module
 */

/** Runs something after so many milliseconds, unless the answer is called before. */
export type After = (ms: number, run: () => void) => () => void;

/** A timer goes no further: 24 days. */
const MOST_MS = 2_147_483_647;

/** With the platform's timers. What is further away than a timer goes comes when that is over. */
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
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = ms === Infinity ? undefined : after(ms, end);
    signal.addEventListener("abort", end);
  });
}
