// The signals to a program that runs until it is told to stop: SIGTERM and SIGINT stop it, at SIGHUP it
// reads its configuration again. What comes before anybody asks is remembered.

export class Signals {
  readonly #first = new AbortController();
  readonly #second = new AbortController();
  #isHungUp = false;
  #onHangup = (): void => {};

  /** Fires at the first signal to stop: finish the work in progress, then stop. */
  readonly first: AbortSignal = this.#first.signal;
  /** Fires at the second: stop now. */
  readonly second: AbortSignal = this.#second.signal;

  /** Takes them from now on; by itself the system would end the program at each. */
  heed(): void {
    Deno.addSignalListener("SIGTERM", this.stop);
    Deno.addSignalListener("SIGINT", this.stop);
    Deno.addSignalListener("SIGHUP", () => {
      this.#isHungUp = true;
      this.#onHangup();
    });
  }

  /** As if there were a signal to stop. */
  readonly stop = (): void => {
    (this.#first.signal.aborted ? this.#second : this.#first).abort();
  };

  /** Does `act` at each SIGHUP, and at once if there was one already. */
  onHangup(act: () => void): void {
    this.#onHangup = act;
    if (this.#isHungUp) act();
  }
}
