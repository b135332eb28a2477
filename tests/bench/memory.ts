/**
 * Memory over many messages: whether what a bridge holds stays the same when it has seen enough of
 * them.
 *
 * @module
 */

import { Cases, type Tools } from "./cases.ts";
import type { Fleet } from "./fleet.ts";
import type { Subject } from "./subject.ts";

/** After how many backlogs' worth of messages memory is read. */
const MARKS: readonly number[] = [5, 10, 15, 20, 25];

/** Sends messages through each subject, half of them outbound, and prints what it holds. */
export async function watchMemory(
  subjects: readonly Subject[],
  tools: Tools,
  start: (subject: Subject) => Promise<Fleet>,
  say: (line: string) => void,
): Promise<void> {
  const { messages } = tools.sizes;
  const sizes = { messages: messages / 4, single: 1, paced: 0, users: 100_000 };
  const marks = MARKS.map((mark) => mark * messages).join(", ");
  say(`RSS in MiB at rest, and after ${marks} messages: half outbound, a quarter each way back`);
  for (const subject of subjects) {
    await using running = await start(subject);
    const cases = new Cases({ ...tools, sizes }, running);
    const held = [(await running.usage()).rss];
    for (let done = 1; done <= Math.max(...MARKS); done++) {
      await cases.outbound(32);
      await cases.outbound(32);
      await cases.backlogOfMessages();
      await cases.backlogOfEvents();
      if (MARKS.includes(done)) held.push((await running.usage()).rss);
    }
    say(`${subject.name}: ${held.map((mebibytes) => mebibytes.toFixed(0)).join(", ")}`);
    await tools.queues.remove(running.connector);
  }
}
