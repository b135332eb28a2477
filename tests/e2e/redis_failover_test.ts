/**
 * A bridge whose cache is a Redis, or a Valkey, that Sentinels keep up: a failover loses nothing, and a
 * cache that is away for long makes it unready.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SECRET } from "../support/bridge.ts";
import { Live } from "../support/live.ts";
import { machine } from "../support/machines.ts";
import type { Running } from "../support/program.ts";
import { freeze, Sentinels, serverPrograms } from "../support/sentinels.ts";
import { get, sendTo } from "../support/several.ts";
import { until } from "../support/until.ts";

const SIDES = { path: "", secret: SECRET };
const USER = "+26612345678";

async function readiness({ address }: Running): Promise<readonly [status: number, text: string]> {
  const { status, text } = await get(`${address}/readyz`);
  return [status, text];
}

for (const program of await serverPrograms()) {
  const path = "path" in program ? program.path : "";
  const why = "missing" in program ? ` (not run: ${program.missing})` : "";

  Deno.test({
    name: `a failover by Sentinel costs 503s and no message, on ${program.name}${why}`,
    ignore: path === "",
    fn: async () => {
      await using group = await Sentinels.start(path);
      await using live = await Live.prepare({
        "message-cache-class": "RedisMessageCache",
        "message-cache-config-url": group.url,
        "http-bind": "127.0.0.1:0",
      });
      await using running = await machine(live);
      const send = async (text: string) =>
        (await sendTo(running.address, SIDES, text, { to: USER })).status;
      await live.transport.sendInbound({ message_id: "before", from_addr: USER });
      await live.turn.received(1);
      assert.equal(await send("before"), 200);

      // The old primary says nothing, and its connections stay.
      const [first] = await group.roles();
      const thaw = await freeze(first);
      let refused = 0;
      try {
        const ids = ["m1", "m2", "m3"];
        for (const message_id of ids) {
          await live.transport.sendInbound({ message_id, from_addr: USER });
        }
        await until("a request to be taken again", async () => {
          const status = await send("during");
          assert.ok(status === 200 || status === 503, `${status}`);
          if (status === 503) refused++;
          return refused > 0 && status === 200;
        });
        await live.turn.received(4);
        assert.deepEqual(live.told(), ["before", ...ids]);
      } finally {
        thaw();
      }
      assert.ok(refused > 0);
      // It comes back, is made a replica, and nobody writes to it.
      await until("the old one to follow", () => group.isComplete());
      assert.equal(await send("after"), 200);
      await until(
        "what was taken",
        () => live.transport.outbound.some(({ message }) => message["content"] === "after"),
      );
      assert.equal(await live.transport.depth("inbound.parked"), 0);

      // Nobody uses the cache meanwhile, and nobody can.
      const thaws = await Promise.all(group.servers.map(freeze));
      try {
        await until("it to be unready", async () => (await readiness(running))[0] === 503);
        assert.match((await readiness(running))[1], /"the cache has failed for \d+ s"/);
        assert.equal((await get(`${running.address}/livez`)).status, 200);
      } finally {
        for (const thaw of thaws) thaw();
      }
      await until("it to be ready", async () => (await readiness(running))[0] === 200);
      await until("a request to be taken", async () => await send("last") === 200);
      assert.equal(await running.stop("SIGTERM"), 0);
    },
  });
}
