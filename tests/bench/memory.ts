/**
 * Memory over many messages: whether what a bridge holds stays the same when it has seen enough of
 * them.
 *
 * @module
 */

import { Cases, type Tools } from "./cases.ts";
import type { Running, Subject } from "./subject.ts";

/** After how many messages memory is read. */
const STEP = 20_000;
const MARKS: readonly number[] = [100_000, 200_000, 300_000, 400_000, 500_000];

/** Sends 500,000 messages through each subject, a third each way, and prints what it holds. */
export async function watchMemory(
  subjects: readonly Subject[],
  tools: Tools,
  start: (subject: Subject) => Promise<Running>,
  say: (line: string) => void,
): Promise<void> {
  const sizes = { messages: STEP / 4, single: STEP / 4, paced: 0, users: 100_000 };
  say(
    `RSS in MiB at rest, and after ${
      MARKS.join(", ")
    } messages (half outbound, a quarter each way back)`,
  );
  for (const subject of subjects) {
    await using running = await start(subject);
    const cases = new Cases({ ...tools, sizes }, running);
    const held = [(await running.usage()).rss];
    for (let done = 0; done < Math.max(...MARKS); done += STEP) {
      await cases.outbound(32);
      await cases.outbound(32);
      await cases.backlogOfMessages();
      await cases.backlogOfEvents();
      if (MARKS.includes(done + STEP)) held.push((await running.usage()).rss);
    }
    await tools.queues.remove(running.connector);
    say(`${subject.name}: ${held.map((mebibytes) => mebibytes.toFixed(0)).join(", ")}`);
  }
}
