/**
 * A bridge that is killed again and again, each time with something in its hands for phones that wait for
 * a screen: what it has promised Turn and not shown yet, and what it has published and heard nothing of.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Live } from "../support/live.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { redisUrl } from "../support/redis.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import {
  ask,
  type Endpoint,
  endpointAt,
  Network,
  type Phone,
  say,
  statuses,
  together,
  told,
} from "./ussd_support.ts";

/** How often: ten times where it is asked for, as that takes long. */
const ROUNDS = Number(Deno.env.get("USSD_KILLS") ?? 3);

/** Size, class and method of basic.ack, by which a publish is confirmed. */
const ACK = "\0\0\0\x0d\0\x3c\0\x50";

/** What Turn has said to a phone: the ids that it was given, and the words. */
interface Said {
  readonly phone: Phone;
  readonly ids: readonly string[];
  readonly words: readonly string[];
}

/** Declares the test of one cache. */
export function killedWith(cache: string): void {
  Deno.test(`${cache}: who is killed between the 200 and the screen, and between publish and ack, loses nothing, ${ROUNDS} times`, async () => {
    const url = new URL(amqpUrl());
    await using proxy = TcpProxy.start({ hostname: url.hostname, port: Number(url.port || 5672) });
    url.host = `127.0.0.1:${proxy.port}`;
    await using live = await Live.prepare({ ...flagsOf(cache), "amqp-url": url.href });
    const network = new Network(live.transport);
    let running = await live.start();
    try {
      for (let round = 1; round <= ROUNDS; round++) {
        const phones = [1, 2, 3, 4].map((n) => network.phone(`+2782${round}000${n}`));
        await together(phones.map(async (phone) => told(live.turn, await phone.dial())));
        const bridge = endpointAt(running.address);
        const [published, held] = await Promise.all([
          together(phones.slice(0, 2).map((phone) => speak(bridge, phone, ask))),
          together(phones.slice(2).map((phone) => speak(bridge, phone, say))),
        ]);
        // The first screen is published, and the bridge never hears that it was confirmed.
        proxy.stallOn(ACK, { to: "client", after: `${live.connector}.outbound` });
        await until("a screen", () => {
          return proxy.isStalled && published.some(({ phone }) => phone.shown !== undefined);
        });
        assert.notEqual(await running.stop("SIGKILL"), 0);
        proxy.cut();
        proxy.resume();
        assert.ok(held.every(({ phone }) => phone.shown === undefined), "nothing is held");
        running = await live.start();
        for (const said of [...published, ...held]) await assertShown(said);
        // The end of a cache in memory is the end of what is known of a screen that was out already.
        const ids = (cache === "MemoryMessageCache" ? held : [...published, ...held])
          .flatMap((said) => said.ids);
        await until(
          "the statuses",
          () => statuses(live.turn, ...ids).every((all) => all.length > 0),
        );
        for (const all of statuses(live.turn, ...ids)) {
          assert.deepEqual([...new Set(all)], ["sent"]);
        }
      }
      assert.equal(await running.stop("SIGTERM"), 0);
    } finally {
      await running[Symbol.asyncDispose]();
    }
    await assertShownTwiceAlike(network);
  });
}

function flagsOf(cache: string): Record<string, string> {
  return {
    "message-cache-class": cache,
    ...cache === "RedisMessageCache"
      ? {
        "message-cache-config-url": redisUrl(),
        "message-cache-config-key-prefix": `test-${crypto.randomUUID()}:`,
      }
      : {},
    "transport-type": "ussd",
    "failed-status": "failed",
    "ussd-settle": "0.3",
    "ussd-merge-window": "1.5",
  };
}

/** Turn says two things, the second one by `how`. */
async function speak(bridge: Endpoint, phone: Phone, how: typeof say): Promise<Said> {
  const words = [`Welcome ${phone.address}`, "And?"];
  const ids = [await say(bridge, phone, words[0] ?? "")];
  ids.push(await how(bridge, phone, words[1] ?? ""));
  return { phone, ids, words };
}

/** One screen, which the phone waited for, has all of it. */
async function assertShown({ phone, ids, words }: Said): Promise<void> {
  const { text, id } = await phone.screen();
  assert.deepEqual([text, id], [words.join("\n"), ids[0]]);
}

/** What was published more than once was the same each time. How often is said. */
async function assertShownTwiceAlike({ dead, screens }: Network): Promise<void> {
  for (const { message_id, in_reply_to, content, session_event } of dead) {
    const { message } = screens.find(({ to }) => to === in_reply_to) ?? assert.fail();
    assert.deepEqual({ message_id, content, session_event }, {
      message_id: message["message_id"],
      content: message["content"],
      session_event: message["session_event"],
    });
  }
  const line = `${dead.length} of ${screens.length} screens were published twice\n`;
  await Deno.stderr.write(new TextEncoder().encode(line));
}
