// Group commit: a durable store pays for one commit where it would have paid for many. What it promises
// beyond `Groups`:
//
// - A write's promise resolves only after all of its items are committed.
// - A write that fits into one commit is never split over two. One that does not has its commits
//   for itself, its items in order and the last one as full as can be: what refers to other items,
//   or belongs together, can come last.

import { Groups } from "./groups.ts";

interface GroupCommitOptions<Item> {
  /** Makes the items durable, all or none. Never called while another call is under way. */
  readonly commit: (items: readonly Item[]) => Promise<void>;
  /** Bytes that an item takes of a commit. */
  readonly sizeOf: (item: Item) => number;
  /** Most items a commit, at least 1. */
  readonly maxItems: number;
  /** Most bytes a commit, at least those of the largest item. */
  readonly maxBytes: number;
}

/** More messages a second for less of a core each than with none; one did nearly as well. */
const TURNS = 2;

/** Commits writes of any number of items each; see the head of this file. */
export function groupCommit<Item>(
  options: GroupCommitOptions<Item>,
): Groups<readonly Item[], void> {
  return new Groups<readonly Item[], void>({
    turns: TURNS,
    take: (writes) => fitting(writes, options),
    async answer(group) {
      const items = group.flat();
      // Of several writes were taken as many as fit.
      const commits = group.length > 1 && items.length > 0 ? [items] : split(items, options);
      for (const commit of commits) await options.commit(commit);
      return group.map(() => undefined);
    },
  });
}

/** How many writes fit into one commit, or 1. */
function fitting<Item>(
  writes: Iterable<readonly Item[]>,
  { maxItems, maxBytes, sizeOf }: GroupCommitOptions<Item>,
): number {
  let [count, items, bytes] = [0, 0, 0];
  for (const write of writes) {
    items += write.length;
    bytes += write.reduce((sum, item) => sum + sizeOf(item), 0);
    if (items > maxItems || bytes > maxBytes) break;
    count++;
  }
  return Math.max(1, count);
}

/** The items in as many commits as it takes, filled from the end. */
function split<Item>(
  items: readonly Item[],
  { maxItems, maxBytes, sizeOf }: GroupCommitOptions<Item>,
): readonly (readonly Item[])[] {
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
