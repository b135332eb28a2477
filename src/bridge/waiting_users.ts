// Of which users messages wait in hand of which it is not known yet what they mean: what comes after one of
// them can't be understood before it.

/** One that waits, until it is disposed of or ended. */
export interface Waiting extends Disposable {
  /** Whether all that came before it are understood. */
  readonly isNext: boolean;
  /** It is understood. */
  end(): void;
}

export class WaitingUsers {
  /** In the order of their coming. */
  readonly #all = new Map<string, object[]>();

  /** One of this user's has come. */
  enter(user: string): Waiting {
    const all = this.#all;
    const own = {};
    all.set(user, [...all.get(user) ?? [], own]);
    const end = (): void => {
      const left = all.get(user)?.filter((each) => each !== own) ?? [];
      if (left.length > 0) all.set(user, left);
      else all.delete(user);
    };
    return {
      get isNext(): boolean {
        return all.get(user)?.[0] === own;
      },
      end,
      [Symbol.dispose]: end,
    };
  }
}
