/**
 * What ends the program: SIGTERM and SIGINT.
 *
 * @module
 */

/** Listens for signals, which then no longer end the process by themselves, until it is disposed. */
export class StopSignals implements Disposable {
  readonly #first = new AbortController();
  readonly #second = new AbortController();

  /** Begins to listen. */
  constructor() {
    Deno.addSignalListener("SIGTERM", this.stop);
    Deno.addSignalListener("SIGINT", this.stop);
  }

  /** Fires at the first signal: stop, and lose nothing. */
  get first(): AbortSignal {
    return this.#first.signal;
  }

  /** Fires at the second: stop now. */
  get second(): AbortSignal {
    return this.#second.signal;
  }

  /** Does what a signal does. */
  readonly stop = (): void => {
    (this.#first.signal.aborted ? this.#second : this.#first).abort();
  };

  /** Lets signals end the process again. */
  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGTERM", this.stop);
    Deno.removeSignalListener("SIGINT", this.stop);
  }
}
