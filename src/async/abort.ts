/**
 * Runs `run` when `signal` fires, or at once if it has fired already: a listener of the platform's would
 * then wait for ever. No other file listens to a signal. The answer takes it back.
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) {
    run();
    return () => {};
  }
  signal.addEventListener("abort", run, { once: true });
  return () => signal.removeEventListener("abort", run);
}
