/**
 * A bridge that is killed between the publish of a page and the ack of the user's message that asked for
 * it: the message comes again, and brings the same page.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SECRET } from "../support/bridge.ts";
import { type CacheKind, Killable } from "../support/killable.ts";
import { counted } from "../support/machines.ts";
import { sendTo } from "../support/several.ts";
import type { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { facts, told, USER, write } from "./content_support.ts";

/** Four screens. */
const TEXT = facts(15);

/** When it is killed. */
interface Moment {
  readonly name: string;
  readonly cache: CacheKind;
  /** Holds back what would end it, when the user's message `key` brings `page`: both are ids. */
  readonly hold: (bridge: Killable, page: string, key: string) => readonly TcpProxy[];
  /** How often the page may be published. */
  readonly copies: readonly number[];
}

const MOMENTS: readonly Moment[] = [
  {
    name: "before the page is confirmed",
    cache: "file",
    hold: (bridge, page) => [bridge.holdConfirm(page)],
    copies: [2],
  },
  {
    name: "when the page is confirmed, and not recorded",
    cache: "redis",
    hold: (bridge, page, key) => {
      return [bridge.holdWrite(`delivered_inbound:${key}`), bridge.holdAck(page)];
    },
    copies: [2],
  },
  {
    // What is recorded is not waited for.
    name: "when the page is confirmed, and may be recorded",
    cache: "file",
    hold: (bridge, page) => [bridge.holdAck(page)],
    copies: [1, 2],
  },
];

for (const { name, cache, hold, copies } of MOMENTS) {
  Deno.test(`killed ${name}: the same page once more at most, and none is skipped`, async () => {
    await using bridge = await Killable.start(cache, { "ussd-session-timeout": "3600" });
    const { live } = bridge;
    const dialled = await write(live, null);
    await told(live, dialled);
    await counted(bridge, "inbound", ["delivered"], 1);
    const more = { to: USER, waiting_for_user_input: false };
    const { id = assert.fail() } = await sendTo(
      bridge.address,
      { path: "", secret: SECRET },
      TEXT,
      more,
    );
    const published = (message_id: string) =>
      live.transport.outbound.map(({ message }) => message)
        .filter((message) => message["message_id"] === message_id);
    await until("page 1", () => published(id).length > 0);
    for (const nth of [2, 3, 4]) {
      const page = `${id}-p${nth}`;
      const key = `key${nth}`;
      const held = hold(bridge, page, key);
      await write(live, "98", { message_id: key });
      await until(`page ${nth}`, () => published(page).length > 0);
      await bridge.killWhen(held);
      await counted(bridge, "inbound", ["paged", "duplicate"], 1);
      await until(`page ${nth} again`, () => copies.includes(published(page).length));
      const [first, ...again] = published(page).map(({ timestamp: _, ...message }) => message);
      for (const one of again) assert.deepEqual(one, first);
      assert.equal(first?.["in_reply_to"], key);
      assert.equal(first?.["session_event"], nth === 4 ? "close" : "resume");
    }
    await live.waiting("outbound", 0);
    const ids = [id, `${id}-p2`, `${id}-p3`, `${id}-p4`];
    const all = live.transport.outbound.map(({ message }) => String(message["message_id"]));
    assert.deepEqual([...new Set(all)], ids);
    for (const page of ids.slice(1)) assert.ok(copies.includes(published(page).length), page);
    const texts = ids.map((page) => String(published(page)[0]?.["content"]));
    assert.equal(texts.join(" ").replaceAll("\n98. More", ""), TEXT);
    assert.deepEqual(live.told(), [dialled]);
    assert.equal(live.turn.calls.length, 1);
  });
}
