/**
 * What every {@linkcode MessageCache} must do for an operator who asks for a user's messages; a part of
 * contract.ts.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MOST_OF_USER } from "../../src/cache/mod.ts";
import { Clock, type Open } from "./adapter.ts";
import { remembered } from "./samples.ts";

const USER = "+27831234567";
const NIGHT = Date.parse("2026-01-02T01:00:00Z");

/** At so many minutes of that night. */
function at(minute: number): string {
  return `2026-01-02 01:${String(minute).padStart(2, "0")}:00.000000`;
}

/** Registers the tests for one adapter. */
export function listsOfUser(name: string, open: Open): void {
  Deno.test(`${name} lists a user's messages since a time in their order, each way, and nobody else's`, async () => {
    await using cache = await open();
    const came = (message_id: string, timestamp: string, from_addr = USER) =>
      cache.putInbound(remembered({ message_id, timestamp, from_addr }));
    await came("late", at(9));
    await came("early", at(1), "2783 123 4567");
    await came("before", "2026-01-02 00:59:59.999999");
    await came("other", at(2), "+27831234568");
    await cache.putOutbound(remembered({ message_id: "sent", timestamp: at(3), to_addr: USER }));
    // About the message, and no message.
    await cache.putNotes([{ kind: "delivered_inbound", id: "late", value: "1 1", ttlMs: 1e6 }]);
    for (const address of [USER, "27831234567", "+27 83 123-4567"]) {
      const [inbound, outbound] = await Promise.all([
        cache.ofUser("inbound", address, NIGHT),
        cache.ofUser("outbound", address, NIGHT),
      ]);
      assert.deepEqual(inbound.map(({ message_id }) => message_id), ["early", "late"]);
      assert.deepEqual(outbound.map(({ message_id }) => message_id), ["sent"]);
    }
  });

  Deno.test(`${name} lists no user's message whose time is up`, async () => {
    const clock = new Clock();
    await using cache = await open(clock);
    await cache.putInbound(remembered({ timestamp: at(1) }));
    await clock.to(60_001);
    assert.deepEqual(await cache.ofUser("inbound", USER, NIGHT), []);
  });

  Deno.test(`${name} lists the last of very many messages of a user`, async () => {
    await using cache = await open();
    const seconds = Array.from({ length: 2 * MOST_OF_USER + 100 }, (_, second) => second);
    await Promise.all(seconds.map((second) => {
      const timestamp = new Date(NIGHT + second * 1000).toISOString().replace("T", " ").slice(
        0,
        19,
      );
      return cache.putInbound(remembered({ message_id: `m${second}`, timestamp }));
    }));
    assert.deepEqual(
      (await cache.ofUser("inbound", USER, NIGHT)).map(({ message_id }) => message_id),
      seconds.slice(-MOST_OF_USER).map((second) => `m${second}`),
    );
  });
}
