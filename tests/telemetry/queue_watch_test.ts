import assert from "node:assert/strict";
import {
  type QueueFigures,
  QueueWatch,
  restAfter,
  type WatchedQueue,
} from "../../src/telemetry/mod.ts";

class Away extends Error {}

/** Queues whose depths the test sets, and a watch on them that looks when it is told to. */
class TestQueues implements AsyncDisposable {
  now = 0;
  depths: Record<string, number> = {};
  isAway = false;
  isOurs = true;
  /** How many messages were put into delay queues. */
  delayedByUs = 0;
  /** Every queue that was asked for. */
  readonly asked: string[] = [];
  readonly watch: QueueWatch;

  constructor(...queues: WatchedQueue[]) {
    this.watch = new QueueWatch({
      delays: [{ label: "5s", queue: "delay.5s" }, { label: "60s", queue: "delay.60s" }],
      depth: (queue) => this.isAway ? Promise.reject(new Away()) : this.#depth(queue),
      isExpected: (error) => error instanceof Away,
      now: () => this.now,
    });
    const delayed = (): number => this.delayedByUs;
    this.watch.add({ connector: "c", queues, isOurs: () => this.isOurs, delayed });
  }

  async look(): Promise<QueueFigures | undefined> {
    await this.watch.look();
    return this.figures();
  }

  figures(): QueueFigures | undefined {
    return this.watch.figures("c").get("inbound");
  }

  /** How often a queue was asked for since this was called last. */
  askedFor(queue: string): number {
    return this.asked.splice(0).filter((name) => name === queue).length;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.watch[Symbol.asyncDispose]();
  }

  #depth(queue: string): Promise<number | undefined> {
    this.asked.push(queue);
    return Promise.resolve(this.depths[queue]);
  }
}

Deno.test("QueueWatch.refresh() tells what was so a second ago at the latest", async () => {
  await using queues = new TestQueues({ label: "inbound", queue: "in" });
  queues.depths["in"] = 1;
  assert.equal((await queues.look())?.waiting, 1);
  queues.depths["in"] = 0;
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await queues.watch.refresh();
  assert.equal(queues.figures()?.waiting, 0);
});

Deno.test("QueueWatch tells what waits in the queue, and parked", async () => {
  await using queues = new TestQueues({
    label: "inbound",
    queue: "q",
    parkingQueue: "q.parked",
    settled: () => 0,
  });
  queues.depths = { q: 3, "q.parked": 6 };
  assert.deepEqual(await queues.look(), { waiting: 3, parked: 6, stalledMs: 0 });
  queues.depths = {};
  const { waiting, parked } = await queues.look() ?? assert.fail();
  assert.deepEqual([waiting, parked], [0, 0]);
});

Deno.test("QueueWatch looks at the delay queues once for all channels, and once of four times", async () => {
  await using queues = new TestQueues({ label: "inbound", queue: "q" });
  queues.watch.add({
    connector: "d",
    queues: [{ label: "inbound", queue: "r" }],
    isOurs: () => true,
    delayed: () => 0,
  });
  queues.depths = { "delay.5s": 1, "delay.60s": 2 };
  await queues.look();
  assert.deepEqual([...queues.watch.delayed()], [["5s", 1], ["60s", 2]]);
  queues.asked.splice(0);
  for (let looks = 0; looks < 8; looks++) await queues.look();
  const asked = Map.groupBy(queues.asked, (queue) => queue);
  const counts = ["q", "r", "delay.5s", "delay.60s"].map((queue) => asked.get(queue)?.length);
  assert.deepEqual(counts, [8, 8, 2, 2]);
  queues.isAway = true;
  await queues.look();
  assert.equal(queues.watch.delayed().size, 0);
  queues.isAway = false;
  queues.depths = { "delay.5s": 3 };
  await queues.look();
  assert.equal(queues.watch.delayed().get("5s"), 3);
});

Deno.test("restAfter() is longer when looking takes long, so that it takes a fortieth of the time", () => {
  assert.deepEqual([1, 375, 1_500].map(restAfter), [15_000, 15_000, 60_000]);
});

Deno.test("QueueWatch asks for a parking queue that is not there only when something was parked", async () => {
  let parked = 0;
  await using queues = new TestQueues({
    label: "inbound",
    queue: "q",
    parkingQueue: "q.parked",
    parked: () => parked,
  });
  assert.equal((await queues.look())?.parked, 0);
  assert.ok(queues.askedFor("q.parked") > 0, "somebody may have made it");
  for (let looks = 0; looks < 20; looks++) await queues.look();
  assert.equal(queues.askedFor("q.parked"), 0);
  parked = 1;
  await queues.look();
  assert.equal(queues.askedFor("q.parked"), 1, "counted, and not yet there");
  queues.depths = { "q.parked": 1 };
  assert.equal((await queues.look())?.parked, 1);
  await queues.look();
  assert.equal(queues.askedFor("q.parked"), 2);
  queues.depths = {};
  await queues.look();
  for (let looks = 0; looks < 500; looks++) await queues.look();
  const asked = queues.askedFor("q.parked");
  assert.ok(asked >= 2 && asked <= 4, `now and then: ${asked}`);
});

Deno.test("QueueWatch asks for a delay queue that is not there only when something was delayed", async () => {
  await using queues = new TestQueues({ label: "inbound", queue: "q" });
  await queues.look();
  assert.ok(queues.askedFor("delay.5s") > 0);
  for (let looks = 0; looks < 20; looks++) await queues.look();
  assert.equal(queues.askedFor("delay.5s"), 0);
  queues.delayedByUs = 1;
  for (let looks = 0; looks < 4; looks++) await queues.look();
  assert.equal(queues.askedFor("delay.5s"), 1);
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

Deno.test("QueueWatch tells of no standstill where others take messages off the queue", async () => {
  await using queues = new TestQueues({ label: "inbound", queue: "q", settled: () => 0 });
  queues.isOurs = false;
  queues.depths = { q: 5 };
  await queues.look();
  queues.now = 15_000;
  assert.deepEqual(await queues.look(), { waiting: 5, parked: undefined, stalledMs: 0 });
  queues.isOurs = true;
  await queues.look();
  queues.now = 30_000;
  assert.equal((await queues.look())?.stalledMs, 15_000, "since it is ours");
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
