// Of which users a message waits in hand for an earlier one: what comes after it can't be decided about yet.

/** One that waits, until it is disposed of or ended. */
export interface Waiting extends Disposable {
  /** Whether no other one waited when it came. */
  readonly isNext: boolean;
  /** It does not wait any more. */
  end(): void;
}

export class WaitingUsers {
  readonly #counts = new Map<string, number>();

  /** One of this user's has come. */
  enter(user: string): Waiting {
    const before = this.#counts.get(user) ?? 0;
    this.#counts.set(user, before + 1);
    let isEnded = false;
    const end = (): void => {
      if (isEnded) return;
      isEnded = true;
      const left = (this.#counts.get(user) ?? 1) - 1;
      if (left > 0) this.#counts.set(user, left);
      else this.#counts.delete(user);
    };
    return { isNext: before === 0, end, [Symbol.dispose]: end };
  }
}
