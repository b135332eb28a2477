import assert from "node:assert/strict";
import { type QueueFigures, QueueWatch, type WatchedQueue } from "../../src/telemetry/mod.ts";

class Away extends Error {}

/** Queues whose depths the test sets, and a watch on them that looks when it is told to. */
class TestQueues implements AsyncDisposable {
  now = 0;
  depths: Record<string, number> = {};
  isAway = false;
  /** Every queue that was asked for. */
  readonly asked: string[] = [];
  readonly #watch: QueueWatch;

  constructor(...queues: WatchedQueue[]) {
    this.#watch = new QueueWatch({
      queues,
      depth: (queue) => this.isAway ? Promise.reject(new Away()) : this.#depth(queue),
      isExpected: (error) => error instanceof Away,
      now: () => this.now,
    });
  }

  async look(): Promise<QueueFigures | undefined> {
    await this.#watch.look();
    return this.figures();
  }

  figures(): QueueFigures | undefined {
    return this.#watch.figures().get("inbound");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#watch[Symbol.asyncDispose]();
  }

  #depth(queue: string): Promise<number | undefined> {
    this.asked.push(queue);
    return Promise.resolve(this.depths[queue]);
  }
}

Deno.test("QueueWatch tells what waits in the queue, its delay queues and parked", async () => {
  await using queues = new TestQueues({
    label: "inbound",
    queue: "q",
    delayQueues: ["q.delay.5s", "q.delay.1m"],
    parkingQueue: "q.parked",
    settled: () => 0,
  });
  queues.depths = { q: 3, "q.delay.5s": 4, "q.delay.1m": 5, "q.parked": 6 };
  assert.deepEqual(await queues.look(), { waiting: 3, delayed: 9, parked: 6, stalledMs: 0 });
  queues.depths = {};
  const { waiting, parked } = await queues.look() ?? assert.fail();
  assert.deepEqual([waiting, parked], [0, 0]);
});

Deno.test("QueueWatch looks at delay queues once of four times, and at once when it could not", async () => {
  await using queues = new TestQueues({ label: "inbound", queue: "q", delayQueues: ["q.delay"] });
  queues.depths = { "q.delay": 1 };
  await queues.look();
  queues.depths = { "q.delay": 2 };
  const seen: (number | undefined)[] = [];
  for (let looks = 0; looks < 8; looks++) seen.push((await queues.look())?.delayed);
  assert.ok(seen.slice(0, 4).includes(2), `${seen}`);
  assert.equal(queues.asked.filter((queue) => queue === "q").length, 10, "with its own first look");
  assert.ok(queues.asked.filter((queue) => queue === "q.delay").length <= 4, `${queues.asked}`);
  queues.isAway = true;
  assert.equal(await queues.look(), undefined);
  queues.isAway = false;
  queues.depths = { "q.delay": 3 };
  assert.equal((await queues.look())?.delayed, 3);
});

Deno.test("QueueWatch counts what waits in partitions, also in those that are found later", async () => {
  const partitions = ["q.p0"];
  await using queues = new TestQueues({
    label: "inbound",
    queue: "q",
    partitions: () => partitions,
    settled: () => 0,
  });
  queues.depths = { q: 3, "q.p0": 4, "q.p1": 5 };
  assert.equal((await queues.look())?.waiting, 7);
  partitions.push("q.p1");
  assert.equal((await queues.look())?.waiting, 12);
});

Deno.test("QueueWatch tells for how long there are messages and none is finished", async () => {
  let settled = 0;
  await using queues = new TestQueues({ label: "inbound", queue: "q", settled: () => settled });
  const stalledMs = async (): Promise<number | undefined> => (await queues.look())?.stalledMs;
  queues.depths = { q: 0 };
  await queues.look();
  queues.now = 15_000;
  queues.depths = { q: 2 };
  assert.equal(await stalledMs(), 0);
  queues.now = 20_000;
  assert.equal(queues.figures()?.stalledMs, 5_000, "also between two looks");
  queues.now = 30_000;
  queues.depths = { q: 9 };
  assert.equal(await stalledMs(), 15_000);
  settled++;
  assert.equal(await stalledMs(), 0, "one was finished");
  queues.now = 45_000;
  assert.equal(await stalledMs(), 0);
  queues.now = 60_000;
  assert.equal(await stalledMs(), 15_000);
  queues.depths = { q: 0 };
  assert.equal(await stalledMs(), 0, "it is empty");
});

Deno.test("QueueWatch sees others take from a queue into which we put", async () => {
  let added = 0;
  await using queues = new TestQueues({ label: "inbound", queue: "q", added: () => added });
  queues.depths = { q: 5 };
  await queues.look();
  queues.now = 15_000;
  [added, queues.depths] = [10, { q: 14 }];
  assert.equal((await queues.look())?.stalledMs, 0, "ten came, one was taken");
  queues.now = 30_000;
  await queues.look();
  queues.now = 45_000;
  [added, queues.depths] = [20, { q: 24 }];
  assert.equal((await queues.look())?.stalledMs, 15_000, "ten came, none was taken");
});

Deno.test("QueueWatch tells nothing while the broker is away, rather than what was", async () => {
  await using queues = new TestQueues({ label: "inbound", queue: "q" });
  queues.depths = { q: 1 };
  assert.ok(await queues.look());
  queues.isAway = true;
  assert.equal(await queues.look(), undefined);
  queues.isAway = false;
  assert.ok(await queues.look());
});
