/**
 * Tries out what the AMQP adapter will need of a server: the connection, and each right. For an
 * operator, before the program runs for real.
 *
 * @module
 */

import type { ChannelModel, ConfirmChannel } from "amqplib";
import { type AmqpAddress, type AmqpTls, connectFault, parseAddress } from "../address.ts";
import { Declarer, ExchangeTypeError, isAccessRefused, type QueueType } from "../declarer.ts";
import { bridgesNow, LEAD_ARGUMENTS } from "../lead.ts";
import { serverWords } from "../server_errors.ts";
import { fixFor } from "./fixes.ts";
import { describeKind, type QueueKind, queueKind } from "./queue_kind.ts";
import { connectOnce, type SingleConnection } from "./single_connection.ts";
import { asAskedFor, mayConsume, mayPublish } from "./trials.ts";
import { type Browser, delayQueue, type LeadOptions } from "../../mod.ts";
import type { Finding } from "../../../telemetry/mod.ts";

export interface AmqpCheckOptions {
  /** The addresses of a server, or of the nodes of a cluster. */
  readonly urls: readonly string[];
  readonly tls?: AmqpTls;
  readonly exchange: string;
  /** The type of queues of our own; the virtual host's, unless given. */
  readonly queueType?: QueueType | undefined;
  /** Queues to be declared, bound and consumed. */
  readonly consumeQueues: readonly string[];
  /** Queues to be declared and bound: publishing is tried without leaving a message. */
  readonly publishQueues: readonly string[];
  /** Queues of our own, which are declared. */
  readonly ownQueues: readonly string[];
  /** Queues of our own that show which bridge speaks for a channel, to be declared and consumed. */
  readonly leadQueues: readonly Pick<LeadOptions, "connector" | "queue">[];
  /** How long messages wait until they are tried again, in milliseconds. */
  readonly delaysMs: readonly number[];
  /** Looks for more, at the end, on the same connection. */
  readonly lookFurther?: (broker: Pick<Browser, "depth">) => Promise<readonly Finding[]>;
  /** Time for all together, in milliseconds. */
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
    const [node, ...others] = tries.flatMap(({ node }) => node ?? []);
    const findings = tries.map(({ finding }) =>
      finding.ok || node === undefined ? finding : { ...finding, ok: undefined }
    );
    for (const { close } of others) close();
    if (node !== undefined) findings.push(...await new Check(node, socket.signal).run(options));
    await Promise.all(others.map(({ ended }) => ended));
    return findings;
  } finally {
    clearTimeout(timer);
    socket.abort();
  }
}

interface Node extends SingleConnection {
  readonly address: AmqpAddress;
}

async function tryNode(
  address: AmqpAddress,
  timeout: AbortSignal,
): Promise<{ readonly finding: Finding; readonly node?: Node }> {
  const subject = `RabbitMQ at ${address.host}`;
  try {
    const connection = await connectOnce("turn-channels check", address, timeout);
    const { product, version } = connection.model.connection.serverProperties;
    const detail = `${product} ${version}, virtual host ${address.vhost}`;
    return { finding: { subject, ok: true, detail }, node: { ...connection, address } };
  } catch (error) {
    const reason = timeout.aborted
      ? serverWords(timeout.reason)
      : await connectFault(error, address, timeout);
    return { finding: { subject, ok: false, detail: reason, ...fixFor(reason, address) } };
  }
}

/** What a trial has seen: that it works, or in words what nobody can tell. */
type Seen = string | { readonly doubt: string };

class Check {
  readonly #node: Node;
  readonly #model: ChannelModel;
  readonly #timeout: AbortSignal;
  readonly #findings: Finding[] = [];
  /** Of the queues of vumi's. */
  readonly #kinds = new Map<string, QueueKind>();

  constructor(node: Node, timeout: AbortSignal) {
    this.#node = node;
    this.#model = node.model;
    this.#timeout = timeout;
  }

  async run(options: AmqpCheckOptions): Promise<Finding[]> {
    const { exchange, consumeQueues, publishQueues, ownQueues, leadQueues, queueType } = options;
    const declarer = new Declarer(this.#model, queueType);
    // Nothing is done with an exchange of another type.
    if (await this.#tryExchange(declarer, exchange)) {
      for (const queue of new Set([...consumeQueues, ...publishQueues])) {
        await this.#tryQueue(declarer, exchange, queue);
      }
      for (const queue of new Set(ownQueues)) await this.#tryOwnQueue(declarer, queue);
      for (const { queue } of leadQueues) await this.#tryLeadQueue(declarer, queue);
      await this.#tryDelays(declarer, options);
      for (const queue of [...consumeQueues, ...leadQueues.map((lead) => lead.queue)]) {
        await this.#try(`queue ${queue}: consume`, (channel) => mayConsume(channel, queue));
      }
      for (const { connector, queue } of leadQueues) {
        await this.#try(`channel ${connector}`, async (channel) => {
          const { consumerCount } = await channel.checkQueue(queue);
          return bridgesNow(consumerCount, this.#kinds.get(queue)?.type);
        });
      }
      for (const name of [exchange, ""]) {
        const subject = name === "" ? "default exchange" : `exchange ${name}`;
        await this.#try(`${subject}: publish`, (channel) => mayPublish(this.#model, channel, name));
      }
      const depth = (queue: string) => this.#depth(queue);
      this.#findings.push(...await options.lookFurther?.({ depth }) ?? []);
    }
    this.#node.close();
    await this.#node.ended;
    return this.#findings;
  }

  /** Answers whether there may be one of vumi's type. */
  async #tryExchange(declarer: Declarer, exchange: string): Promise<boolean> {
    let isDirect = true;
    await this.#try(`exchange ${exchange}: declare`, async (channel) => {
      await declarer.exchange(exchange).catch((error) => {
        if (error instanceof ExchangeTypeError) isDirect = false;
        throw error;
      });
      const asked = channel.assertExchange(exchange, "direct", { durable: true });
      return await asAskedFor(asked, "durable, direct");
    });
    return isDirect;
  }

  async #tryQueue(declarer: Declarer, exchange: string, queue: string): Promise<void> {
    await this.#try(`queue ${queue}: declare`, async (channel) => {
      const binding = await declarer.queue(exchange, queue);
      try {
        const { messageCount } = await channel.checkQueue(queue);
        const kind = await queueKind(this.#model, queue);
        this.#kinds.set(queue, kind);
        const seen = describeKind(kind);
        if (binding === "bound") return `${seen}, bound, ${messageCount} waiting`;
        return { doubt: `${seen}, ${messageCount} waiting; no right to bind it: taken as bound` };
      } catch (error) {
        if (!isAccessRefused(error)) throw error;
        return { doubt: "no right to look at it, nor to bind it: taken as there, and bound" };
      }
    });
  }

  async #tryOwnQueue(declarer: Declarer, queue: string): Promise<void> {
    await this.#try(`queue ${queue}: declare`, async (channel) => {
      await declarer.ownQueue(queue);
      const { messageCount } = await channel.checkQueue(queue);
      return `${describeKind(await queueKind(this.#model, queue))}, ${messageCount} waiting`;
    });
  }

  async #tryLeadQueue(declarer: Declarer, queue: string): Promise<void> {
    await this.#try(`queue ${queue}: declare`, async () => {
      await declarer.ownQueue(queue, LEAD_ARGUMENTS);
      const kind = await queueKind(this.#model, queue);
      this.#kinds.set(queue, kind);
      if (kind.type !== undefined && !kind.args["x-single-active-consumer"]) {
        throw new Error("PRECONDITION_FAILED - it is there without x-single-active-consumer");
      }
      return describeKind(kind);
    });
  }

  /** All of them, as they are shared by all channels. */
  async #tryDelays(
    declarer: Declarer,
    { exchange, delaysMs, consumeQueues }: AmqpCheckOptions,
  ): Promise<void> {
    const delays = [...new Set(delaysMs)].sort((a, b) => a - b);
    const types = new Set<string | undefined>();
    const names = delays.map((delayMs) => delayQueue(delayMs).replace(/^.*\./, ""));
    await this.#try(`delays: ${names.join(", ")}`, async (channel) => {
      let waiting = 0;
      for (const delayMs of delays) {
        const name = delayQueue(delayMs);
        await declarer.delay(delayMs);
        waiting += (await channel.checkQueue(name)).messageCount;
        types.add((await queueKind(this.#model, name)).type);
        // To unbind what is not bound changes nothing, and needs the same right as to publish.
        await channel.unbindExchange(name, exchange, `turn-channels.check.${crypto.randomUUID()}`);
      }
      const type = [...types].map((one) => one ?? "of a type that is not known").join(" and ");
      return `${type}, shared by all channels, ${waiting} waiting` +
        (types.has("classic") ? `; ${CLASSIC_LOSES}` : "");
    });
    if (!types.has("classic")) return;
    for (const queue of consumeQueues) {
      const overflow = this.#kinds.get(queue)?.args["x-overflow"];
      if (!String(overflow).startsWith("reject-publish")) continue;
      this.#findings.push({
        subject: `queue ${queue}: limit`,
        ok: undefined,
        detail:
          "it refuses messages when it is full, and a classic delay queue loses what it refuses",
        fix:
          "have the delay queues made as quorum queues (amqp.queue_type; delete the old ones when " +
          "they are empty), or take the limit off",
      });
    }
  }

  async #depth(queue: string): Promise<number | undefined> {
    const channel = await this.#model.createChannel();
    channel.on("error", () => {});
    try {
      const { messageCount } = await channel.checkQueue(queue);
      await channel.close();
      return messageCount;
    } catch {
      return undefined; // It is not there, or somebody's own.
    }
  }

  /** Each trial has a channel of its own, since the server answers a fault by closing it. */
  async #try(
    subject: string,
    trial: (channel: ConfirmChannel) => Promise<Seen>,
  ): Promise<void> {
    try {
      const channel = await this.#model.createConfirmChannel();
      channel.on("error", () => {});
      const seen = await trial(channel);
      const isSure = typeof seen === "string";
      const detail = isSure ? seen : seen.doubt;
      // The server's answer to the trial may have closed it.
      await channel.close().catch(() => {});
      const fix = isSure ? {} : fixFor(detail, this.#node.address);
      this.#findings.push({ subject, ok: isSure ? true : undefined, detail, ...fix });
    } catch (error) {
      const cause: unknown = this.#timeout.aborted ? this.#timeout.reason : error;
      const detail = serverWords(cause);
      this.#findings.push({ subject, ok: false, detail, ...fixFor(detail, this.#node.address) });
    }
  }
}

/** What a classic delay queue can't do, and a quorum queue can. */
const CLASSIC_LOSES = "what comes back to a queue that refuses it then is lost: do not limit " +
  ".inbound and .event with reject-publish, by a policy either, or have amqp.queue_type quorum";
