// The signals that stop the program: SIGTERM and SIGINT.

export class StopSignals implements Disposable {
  readonly #first = new AbortController();
  readonly #second = new AbortController();

  /** Fires at the first signal: finish the work in progress, then stop. */
  readonly first: AbortSignal = this.#first.signal;
  /** Fires at the second signal: stop now. */
  readonly second: AbortSignal = this.#second.signal;

  constructor() {
    Deno.addSignalListener("SIGTERM", this.stop);
    Deno.addSignalListener("SIGINT", this.stop);
  }

  readonly stop = (): void => {
    (this.#first.signal.aborted ? this.#second : this.#first).abort();
  };

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGTERM", this.stop);
    Deno.removeSignalListener("SIGINT", this.stop);
  }
}
