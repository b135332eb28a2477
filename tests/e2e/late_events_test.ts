/**
 * A USSD channel's SMS goes through another transport, and routers send what became of it to whom its
 * number belongs: to another channel's queue. It finds the channel whose message it was, in the same
 * program or, with a cache that is shared, in another one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Live } from "../support/live.ts";
import { machine, sharedRedis } from "../support/machines.ts";
import { redisUrl } from "../support/redis.ts";
import { type Keys, Several, type Sides } from "../support/several.ts";
import type { FakeTurn } from "../support/fake_turn.ts";
import type { Transport } from "../support/transport.ts";
import {
  type Endpoint,
  endpointAt,
  Network,
  NOTICE,
  QUICK,
  say,
  SMS_FALLBACK,
  statuses,
  told,
  untilStatus,
} from "./ussd_support.ts";

/** A channel of USSD, and the one of SMS beside it. */
interface Pair {
  readonly bridge: Endpoint;
  readonly turn: FakeTurn;
  readonly network: Network;
  /** The queues of SMS, and the Turn behind them. */
  readonly sms: Pick<Sides, "turn" | "transport">;
}

let users = 0;

/** Something late goes by SMS. Answers the id that Turn has of it, and the one that the SMS has. */
async function sendLate({ bridge, turn, network }: Pair, words: string) {
  const phone = network.phone(`+27821${users++}`);
  await told(turn, await phone.dial());
  await say(bridge, phone, "Goodbye");
  await phone.screen();
  const before = network.sms.length;
  const id = await say(bridge, phone, words);
  const sms = (await network.sentBySms(before + 1)).at(-1) ?? assert.fail();
  return { id, smsId: String(sms["message_id"]) };
}

/** All that can be said of an SMS comes to the other channel, and is told to the right Turn. */
async function eventsFindTheirChannel(pair: Pair): Promise<void> {
  const { turn, sms } = pair;
  const say = (user_message_id: string, fields: Record<string, unknown>) =>
    sms.transport.sendEvent({ user_message_id, ...fields });
  const ack = { event_type: "ack", sent_message_id: "smsc-1" };
  const report = (delivery_status: string) => ({ event_type: "delivery_report", delivery_status });

  const delivered = await sendLate(pair, "Your visit is tomorrow");
  await say(delivered.smsId, ack);
  await untilStatus(turn, "sent", delivered.id);
  await say(delivered.smsId, report("delivered"));
  await untilStatus(turn, "delivered", delivered.id);
  const failed = await sendLate(pair, "And the day after");
  await say(failed.smsId, { event_type: "nack", nack_reason: "Invalid Dest Addr" });
  await untilStatus(turn, "failed", failed.id);
  assert.deepEqual(statuses(turn, delivered.id, failed.id), [["sent", "delivered"], ["failed"]]);
  // A Turn refuses what comes with another one's token.
  const answers = turn.calls.filter(({ path }) => path === "/statuses");
  assert.ok(answers.every(({ content }) => content !== undefined));
  assert.deepEqual(sms.turn.calls.filter(({ path }) => path === "/statuses"), []);
  pair.network.assertAllShown();
}

/** What an SMS of the channel's own came to is told to its own Turn. */
async function ownEventsStay({ sms, turn }: Pair, bridge: Endpoint): Promise<void> {
  const before = turn.calls.length;
  const id = await say(bridge, "+27829999", "An SMS of its own");
  const event = { event_type: "ack", sent_message_id: "smsc-2", user_message_id: id };
  await sms.transport.sendEvent({ ...event, user_message_id: "of nobody" });
  await sms.transport.sendEvent(event);
  await untilStatus(sms.turn, "sent", id);
  assert.equal(turn.calls.length, before);
}

/** Of the channel of USSD; SMS go through the other one's transport. */
const USSD_KEYS: Keys = {
  transport_type: "ussd",
  failed_status: "failed",
  ussd: { merge_window: 0.5 },
  sms_fallback: {
    transport_name: SMS_FALLBACK["sms-fallback-transport-name"],
    from_addr: SMS_FALLBACK["sms-fallback-from-addr"],
    mode: "content",
  },
};

for (const cache of ["MemoryMessageCache", "DenoKvMessageCache", "RedisMessageCache"]) {
  Deno.test(`events of a late SMS that come to another channel's queue find theirs: one program, ${cache}`, async () => {
    await using several = await Several.prepare(2);
    const [ussd, sms] = [several.at(0), several.at(1)];
    const config = {
      DenoKvMessageCache: { path: `${several.folder}/cache.kv` },
      RedisMessageCache: { url: redisUrl(), key_prefix: `test-${crypto.randomUUID()}:` },
    }[cache] ?? {};
    const shared = { message_cache_class: cache, message_cache_config: config };
    await several.configure(shared, (index) => index === 0 ? USSD_KEYS : {});
    await using running = await several.start();
    const pair = {
      bridge: endpointAt(running.address, ussd.path, ussd.secret),
      turn: ussd.turn,
      network: new Network(ussd.transport),
      sms,
    };
    await eventsFindTheirChannel(pair);
    await ownEventsStay(pair, endpointAt(running.address, sms.path, sms.secret));
  });
}

/** Flags of {@linkcode USSD_KEYS}. */
const USSD_FLAGS = {
  ...QUICK,
  ...SMS_FALLBACK,
  "transport-type": "ussd",
  "failed-status": "failed",
  "sms-fallback-notice-text": NOTICE,
};

for (const mode of ["content", "notice"]) {
  Deno.test(`events of a late SMS find another bridge that shares the cache: ${mode}`, async () => {
    const { server, flags } = await sharedRedis();
    await using _server = server;
    await using ussd = await Live.prepare({
      ...flags,
      ...USSD_FLAGS,
      "sms-fallback-mode": mode,
    });
    await using sms = await Live.prepare(flags);
    await using ussdBridge = await machine(ussd);
    await using smsBridge = await machine(sms);
    await consumed(ussd.transport, sms.transport);
    const pair = {
      bridge: endpointAt(ussdBridge.address),
      turn: ussd.turn,
      network: new Network(ussd.transport),
      sms,
    };
    if (mode === "content") await eventsFindTheirChannel(pair);
    else {
      // What became of the notice is not what became of the words.
      const { id, smsId } = await sendLate(pair, "Your result is here");
      const report = { event_type: "delivery_report", delivery_status: "delivered" };
      await sms.transport.sendEvent({ ...report, user_message_id: smsId });
      await untilStatus(ussd.turn, "sent", id);
      assert.deepEqual(statuses(ussd.turn, id), [["sent"]]);
      assert.deepEqual(sms.turn.calls, []);
    }
    await ownEventsStay(pair, endpointAt(smsBridge.address));
  });
}

async function consumed(...transports: readonly Transport[]): Promise<void> {
  for (const transport of transports) {
    await transport.consumed("inbound");
    await transport.consumed("event");
  }
}
