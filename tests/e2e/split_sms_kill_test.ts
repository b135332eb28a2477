/**
 * A bridge that is killed between the event that has the next SMS of a text sent and the confirm of that: no
 * SMS is skipped.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readSamples } from "../../src/telemetry/mod.ts";
import { SECRET } from "../support/bridge.ts";
import { type CacheKind, Killable } from "../support/killable.ts";
import { counted } from "../support/machines.ts";
import { get, sendTo } from "../support/several.ts";
import type { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { facts, report, statusesOf, USER } from "./content_support.ts";

/** Four SMS. */
const TEXT = facts(14);

/** When it is killed. */
interface Moment {
  readonly name: string;
  readonly cache: CacheKind;
  /** Holds back what would end it, when an event comes that has the `nth` SMS sent, with this id. */
  readonly hold: (bridge: Killable, id: string, nth: number) => TcpProxy;
  /** How often each SMS but the first is published. */
  readonly copies: 1 | 2;
  /** Whether the event is not done with, and comes again. */
  readonly isEventBack: boolean;
}

const MOMENTS: readonly Moment[] = [
  {
    name: "before it is confirmed that an SMS waits",
    cache: "file",
    hold: (bridge, id) => bridge.holdConfirm(id),
    copies: 1,
    isEventBack: true,
  },
  {
    name: "when an SMS waits, and that is not recorded",
    cache: "redis",
    hold: (bridge, _id, nth) => bridge.holdWrite(`sent\\":${nth}`),
    copies: 1,
    isEventBack: true,
  },
  {
    name: "when that is recorded, and the event not acked",
    cache: "file",
    hold: (bridge, id) => bridge.holdAck(id),
    copies: 1,
    isEventBack: true,
  },
  {
    name: "before it is confirmed that an SMS is sent",
    cache: "file",
    hold: (bridge) => bridge.holdConfirm(".outbound"),
    copies: 2,
    isEventBack: false,
  },
];

/** Resolves when RabbitMQ has confirmed what the bridge has sent since it was started. */
function confirmed({ address }: Killable): Promise<void> {
  return until("an SMS to be confirmed", async () => {
    const { text } = await get(`${address}/metrics`);
    return readSamples(text, "turn_channels_transport_messages_total")
      .some(({ labels: { result }, value }) => result === "sent" && value === 1);
  });
}

for (const { name, cache, hold, copies, isEventBack } of MOMENTS) {
  Deno.test(`killed ${name}: each is sent, by one id, and Turn is told of one message`, async () => {
    await using bridge = await Killable.start(cache, { "sms-long": "split" });
    const { live } = bridge;
    const { id = assert.fail() } = await sendTo(
      bridge.address,
      { path: "", secret: SECRET },
      TEXT,
      { to: USER },
    );
    const idOf = (nth: number) => id.replace(/1$/, `${nth}`);
    const sent = (nth: number) =>
      live.transport.outbound.map(({ message }) => message)
        .filter((message) => message["message_id"] === idOf(nth));
    const ack = (nth: number) => report(live, idOf(nth), "ack");
    await confirmed(bridge);
    for (const nth of [2, 3, 4]) {
      const held = hold(bridge, idOf(nth), nth);
      await ack(nth - 1);
      if (copies === 2) await until(`SMS ${nth}`, () => sent(nth).length > 0);
      await bridge.killWhen([held]);
      if (isEventBack) await counted(bridge, "status", ["skipped"], 1);
      await until(`SMS ${nth} again`, () => sent(nth).length === copies);
      await confirmed(bridge);
      const [first, second = first] = sent(nth);
      assert.deepEqual(second, first);
      // The operator has it twice, and says so of both.
      if (nth > 2 && copies === 2) {
        await ack(nth - 1);
        await counted(bridge, "status", ["skipped"], isEventBack ? 2 : 1);
      }
    }
    assert.deepEqual(statusesOf(live, id), []);
    await ack(4);
    await until("the status", () => statusesOf(live, id).length > 0);
    for (const nth of [1, 2, 3, 4]) await report(live, idOf(nth), "delivery_report");
    await counted(bridge, "status", ["delivered"], 2);
    assert.deepEqual(statusesOf(live, id), ["sent", "delivered"]);
    assert.equal(live.turn.calls.length, 2);
    // One after the other, each by its id as often as it may be, and nothing else.
    const all = [1, 2, 3, 4].flatMap(sent);
    assert.deepEqual(live.transport.outbound.map(({ message }) => message), all);
    assert.deepEqual([1, 2, 3, 4].map((nth) => sent(nth).length), [1, copies, copies, copies]);
    const texts = [1, 2, 3, 4].map((nth) => String(sent(nth)[0]?.["content"]));
    assert.equal(texts.map((text) => text.slice(0, -6)).join(" "), TEXT);
  });
}
