// What can be watched: all who watch are told of it.

export class Watched<W extends object> {
  readonly #watchers = new Set<W>();

  watch(watcher: W): Disposable {
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }

  protected tell(about: (watcher: W) => void): void {
    for (const watcher of this.#watchers) about(watcher);
  }
}
