/**
 * Many users of USSD at once, each of whom is sent two messages for one answer: how long Turn waits
 * until a message is held, and how late the screens are.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { connect } from "amqplib";
import { signedHeaders } from "../../src/simulator/simulated_turn.ts";
import type { RabbitMqServer } from "../support/rabbitmq.ts";
import { SECRET } from "./cases.ts";
import { percentiles } from "./numbers.ts";
import { addressOf, messageFrom } from "./people.ts";
import { fromSource, Running } from "./subject.ts";

const CONNECTOR = "bench-turns";
/** The defaults of the configuration, in milliseconds. */
const [SETTLE_MS, MERGE_WINDOW_MS] = [200, 2_000];
/** Over how long the users' dials are spread, so that it is no burst: a thousand a second. */
const SPREAD_MS = 1;

/** Lets so many users dial, and prints what was measured. */
export async function watchTurns(
  count: number,
  server: RabbitMqServer,
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  const dialled = new Map<string, PromiseWithResolvers<void>>();
  await using turn = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { message } = await request.json();
      dialled.get(message?.id)?.resolve();
      return Response.json({});
    },
  );
  const source = fromSource("src/main.ts");
  const subject = { name: "turns", base: "turns", processes: 1, flags: {} } as const;
  await using running = await Running.start(
    { ...subject, command: [...source, "run"] },
    CONNECTOR,
    {
      "amqp-url": server.url,
      "turn-api-url": `http://127.0.0.1:${turn.addr.port}`,
      "auth-token": "token-of-the-benchmark",
      "turn-hmac-secret": SECRET,
      "default-from-addr": "*120*8864#",
      "log-level": "WARNING",
    },
    folder,
  );
  const connection = await connect(server.url);
  const channel = await connection.createConfirmChannel();
  const shownAt = new Map<string, number>();
  const all = Promise.withResolvers<void>();
  await channel.consume(`${CONNECTOR}.outbound`, (raw) => {
    if (raw === null) return;
    shownAt.set(JSON.parse(raw.content.toString()).to_addr, performance.now());
    if (shownAt.size === count) all.resolve();
  }, { noAck: true });

  const post = async (to: string, body: string, waiting: boolean): Promise<number> => {
    const began = performance.now();
    const text = JSON.stringify({
      to,
      turn: { type: "text", text: { body } },
      waiting_for_user_input: waiting,
    });
    const response = await fetch(`http://127.0.0.1:${running.port}/messages`, {
      method: "POST",
      body: text,
      headers: signedHeaders(text, { secret: SECRET }),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`The bridge answered ${response.status}`);
    return performance.now() - began;
  };

  const posts: number[] = [];
  const dueAt = new Map<string, number>();
  const users = Array.from({ length: count }, (_, number) => addressOf(number));
  const before = await running.usage();
  await Promise.all(users.map(async (user, number) => {
    await new Promise((resolve) => setTimeout(resolve, number * SPREAD_MS));
    const id = crypto.randomUUID().replaceAll("-", "");
    const told = Promise.withResolvers<void>();
    dialled.set(id, told);
    const message = {
      ...messageFrom(user, id) as object,
      transport_type: "ussd",
      session_event: "new",
    };
    channel.publish("vumi", `${CONNECTOR}.inbound`, Buffer.from(JSON.stringify(message)));
    await told.promise;
    posts.push(await post(user, "Thank you.", false));
    // Half of the turns end with a question, and half when no more has come.
    const asks = number % 2 === 0;
    if (asks) posts.push(await post(user, "What next?", true));
    dueAt.set(user, performance.now() + (asks ? SETTLE_MS : MERGE_WINDOW_MS));
  }));
  await all.promise;
  const after = await running.usage();
  const late = users.map((user) => (shownAt.get(user) ?? NaN) - (dueAt.get(user) ?? NaN));
  const held = percentiles(posts);
  const lateness = percentiles(late);
  const cpu = 1e6 * (after.cpuSeconds - before.cpuSeconds) / count;
  say(
    `${count} turns: a POST is answered after ${held.p50.toFixed(1)} ms (99 %: ` +
      `${held.p99.toFixed(1)}), a screen is ${lateness.p50.toFixed(1)} ms late (99 %: ` +
      `${lateness.p99.toFixed(1)}); ${cpu.toFixed(0)} µs on a processor a turn`,
  );
  await connection.close();
}
