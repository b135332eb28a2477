/**
 * Group commit: writes that arrive while a commit is under way go together into the next one, so
 * that a durable store pays for one commit where it would have paid for many. What it promises:
 *
 * - A write's promise resolves only after all of its items are committed.
 * - Writes are committed in the order of their arrival.
 * - A write that fits into one commit is never split over two. One that does not has its commits
 *   for itself, its items in order, so that what refers to other items can come last.
 * - If a commit fails, all writes of its group are rejected with its error, and no others: the next
 *   group is tried anew.
 *
 * @module
 */

/** Limits of one commit, and how to make it. */
export interface GroupCommitOptions<Item> {
  /** Makes the items durable, all or none. Never called while another call is under way. */
  readonly commit: (items: readonly Item[]) => Promise<void>;
  /** Bytes that an item takes of a commit. */
  readonly sizeOf: (item: Item) => number;
  /** Most items a commit, at least 1. */
  readonly maxItems: number;
  /** Most bytes a commit, at least those of the largest item. */
  readonly maxBytes: number;
}

interface Write<Item> {
  readonly items: readonly Item[];
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Commits writes in groups; see the head of this file. */
export class GroupCommit<Item> {
  readonly #options: GroupCommitOptions<Item>;
  readonly #waiting: Write<Item>[] = [];
  #work: Promise<void> | undefined;

  /** Nothing is committed before the first write. */
  constructor(options: GroupCommitOptions<Item>) {
    this.#options = options;
  }

  /** Resolves when all `items` are committed; rejects with the error of the commit. */
  write(items: readonly Item[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ items, resolve, reject });
    this.#work ??= this.#commitAll();
    return promise;
  }

  /** Resolves when every write so far is committed or rejected; never rejects itself. */
  async idle(): Promise<void> {
    await this.#work;
  }

  async #commitAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commitGroup(this.#takeGroup());
    this.#work = undefined;
  }

  async #commitGroup(group: readonly Write<Item>[]): Promise<void> {
    try {
      let rest = group.flatMap((write) => write.items);
      while (rest.length > 0) {
        const count = this.#fitting(rest);
        await this.#options.commit(rest.slice(0, count));
        rest = rest.slice(count);
      }
      for (const write of group) write.resolve();
    } catch (error) {
      for (const write of group) write.reject(error);
    }
  }

  /** As many writes as fit into one commit, or the first alone. */
  #takeGroup(): readonly Write<Item>[] {
    const { maxItems, maxBytes, sizeOf } = this.#options;
    let [items, bytes] = [0, 0];
    const over = this.#waiting.findIndex((write) => {
      items += write.items.length;
      bytes += write.items.reduce((sum, item) => sum + sizeOf(item), 0);
      return items > maxItems || bytes > maxBytes;
    });
    return this.#waiting.splice(0, over === -1 ? this.#waiting.length : Math.max(1, over));
  }

  /** How many items from the front fit into one commit. */
  #fitting(items: readonly Item[]): number {
    const { maxItems, maxBytes, sizeOf } = this.#options;
    let bytes = 0;
    const over = items.findIndex((item, index) => {
      bytes += sizeOf(item);
      return index >= maxItems || bytes > maxBytes;
    });
    return over === -1 ? items.length : Math.max(1, over);
  }
}
