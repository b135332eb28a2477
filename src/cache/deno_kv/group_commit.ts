/**
 * Group commit: writes that arrive while a commit is under way go together into the next one, so
 * that a durable store pays for one commit where it would have paid for many. What it promises:
 *
 * - A write's promise resolves only after all of its items are committed.
 * - Writes are committed in the order of their arrival.
 * - A write that fits into one commit is never split over two. One that does not has its commits
 *   for itself, its items in order and the last one as full as can be: what refers to other items,
 *   or belongs together, can come last.
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
      const items = group.flatMap((write) => write.items);
      // Of several writes were taken as many as fit.
      const commits = group.length > 1 && items.length > 0 ? [items] : this.#split(items);
      for (const commit of commits) await this.#options.commit(commit);
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

  /** The items in as many commits as it takes, filled from the end. */
  #split(items: readonly Item[]): readonly (readonly Item[])[] {
    const { maxItems, maxBytes, sizeOf } = this.#options;
    const commits: Item[][] = [];
    let bytes = 0;
    for (const item of items.toReversed()) {
      const last = commits.at(-1);
      bytes += sizeOf(item);
      if (last !== undefined && last.length < maxItems && bytes <= maxBytes) last.push(item);
      else {
        commits.push([item]);
        bytes = sizeOf(item);
      }
    }
    return commits.reverse().map((commit) => commit.reverse());
  }
}
