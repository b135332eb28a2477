/**
 * Waiting that a signal can end.
 *
 * @module
 */

/**
 * Resolves after `ms` milliseconds, or as soon as `signal` fires; never rejects.
 *
 * @param ms At most 2,147,483,647, as far as a timer goes; or `Infinity`.
 */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = ms === Infinity ? undefined : setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
