// Tries out what the AMQP adapter will need of a server: the connection, and each right. For an
// operator, before the program runs for real.

import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { type AmqpAddress, connectFault, parseAddress, socketOptions } from "../address.ts";
import { AmqpDepths } from "../browse.ts";
import { Declarer, ExchangeTypeError } from "../declarer.ts";
import { bridgesNow, leadArguments } from "../lead.ts";
import type { AmqpBrokerOptions } from "../rabbitmq_broker.ts";
import { isAccessRefused, serverWords } from "../server_errors.ts";
import { lookAmqp } from "./dry.ts";
import { fixFor } from "./fixes.ts";
import { mayConsume, mayPublish } from "./trials.ts";
import { describeKind, type QueueKind, queueKind } from "./queue_kind.ts";
import { type Browser, delayQueue, type LeadOptions } from "../../mod.ts";
import type { Finding } from "../../../telemetry/mod.ts";

export interface AmqpCheckOptions extends AmqpBrokerOptions {
  /** Queues to be declared, bound and consumed. */
  readonly consumeQueues: readonly string[];
  /** Queues to be declared and bound: publishing is tried without leaving a message. */
  readonly publishQueues: readonly string[];
  readonly ownQueues: readonly string[];
  /** Queues of our own that show which bridge speaks for a channel, to be declared and consumed. */
  readonly leadQueues: readonly Pick<LeadOptions, "connector" | "queue">[];
  /** How long messages wait until they are tried again, in milliseconds. */
  readonly delaysMs: readonly number[];
  /** The connectors of queues, for what is said of them. */
  readonly connectors?: ReadonlyMap<string, string>;
  /** Whether nothing is to be made, not even a queue. */
  readonly isDry?: boolean;
  /** Looks for more, at the end, on the same connection. */
  readonly lookFurther?: (broker: Pick<Browser, "depth">) => Promise<readonly Finding[]>;
  readonly timeoutMs: number;
}

/**
 * Connects to each address, and by one of them declares the exchange and the queues (they stay), tries
 * the right to consume and publishes messages that no queue takes. No message is taken, not even for a
 * moment: a quorum queue counts that. Stops at the connections if there is none.
 */
export async function checkAmqp(options: AmqpCheckOptions): Promise<Finding[]> {
  const socket = new AbortController();
  const slow = new Error(`no answer within ${options.timeoutMs / 1000} seconds`);
  const timer = setTimeout(() => socket.abort(slow), options.timeoutMs);
  try {
    const addresses = options.urls.map((url) => parseAddress(url, options.tls));
    const tries = await Promise.all(addresses.map((address) => tryNode(address, socket.signal)));
    const nodes = tries.flatMap(({ node }) => node ?? []);
    const [node, ...others] = nodes;
    const findings = tries.map(({ finding }) =>
      finding.ok || node === undefined ? finding : { ...finding, ok: undefined }
    );
    for (const { close } of others) close();
    if (node !== undefined) {
      findings.push(
        ...options.isDry
          ? await lookAmqp(node.model, options)
          : await new Check(node, options, socket.signal).run(),
      );
    }
    node?.close();
    await Promise.all(nodes.map(({ ended }) => ended));
    return findings;
  } finally {
    clearTimeout(timer);
    socket.abort();
  }
}

/** A connection that is not restored. */
interface Node {
  readonly address: AmqpAddress;
  readonly model: ChannelModel;
  readonly close: () => void;
  readonly ended: Promise<void>;
}

async function tryNode(
  address: AmqpAddress,
  timeout: AbortSignal,
): Promise<{ readonly finding: Finding; readonly node?: Node }> {
  const subject = `RabbitMQ at ${address.host}`;
  try {
    const socket = socketOptions("turn-channels check", address, timeout);
    const model = await connect(address.connect, socket);
    // What it says comes with the call that fails; without a listener it would be thrown.
    model.on("error", () => {});
    const ended = new Promise<void>((resolve) => model.on("close", () => resolve()));
    // It rejects if the connection has ended by itself.
    const close = (): void => void model.close().catch(() => {});
    const { product, version } = model.connection.serverProperties;
    const detail = `${product} ${version}, virtual host ${address.vhost}`;
    return { finding: { subject, ok: true, detail }, node: { address, model, close, ended } };
  } catch (error) {
    const reason = timeout.aborted
      ? serverWords(timeout.reason)
      : await connectFault(error, address, timeout);
    return { finding: { subject, ok: false, detail: reason, ...fixFor(reason, address) } };
  }
}

/** An exchange that does not outlive a restart, or its queues. */
const LOSES_MESSAGES = /inequivalent arg '(durable|auto_delete)'/;

/** What a trial has seen, in words: that it works, or that nobody can tell. */
type Seen = string | { readonly doubt: string };

class Check {
  readonly #address: AmqpAddress;
  readonly #model: ChannelModel;
  readonly #options: AmqpCheckOptions;
  readonly #timeout: AbortSignal;
  readonly #declarer: Declarer;
  readonly #findings: Finding[] = [];
  readonly #kinds = new Map<string, QueueKind>();

  constructor({ address, model }: Node, options: AmqpCheckOptions, timeout: AbortSignal) {
    this.#address = address;
    this.#model = model;
    this.#options = options;
    this.#timeout = timeout;
    this.#declarer = new Declarer(model, options);
  }

  async run(): Promise<Finding[]> {
    const { exchange, consumeQueues, publishQueues, ownQueues, leadQueues } = this.#options;
    const fault = await this.#try(`exchange ${exchange}: declare`, async () => {
      const difference = await this.#declarer.exchange();
      if (difference === undefined) return "durable, direct";
      if (LOSES_MESSAGES.test(difference)) throw new Error(difference);
      return `exists, but differs (${difference})`;
    });
    // Nothing is done with one of another type.
    if (fault instanceof ExchangeTypeError) return this.#findings;
    for (const queue of new Set([...consumeQueues, ...publishQueues])) await this.#tryQueue(queue);
    for (const queue of new Set(ownQueues)) await this.#tryOwnQueue(queue);
    for (const { queue } of leadQueues) await this.#tryLeadQueue(queue);
    await this.#tryDelays();
    for (const queue of [...consumeQueues, ...leadQueues.map((lead) => lead.queue)]) {
      await this.#try(`queue ${queue}: consume`, (channel) => mayConsume(channel, queue), queue);
    }
    for (const { connector, queue } of leadQueues) {
      await this.#try(`channel ${connector}`, async (channel) => {
        const { consumerCount } = await channel.checkQueue(queue);
        return bridgesNow(consumerCount, this.#kinds.get(queue)?.type);
      }, queue);
    }
    for (const name of [exchange, ""]) {
      const subject = name === "" ? "default exchange" : `exchange ${name}`;
      await this.#try(`${subject}: publish`, (channel) => mayPublish(this.#model, channel, name));
    }
    const depths = new AmqpDepths({ current: this.#model });
    // One that can't be looked at is somebody's own.
    const depth = (queue: string) =>
      depths.of(queue).then((there) => there?.messageCount, () => undefined);
    this.#findings.push(...await this.#options.lookFurther?.({ depth }) ?? []);
    return this.#findings;
  }

  async #tryQueue(queue: string): Promise<void> {
    const { exchange } = this.#options;
    await this.#try(`queue ${queue}: declare`, async (channel) => {
      const isBound = await this.#declarer.queue(queue);
      try {
        const { seen, waiting } = await this.#look(channel, queue);
        if (isBound) return `${seen}, bound, ${waiting} waiting`;
        const doubt = `the user has no right to bind it: make sure that it is bound to ${exchange}`;
        return { doubt: `${seen}, ${waiting} waiting; ${doubt}` };
      } catch (error) {
        if (!isAccessRefused(error)) throw error;
        const doubt = "the user has no right to look at it or to bind it: " +
          `make sure that it exists and is bound to ${exchange}`;
        return { doubt };
      }
    }, queue);
  }

  async #tryOwnQueue(queue: string): Promise<void> {
    await this.#try(`queue ${queue}: declare`, async (channel) => {
      await this.#declarer.ownQueue(queue);
      const { seen, waiting } = await this.#look(channel, queue);
      return `${seen}, ${waiting} waiting`;
    }, queue);
  }

  async #tryLeadQueue(queue: string): Promise<void> {
    await this.#try(`queue ${queue}: declare`, async (channel) => {
      await this.#declarer.ownQueue(queue, leadArguments(this.#options.urls.length > 1));
      const { kind, seen } = await this.#look(channel, queue);
      if (kind.type !== undefined && !kind.args["x-single-active-consumer"]) {
        throw new Error("PRECONDITION_FAILED - it exists without x-single-active-consumer");
      }
      return seen;
    }, queue);
  }

  /** Tries all delay queues, as all channels share them. */
  async #tryDelays(): Promise<void> {
    const { exchange, delaysMs, consumeQueues } = this.#options;
    const delays = [...new Set(delaysMs)].sort((a, b) => a - b);
    const types = new Set<string>();
    const names = delays.map((delayMs) => delayQueue(delayMs).replace(/^.*\./, ""));
    await this.#try(`delays: ${names.join(", ")}`, async (channel) => {
      let total = 0;
      for (const delayMs of delays) {
        const name = delayQueue(delayMs);
        await this.#declarer.delay(delayMs);
        const { kind, waiting } = await this.#look(channel, name);
        total += waiting;
        types.add(kind.type ?? "of unknown type");
        // To unbind what is not bound changes nothing, and needs the same right as to publish.
        await channel.unbindExchange(name, exchange, `turn-channels.check.${crypto.randomUUID()}`);
      }
      return `${[...types].join(" and ")}, shared by all channels, ${total} waiting` +
        (types.has("classic") ? `; ${CLASSIC_LOSES}` : "");
    });
    if (!types.has("classic")) return;
    for (const queue of consumeQueues) {
      const overflow = this.#kinds.get(queue)?.args["x-overflow"];
      if (!String(overflow).startsWith("reject-publish")) continue;
      const subject = `queue ${queue}: limit`;
      this.#findings.push({ ...this.#channelOf(queue), subject, ok: undefined, ...LIMITED });
    }
  }

  async #look(channel: ConfirmChannel, queue: string) {
    const { messageCount: waiting } = await channel.checkQueue(queue);
    const kind = await queueKind(this.#model, queue);
    this.#kinds.set(queue, kind);
    return { kind, seen: describeKind(kind), waiting };
  }

  /** Does a trial on a channel of its own, as a fault ends it. Answers with what the trial has thrown. */
  async #try(
    subject: string,
    trial: (channel: ConfirmChannel) => Promise<Seen>,
    queue = "",
  ): Promise<unknown> {
    const about = { ...this.#channelOf(queue), subject };
    try {
      const channel = await this.#model.createConfirmChannel();
      channel.on("error", () => {});
      const seen = await trial(channel);
      // The server's answer to the trial may have closed it.
      await channel.close().catch(() => {});
      if (typeof seen === "string") this.#findings.push({ ...about, ok: true, detail: seen });
      else this.#add(about, undefined, seen.doubt);
      return undefined;
    } catch (error) {
      const cause: unknown = this.#timeout.aborted ? this.#timeout.reason : error;
      this.#add(about, false, serverWords(cause));
      return error;
    }
  }

  #add(about: Pick<Finding, "channel" | "subject">, ok: false | undefined, detail: string): void {
    this.#findings.push({ ...about, ok, detail, ...fixFor(detail, this.#address) });
  }

  #channelOf(queue: string): Pick<Finding, "channel"> {
    const channel = this.#options.connectors?.get(queue);
    return channel === undefined ? {} : { channel };
  }
}

/** What a classic delay queue can't do, and a quorum queue can. */
const CLASSIC_LOSES = "a message is lost if its queue refuses it after the delay: do not limit " +
  ".inbound and .event with reject-publish (also by a policy), or set amqp.queue_type to quorum";

const LIMITED = {
  detail: "it refuses messages when it is full, and a classic delay queue loses what it refuses",
  fix: "set amqp.queue_type to quorum and delete the old delay queues when they are empty, " +
    "or remove the limit",
};
