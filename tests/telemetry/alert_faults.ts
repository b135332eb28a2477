/**
 * The fault that each alert is for, made in a running bridge of its own.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { connect } from "amqplib";
import { TestBridge } from "../support/bridge.ts";
import { freePort } from "../support/free_port.ts";
import { Program, type Running } from "../support/program.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { StuckClients } from "../support/stuck_clients.ts";
import { StuckOutput } from "../support/stuck_output.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";

/** A bridge, and what can be done to it. */
export interface Fault {
  /** Where its metrics are. */
  readonly address: string;
  /** Begins the fault, and goes on with it until `over`. */
  provoke(over: AbortSignal): Promise<void>;
}

/** Makes a bridge that is well; `parts` ends it. */
export type MakeFault = (parts: AsyncDisposableStack) => Promise<Fault>;

/** By the alerts that they are to raise. */
export const FAULTS: Readonly<Record<string, MakeFault>> = {
  TurnRefusesToken: async (parts) => {
    // Turn knows another one: nothing is called yet.
    const bridge = await start(parts, { "auth-token": "revoked" });
    return { address: bridge.service.address, provoke: () => bridge.transport.sendInbound() };
  },

  TurnDown: async (parts) => {
    const bridge = await start(parts);
    return {
      address: bridge.service.address,
      async provoke() {
        bridge.turn.answer = () => new Response(null, { status: 503 });
        await sendUsers(bridge, 12);
      },
    };
  },

  TurnSilent: async (parts) => {
    const bridge = await start(parts);
    const before = new AbortController();
    const usual = converse(bridge, 300, () => [], before.signal);
    const users = async (over: AbortSignal): Promise<void> => {
      while (!over.aborted) {
        await bridge.transport.sendInbound({ message_id: crypto.randomUUID() });
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    };
    const writing = users(before.signal);
    parts.defer(() => endOf(before, usual, writing));
    return {
      address: bridge.service.address,
      async provoke(over) {
        // The day before, on the scale of the test.
        await new Promise((resolve) => setTimeout(resolve, 25_000));
        await endOf(before, usual, writing);
        await users(over);
      },
    };
  },

  TurnLimitsUs: async (parts) => {
    const bridge = await start(parts);
    return {
      address: bridge.service.address,
      async provoke() {
        const headers = { "Retry-After": "60" };
        bridge.turn.answer = () => new Response(null, { status: 429, headers });
        await sendUsers(bridge, 5);
      },
    };
  },

  QueueStalled: async (parts) => {
    const bridge = await start(parts, {
      "worker-concurrency": "1",
      "mo-message-url-timeout": "60",
    });
    return {
      address: bridge.service.address,
      async provoke() {
        bridge.turn.answer = () => "hang";
        await sendUsers(bridge, 5);
      },
    };
  },

  NobodySpeaks: async (parts) => {
    const bridge = await start(parts);
    return {
      address: bridge.service.address,
      provoke: () => takePlaceOf(parts, `${bridge.connector}.lead`),
    };
  },

  QueueFaulty: async (parts) => {
    const bridge = await start(parts);
    return {
      address: bridge.service.address,
      async provoke() {
        await takePlaceOf(parts, `${bridge.connector}.inbound.parked`);
        await bridge.transport.publish("inbound", "not a message");
      },
    };
  },

  MessagesParked: async (parts) => {
    const bridge = await start(parts);
    return {
      address: bridge.service.address,
      provoke: () => bridge.transport.publish("inbound", "not a message"),
    };
  },

  TransportSilent: async (parts) => {
    const bridge = await start(parts);
    return {
      address: bridge.service.address,
      provoke: (over) => converse(bridge, 300, () => [], over),
    };
  },

  SmsUnacked: async (parts) => {
    const bridge = await start(parts, { "sms-unacked-after": "0.5" });
    const ack = { event_type: "ack", sent_message_id: "1" };
    let nth = 0;
    return {
      address: bridge.service.address,
      provoke: (over) => converse(bridge, 300, () => nth++ % 2 === 0 ? [ack] : [], over),
    };
  },

  DeliveryRateFell: async (parts) => {
    const bridge = await start(parts);
    const before = new AbortController();
    const ack = { event_type: "ack", sent_message_id: "1" };
    const report = { event_type: "delivery_report", delivery_status: "delivered" };
    const usual = converse(bridge, 200, () => [ack, report], before.signal);
    parts.defer(() => endOf(before, usual));
    return {
      address: bridge.service.address,
      async provoke(over) {
        // So long that it is usual, on the scale of the test.
        await new Promise((resolve) => setTimeout(resolve, 12_000));
        await endOf(before, usual);
        await converse(bridge, 200, () => [ack], over);
      },
    };
  },

  AnswersTooLate: async (parts) => {
    const bridge = await start(parts, { "transport-type": "ussd" });
    const turn = { type: "text", text: { body: "Your answer?" } };
    return {
      address: bridge.service.address,
      async provoke(over) {
        const user = "+26612345678";
        // A hang-up: nobody waits for an answer.
        const hangUp = {
          transport_type: "ussd",
          session_event: "close",
          content: null,
          from_addr: user,
        };
        await bridge.transport.sendInbound(hangUp);
        await bridge.counted('turn_channels_messages_total{flow="inbound",result="skipped"} 1');
        while (!over.aborted) {
          await bridge.send({ to: user, turn });
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      },
    };
  },

  BrokerAway: async (parts) => {
    const url = new URL(amqpUrl());
    const proxy = parts.use(
      TcpProxy.start({ hostname: url.hostname, port: Number(url.port || 5672) }),
    );
    url.host = `127.0.0.1:${proxy.port}`;
    const bridge = await start(parts, { "amqp-url": url.href });
    return {
      address: bridge.service.address,
      async provoke() {
        await proxy.refuse();
        proxy.cut();
      },
    };
  },

  CacheFails: async (parts) => {
    const folder = await Deno.makeTempDir();
    parts.defer(() => Deno.remove(folder, { recursive: true }));
    const path = `${folder}/cache.sqlite3`;
    const bridge = await start(parts, {
      "message-cache-class": "DenoKvMessageCache",
      "message-cache-config-path": path,
    });
    return {
      address: bridge.service.address,
      async provoke() {
        // Fails each write, as a full disk would. The table stays: Deno looks into it once a minute
        // for what has expired, and panics without it.
        const database = parts.use(new DatabaseSync(path));
        database.exec(
          "create trigger fails before insert on kv begin select raise(abort, 'full'); end",
        );
        await bridge.transport.sendInbound();
      },
    };
  },

  DescriptorsShort: async (parts) => {
    // Some 30 for itself, and 64 that are to be left.
    const { args, address } = programOf();
    parts.use(await Program.fromSource().limited(120).start(args));
    const clients = parts.use(new StuckClients());
    return { address, provoke: () => clients.connect(address, 40, "") };
  },

  LogStalled: async (parts) => {
    const { args, address } = programOf();
    const output = parts.use(new StuckOutput(Program.fromSource(), args, "pipe"));
    await until("a start", () => fetch(`${address}/livez`).then(isOk, () => false));
    return {
      address,
      async provoke(over) {
        // Each is a line of the log.
        while (!over.aborted) {
          Deno.kill(await output.pid(), "SIGHUP");
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      },
    };
  },

  BridgeRestarts: async (parts) => {
    const { args, address } = programOf();
    let running: Running = await Program.fromSource().start(args);
    parts.defer(() => running[Symbol.asyncDispose]());
    return {
      address,
      async provoke(over) {
        while (!over.aborted) {
          await running.stop("SIGKILL");
          running = await Program.fromSource().start(args);
          // Until Prometheus has seen it.
          await new Promise((resolve) => setTimeout(resolve, 1_500));
        }
      },
    };
  },
};

async function isOk(answer: Response): Promise<boolean> {
  await answer.body?.cancel();
  return answer.ok;
}

/** How to start a bridge that needs no broker. */
function programOf(): { readonly args: readonly string[]; readonly address: string } {
  const bind = `127.0.0.1:${freePort()}`;
  const args = [
    `--connector-name=test-${crypto.randomUUID()}`,
    `--http-bind=${bind}`,
    "--turn-api-url=http://127.0.0.1:9",
    "--auth-token=token",
    "--turn-hmac-secret=secret",
    "--default-from-addr=8110",
    "--amqp-url=memory:",
  ];
  return { args, address: `http://${bind}` };
}

/** A bridge through which all goes as it should, until it is disposed. */
export async function healthyBridge(parts: AsyncDisposableStack): Promise<string> {
  const bridge = await start(parts);
  const over = new AbortController();
  const events = [
    { event_type: "ack", sent_message_id: "1" },
    { event_type: "delivery_report", delivery_status: "delivered" },
  ];
  const conversation = converse(bridge, 300, () => events, over.signal);
  parts.defer(async () => {
    over.abort();
    await conversation;
  });
  return bridge.service.address;
}

async function start(
  parts: AsyncDisposableStack,
  flags: Record<string, string> = {},
): Promise<TestBridge> {
  const bridge = parts.use(await TestBridge.start(flags));
  // What waits for Turn is left first: nothing else would end its timers.
  parts.defer(() => bridge.stop());
  return bridge;
}

/** Somebody else's own queue stands in the place of ours. */
async function takePlaceOf(parts: AsyncDisposableStack, queue: string): Promise<void> {
  const model = await connect(amqpUrl());
  parts.defer(() => model.close());
  for (;;) {
    const channel = await model.createChannel();
    channel.on("error", () => {});
    await channel.deleteQueue(queue);
    const mine = { exclusive: true, arguments: { "x-queue-type": "classic" } };
    // The bridge may have made it again meanwhile.
    if (await channel.assertQueue(queue, mine).catch(() => undefined)) return;
  }
}

async function sendUsers(bridge: TestBridge, count: number): Promise<void> {
  for (let user = 1; user <= count; user++) {
    await bridge.transport.sendInbound({ from_addr: `+2661234567${user}` });
  }
}

/** Ends what was usual before the fault; also if the test has failed meanwhile, which is then what is told. */
async function endOf(before: AbortController, ...work: readonly Promise<void>[]): Promise<void> {
  before.abort();
  await Promise.all(work);
}

/** Sends a message every so often, and of each the events that `eventsOf` says. */
async function converse(
  bridge: TestBridge,
  everyMs: number,
  eventsOf: () => readonly Record<string, unknown>[],
  over: AbortSignal,
): Promise<void> {
  const turn = { type: "text", text: { body: "Hello world!" } };
  while (!over.aborted) {
    const { status, body } = await bridge.send({ to: "+26612345678", turn });
    // RabbitMQ may be too busy, with what other faults make of it.
    for (const event of status === 200 ? eventsOf() : []) {
      await bridge.transport.sendEvent({ ...event, user_message_id: body.messages[0].id });
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
