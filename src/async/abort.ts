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

/**
 * A signal that fires with the first of others, until it is disposed of. Of signals that live long
 * `AbortSignal.any` would never let go: Deno 2.6 keeps 100 bytes for each call.
 */
export class FirstOf implements Disposable {
  /** Fires with the first of them. */
  readonly signal: AbortSignal;
  readonly #unlisten: readonly (() => void)[];

  /** Listens from now on. */
  constructor(...signals: readonly AbortSignal[]) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#unlisten = signals.map((signal) => onAbort(signal, () => controller.abort()));
  }

  /** Listens no more. */
  [Symbol.dispose](): void {
    for (const unlisten of this.#unlisten) unlisten();
  }
}
