/**
 * Several bridges on one connector, each as a program of its own: with partitions each user's
 * messages are in order, whatever becomes of the bridges.
 *
 * @module
 */

import assert from "node:assert/strict";
import { heldBy, inbound, PARTITIONS, Together } from "../support/partitions.ts";
import { idIn } from "../support/live.ts";
import { SECRET } from "../support/bridge.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { get, sendTo } from "../support/several.ts";
import { until } from "../support/until.ts";

/** So many are on their way when something happens. */
const MANY = 400;

Deno.test("two bridges share the partitions, and each user's messages are in order", async () => {
  await using together = await Together.prepare();
  await using first = await together.start();
  await using second = await together.start();
  await until("both to have half", () => [first, second].every((one) => heldBy(one) === 2));
  await together.send(MANY);
  await together.seen();
  assert.deepEqual(together.overtakers, []);
  assert.deepEqual(together.repeats, []);
  for (const one of [first, second]) {
    const delivered = await together.deliveredBy(one);
    assert.ok(delivered > MANY / 10, `one of them has delivered ${delivered}`);
  }
});

for (const [which, whom] of [["the one that moves messages", 0], ["the other one", 1]] as const) {
  Deno.test(`when ${which} is killed in the middle, the rest goes on in order`, async () => {
    await using together = await Together.prepare();
    await using first = await together.start();
    await until("it to move", () => first.stderr().includes("Moving the messages"));
    await using second = await together.start();
    await until("both to have half", () => [first, second].every((one) => heldBy(one) === 2));
    const [killed, other] = whom === 0 ? [first, second] : [second, first];
    const sending = together.send(MANY);
    await until("work to have begun", () => together.live.told().length > MANY / 4);
    await killed.stop("SIGKILL");
    assert.ok(together.live.told().length < MANY, "all was over before the kill");
    await sending;
    await together.seen();
    assert.deepEqual(together.overtakers, []);
    assert.equal(heldBy(other), PARTITIONS);
  });
}

Deno.test("when a bridge loses its connections again and again, the order is held", async () => {
  const server = new URL(amqpUrl());
  await using proxy = TcpProxy.start({ hostname: server.hostname, port: Number(server.port) });
  server.host = `127.0.0.1:${proxy.port}`;
  await using together = await Together.prepare();
  await using first = await together.start({ "amqp-url": server.href });
  await until("it to move", () => first.stderr().includes("Moving the messages"));
  await using second = await together.start();
  await until("both to have half", () => [first, second].every((one) => heldBy(one) === 2));
  const { live } = together;
  for (let cuts = 1; cuts <= 3; cuts++) {
    const sending = together.send(2 * MANY);
    await until("work to have begun", () => live.told().length > together.sent - MANY / 2);
    await proxy.refuse();
    proxy.cut();
    await until("the other one to take over", () => heldBy(second) === PARTITIONS);
    await proxy.accept();
    await until("it to be back", () => heldBy(first) === 2 && heldBy(second) === 2);
    await sending;
  }
  await together.seen();
  assert.deepEqual(together.overtakers, []);
  // What was in its hands, each time.
  assert.ok(together.repeats.length <= 3 * 40, `${together.repeats.length} came twice`);
});

Deno.test("when a bridge joins in the middle it gets its share, in order and nothing twice", async () => {
  await using together = await Together.prepare();
  await using first = await together.start();
  await until("it to have all", () => heldBy(first) === PARTITIONS);
  const sending = together.send(2 * MANY);
  await until("work to have begun", () => together.live.told().length > MANY / 4);
  await using second = await together.start();
  await sending;
  await together.send(MANY);
  await together.seen();
  assert.deepEqual(together.overtakers, []);
  assert.deepEqual(together.repeats, []);
  assert.deepEqual([heldBy(first), heldBy(second)], [2, 2]);
  const { stdout } = await together.live.command(["check"]);
  assert.match(stdout, /in order by +\S+\.inbound\.p0 … p3, \S+\.event\.p0 … p3/);
  assert.equal(stdout.match(/✓ +│ queue /g)?.length, 7 + 8, stdout);
  assert.ok(await together.deliveredBy(second) > 0);
  assert.deepEqual(await together.holders(), [1, 1, 1, 1]);
});

Deno.test("when a bridge is stopped in the middle the others get its partitions, in order", async () => {
  await using together = await Together.prepare();
  await using first = await together.start();
  await using second = await together.start();
  await until("both to have half", () => [first, second].every((one) => heldBy(one) === 2));
  const sending = together.send(MANY);
  await until("work to have begun", () => together.live.told().length > MANY / 4);
  assert.equal(await first.stop("SIGTERM"), 0);
  await sending;
  await together.seen();
  assert.deepEqual(together.overtakers, []);
  assert.deepEqual(together.repeats, []);
  assert.equal(heldBy(second), PARTITIONS);
});

Deno.test("statuses of one message are told one after the other, whoever takes its events", async () => {
  await using together = await Together.prepare({ "compact-statuses": "false" });
  const { live } = together;
  await using first = await together.start();
  await using second = await together.start();
  await until("both to have half", () => [first, second].every((one) => heldBy(one) === 2));
  const sides = { path: "", secret: SECRET };
  const ids: string[] = [];
  for (let n = 0; n < 60; n++) {
    const { id = "" } = await sendTo(first.address, sides, "Hi", { to: `+${n}` });
    ids.push(id);
  }
  const answered: string[] = [];
  const { answer } = live.turn;
  live.turn.answer = async (call) => {
    const response = await answer?.(call);
    // The fake Turn has looked at its form.
    const { user_message_id, status } = call.body as { user_message_id: string; status: string };
    answered.push(`${user_message_id} ${status}`);
    return response ?? Response.json({});
  };
  for (const id of ids) {
    const about = { user_message_id: id };
    await live.transport.sendEvent({ ...about, event_type: "ack", sent_message_id: `s${id}` });
    const report = { event_type: "delivery_report", delivery_status: "delivered" };
    await live.transport.sendEvent({ ...about, ...report });
  }
  await until("all", () => answered.length === 2 * ids.length);
  for (const id of ids) {
    const own = answered.filter((each) => each.startsWith(`${id} `));
    assert.deepEqual(own, [`${id} sent`, `${id} delivered`]);
  }
});

Deno.test("the one that moves a backlog is killed over it: nothing is lost, and the order is held", async () => {
  await using together = await Together.prepare();
  await together.fill(3_000);
  await using first = await together.start();
  await using second = await together.start();
  await until("work to have begun", () => together.live.told().length > 20);
  await first.stop("SIGKILL");
  assert.ok(together.live.told().length < 2_000, "too late");
  await together.seen();
  assert.deepEqual(together.overtakers, []);
  // What was in Turn's hands, and no more.
  assert.ok(together.repeats.length <= 20, `${together.repeats.length} came twice`);
  assert.equal(await together.live.transport.depth("inbound.parked"), 0);
  assert.equal(heldBy(second), PARTITIONS);
});

Deno.test("while Turn is down messages wait in the partitions, and then come in order", async () => {
  await using together = await Together.prepare({ "max-retries": "0" });
  await using first = await together.start();
  await using second = await together.start();
  await until("both to have half", () => [first, second].every((one) => heldBy(one) === 2));
  const { answer } = together.live.turn;
  together.live.turn.answer = () => new Response("{}", { status: 401 });
  await together.send(200);
  for (const one of [first, second]) {
    await until("it to notice", () => one.stderr().includes("Turn is down"));
  }
  const { transport } = together.live;
  await until("all to be moved", async () => {
    const depths = await Promise.all([0, 1, 2, 3].map((n) => transport.depth(`inbound.p${n}`)));
    return depths.reduce((sum, depth) => sum + depth) > 100;
  });
  assert.equal(await transport.depth("inbound"), 0);
  const [someone = ""] = together.live.told();
  const found = await together.live.command(["find"], [someone]);
  const [, depth] = /among the (\d+) that\s+wait in/.exec(found.stdout) ?? [];
  assert.ok(Number(depth) > 100, `${found.stdout}${found.stderr}`);
  together.live.turn.answer = answer;
  await together.seen();
  assert.deepEqual(together.overtakers, []);
  await until("all to be answered", async () => {
    return await together.deliveredBy(first) + await together.deliveredBy(second) === 200;
  });
  assert.equal(await transport.depth("inbound.parked"), 0);
});

Deno.test("what fails waits in the queue's own delay queue, and comes back by its partition", async () => {
  await using together = await Together.prepare({ "max-retries": "0", "retry-schedule": "1" });
  await using _first = await together.start();
  await using _second = await together.start();
  const { live } = together;
  const failed: string[] = [];
  const delivered: string[] = [];
  live.turn.answer = ({ body }) => {
    const id = idIn(body);
    const isFirst = id === "u 0" && failed.length === 0;
    (isFirst ? failed : delivered).push(id);
    return new Response("{}", { status: isFirst ? 408 : 200 });
  };
  for (let n = 0; n < 5; n++) await live.transport.publish("inbound", inbound("u", `u ${n}`));
  await until("all", () => delivered.length === 5);
  assert.deepEqual([failed, delivered], [["u 0"], ["u 0", "u 1", "u 2", "u 3", "u 4"]]);
  assert.equal(await live.transport.passiveDepth("inbound.delay.1s"), 0);
});

for (const left of ["2", "0"]) {
  Deno.test(`partitions that are left are emptied when there are to be ${left}, and seen until then`, async () => {
    await using together = await Together.prepare({ "worker-concurrency": "1" });
    const { live } = together;
    const before = await together.start();
    await until("it to have all", () => heldBy(before) === PARTITIONS);
    assert.equal(await before.stop("SIGTERM"), 0);
    for (let n = 0; n < 30; n++) {
      await live.transport.publish(`inbound.p${n % 4}`, inbound(`u${n}`, `m${n}`));
    }
    await live.transport.publish("inbound", inbound("new", "new"));
    const audited = await live.command(["audit"]);
    assert.match(audited.stdout, /inbound: 0 came.*; 31 in the queue/);
    const held = Promise.withResolvers<void>();
    live.turn.answer = async () => {
      await held.promise;
      return Response.json({});
    };
    await using after = await together.start({ partitions: left });
    await until("all but what is in work to be counted", async () => {
      const { text } = await get(`${after.address}/metrics`);
      const line = /^turn_channels_queue_messages\{queue="inbound",place="waiting"\} (.*)$/m;
      const waiting = Number(line.exec(text)?.[1]);
      return waiting >= 24 && waiting < 31;
    });
    held.resolve();
    await until("all", () => new Set(live.told()).size === 31);
    assert.match(after.stderr(), /partitions more than are configured/);
  });
}

for (const [old, changed] of [["0", "4"], ["4", "0"]] as const) {
  Deno.test(`while partitions change from ${old} to ${changed}, either waits for the other, and says so once`, async () => {
    await using together = await Together.prepare();
    await using before = await together.start({ partitions: old });
    const isAtWork = old === "0" ? "Connected" : "Moving the messages";
    await until("it to work", () => before.stderr().includes(isAtWork));
    await together.send(20);
    await together.seen();
    await using after = await together.start({ partitions: changed });
    // Of one of the two queues: what is said of the other one is folded into it.
    const said = () => after.stderr().split('"message":"Another program ').length - 1;
    await until("it to say so", () => said() > 0);
    await together.send(80);
    await together.seen();
    assert.equal(await before.stop("SIGTERM"), 0);
    await together.send(80);
    await together.seen();
    assert.equal(said(), 1);
    assert.deepEqual(together.repeats, []);
  });
}
