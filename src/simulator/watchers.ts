// A set of watchers that are all called.

export class Watchers<W extends object> {
  readonly #all = new Set<W>();

  add(watcher: W): Disposable {
    this.#all.add(watcher);
    return { [Symbol.dispose]: () => void this.#all.delete(watcher) };
  }

  each(tell: (watcher: W) => void): void {
    for (const watcher of this.#all) tell(watcher);
  }
}
