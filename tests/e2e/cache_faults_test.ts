import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Live } from "../support/live.ts";
import type { Running } from "../support/program.ts";
import { noSmallDisk, SmallDisk } from "../support/small_disk.ts";
import { until } from "../support/until.ts";

const noDisk = await noSmallDisk();

/** What the program says of its cache in its log. */
function faults(running: Running): readonly string[] {
  return running.stderr().split("\n").filter((line) => line.includes("cache file"));
}

/** How `/health` says that the cache is; the whole is in health all the while. */
async function cacheHealth(
  live: Live,
): Promise<{ health: string; last_failure: string | null; reason?: string }> {
  const { status, text } = await live.health();
  assert.equal(status, 200);
  return JSON.parse(text).components.cache;
}

/** What must hold while the cache can't be written, and after that. */
async function outage(
  live: Live,
  running: Running,
  { begin, end, told }: {
    readonly begin: () => Promise<void>;
    readonly end: () => Promise<void>;
    readonly told: RegExp;
  },
): Promise<void> {
  assert.equal((await live.send("before")).status, 200);
  await live.transport.received(1);
  await live.transport.sendInbound({ message_id: "before" });
  await live.turn.received(1);
  assert.deepEqual(await cacheHealth(live), { health: "ok", last_failure: null });
  await begin();
  // SQLite has some room of its own left: what is taken until it is used up is durable.
  let taken = 1;
  await until("a refusal", async () => {
    const { status } = await live.send("during");
    if (status === 200) taken++;
    return status !== 200;
  });
  for (const text of ["refused 1", "refused 2"]) {
    const { status, retryAfter } = await live.send(text);
    assert.equal(status, 503);
    assert.match(retryAfter ?? "", /^[1-9]\d*$/);
  }
  for (const message_id of ["m1", "m2"]) await live.transport.sendInbound({ message_id });
  await until("the fault in the log", () => faults(running).some((line) => told.test(line)));
  const { health, last_failure } = await cacheHealth(live);
  assert.equal(health, "degraded");
  assert.match(String(last_failure), /^\d{4}-\d\d-\d\dT/);
  assert.deepEqual(live.told(), ["before"]);
  assert.equal(await live.transport.depth("inbound.parked"), 0);
  await end();
  await live.turn.received(3);
  assert.deepEqual(live.told(), ["before", "m1", "m2"]);
  await until("a message taken", async () => (await live.send("after")).status === 200);
  const sent = (await live.transport.received(taken + 1)).map(({ message }) => message["content"]);
  assert.deepEqual([sent.length, sent.at(-1)], [taken + 1, "after"]);
  assert.equal((await cacheHealth(live)).health, "ok");
  assert.ok(!sent.some((text) => String(text).startsWith("refused")));
  assert.equal(await live.transport.depth("inbound.parked"), 0);
  assert.equal(await running.stop("SIGTERM"), 0);
}

Deno.test({
  name: `a full disk: Turn gets 503, messages wait in their queue, then all goes on ${noDisk ?? ""}`
    .trim(),
  ignore: noDisk !== undefined,
  fn: async () => {
    await using disk = await SmallDisk.mount();
    await using live = await Live.prepare({ "message-cache-config-path": `${disk.path}/cache.kv` });
    await using running = await live.start();
    await outage(live, running, {
      begin: () => disk.fill(),
      end: () => disk.empty(),
      told: /the disk is full; make room on its disk/,
    });
  },
});

Deno.test("a cache file that another program keeps locked is no loss", async () => {
  await using live = await Live.prepare();
  await using running = await live.start();
  const locks: DatabaseSync[] = [];
  await outage(live, running, {
    begin: () => {
      const lock = new DatabaseSync(`${live.folder}/cache.kv`);
      lock.exec("pragma busy_timeout = 30000"); // The bridge may be writing just now.
      lock.exec("begin exclusive");
      locks.push(lock);
      return Promise.resolve();
    },
    end: () => {
      for (const lock of locks) lock.close();
      return Promise.resolve();
    },
    told: /another program keeps it locked; end that program/,
  });
});

Deno.test("a damaged cache file is told plainly at start, with what to do, exit code 69", async () => {
  await using live = await Live.prepare();
  const path = `${live.folder}/cache.kv`;
  await using running = await live.start();
  for (let n = 0; n < 20; n++) assert.equal((await live.send(`message ${n}`)).status, 200);
  assert.equal(await running.stop("SIGTERM"), 0);
  const file = await Deno.readFile(path);
  const size = 4096; // Of the first page, which says what the others are for.
  for (
    const [what, bytes] of [["its pages", file.slice().fill(0xa5, size)], [
      "its end",
      file.slice(0, size + 100),
    ]] as const
  ) {
    await Deno.writeFile(path, bytes);
    const { code, stdout, stderr } = await live.command(["run"]);
    assert.equal(code, 69, `${what}: ${stderr}`);
    assert.equal(stdout, "");
    const [line = ""] = stderr.split("\n").filter((text) => text.includes("Cannot start"));
    assert.ok(line.includes(`the cache file ${path}`), stderr);
    assert.match(line, /move the file away, so that a new one is created/);
    assert.ok(!stderr.includes("    at "), stderr);
    for (const end of ["-wal", "-shm"]) await Deno.remove(path + end).catch(() => {});
  }
});

Deno.test("a cache file that is taken away is told of, and no loss: messages go on, both ways", async () => {
  await using live = await Live.prepare();
  const path = `${live.folder}/cache.kv`;
  await using first = await live.start();
  await live.transport.sendInbound({ message_id: "m1" });
  await live.turn.received(1);
  for (const end of ["", "-wal", "-shm"]) await Deno.remove(path + end).catch(() => {});
  for (const message_id of ["m2", "m3"]) await live.transport.sendInbound({ message_id });
  const answers = [(await live.send("one")).status, (await live.send("two")).status];
  const taken = answers.filter((status) => status === 200).length;
  assert.ok(answers.every((status) => status === 200 || status === 503), `${answers}`);
  await until("it to be noticed", async () => (await cacheHealth(live)).health === "degraded");
  assert.match((await cacheHealth(live)).reason ?? "", /deleted or replaced while in use.*restart/);
  const told = () => faults(first).filter((line) => line.includes("was deleted or replaced"));
  await until("it in the log", () => told().length > 0);
  assert.deepEqual([told().length, told()[0]?.includes(path)], [1, true]);
  await first.stop("SIGKILL");
  await using second = await live.start();
  await live.turn.received((calls) =>
    ["m2", "m3"].every((id) => calls.some(({ body }) => JSON.stringify(body).includes(`"${id}"`)))
  );
  assert.equal((await live.send("three")).status, 200);
  await live.transport.received(taken + 1);
  assert.equal(await live.transport.depth("inbound.parked"), 0);
  assert.equal(await second.stop("SIGTERM"), 0);
});
