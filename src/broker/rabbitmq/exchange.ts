/**
 * vumi's exchange, what is bound to it, and what we may not see of it. What an operator has made is taken as it is, but for an
 * exchange of another type: a fanout one would bring users our own messages' copies as theirs. AMQP
 * tells the type of an exchange to nobody but who declares it as of another.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Channel } from "amqplib";
import { codeOf } from "./session.ts";

const log = getLogger(["turn-channels", "broker"]);

/** AMQP's replies to who has no right, and to who wants what is not there, or is there otherwise. */
const ACCESS_REFUSED = 403;
const NOT_FOUND = 404;
const PRECONDITION_FAILED = 406;

/** Does something on a channel that is used for nothing else meanwhile; a fault ends the channel. */
export type OnChannel = (work: (channel: Channel) => Promise<unknown>) => Promise<unknown>;

/** The exchange is of another type than vumi's; the message says what to do. */
export class ExchangeTypeError extends Error {
  /** Tells it from other errors in a log. */
  override readonly name = "ExchangeTypeError";
}

/**
 * Sees to it that there is an exchange: a durable direct one, as vumi's workers have it. One that is
 * there with other arguments, or that we have no right to declare, will do.
 *
 * @throws {ExchangeTypeError} If there is one of another type.
 */
export async function declareExchange(on: OnChannel, name: string): Promise<void> {
  try {
    await on((channel) => channel.assertExchange(name, "direct", { durable: true }));
  } catch (error) {
    const type = otherType(error);
    if (type !== undefined) {
      const text = `exchange ${name} is of type ${type}; vumi's is direct: delete it ` +
        `(rabbitmqadmin delete exchange name=${name}), and it is made anew, or use another vhost`;
      throw new ExchangeTypeError(text, { cause: error });
    }
    if (codeOf(error) === PRECONDITION_FAILED) return;
    if (!isAccessRefused(error)) throw error;
    // What is refused may be to make one, or to have another look at one that is there.
    await on((channel) => channel.checkExchange(name)).catch(() => Promise.reject(error));
  }
}

function otherType(error: unknown): string | undefined {
  if (codeOf(error) !== PRECONDITION_FAILED || !(error instanceof Error)) return undefined;
  return /inequivalent arg 'type' .* but current is '?([^'"\s]+)/.exec(error.message)?.[1];
}

/**
 * Whether there is what is looked for. That it is there is also what is taken of a queue that we may
 * not look at, as from RabbitMQ 4 on who has no right at all to it: if it is not, publishing will tell.
 */
export async function isThere(
  on: OnChannel,
  look: (channel: Channel) => Promise<unknown>,
): Promise<boolean> {
  try {
    await on(look);
    return true;
  } catch (error) {
    if (isAccessRefused(error)) return true;
    if (codeOf(error) !== NOT_FOUND) throw error;
    return false;
  }
}

/** Whether the server says that we have no right to something. */
export function isAccessRefused(error: unknown): boolean {
  return codeOf(error) === ACCESS_REFUSED;
}

/** What was told of queues that may not be bound by us: once for each in the life of the program. */
const told = new Set<string>();

/**
 * Binds a queue to the exchange by its name. Without the right to do so it counts as bound, which is
 * told once, and answered: if it is not, publishing will tell.
 */
export async function bindQueue(
  on: OnChannel,
  exchange: string,
  queue: string,
): Promise<"bound" | "taken as bound"> {
  try {
    await on((channel) => channel.bindQueue(queue, exchange, queue));
    return "bound";
  } catch (error) {
    if (!isAccessRefused(error)) throw error;
    const binding = JSON.stringify([exchange, queue]);
    if (!told.has(binding)) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn("Cannot bind {queue} to {exchange}: no right; taken as bound ({reason})", {
        queue,
        exchange,
        reason,
      });
    }
    told.add(binding);
    return "taken as bound";
  }
}
