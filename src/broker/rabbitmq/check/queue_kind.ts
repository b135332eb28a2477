// What a queue of RabbitMQ is like: its type and arguments. AMQP has no question for that; but who
// declares a queue otherwise than it is, is told one difference. So it is declared with a type that
// there is none of, which makes no queue, and again with what was learnt, until all is.

import type { Channel as AmqpChannel, ChannelModel } from "amqplib";
import { serverWords } from "../server_errors.ts";

export interface QueueKind {
  /** `classic`, `quorum`, `stream`; undefined if the server does not tell. */
  readonly type: string | undefined;
  /** Its other arguments, as far as they are known; not those of a policy. */
  readonly args: Readonly<Record<string, string | number | boolean>>;
  /** Why no more is known, in the server's words. */
  readonly why?: string;
}

const NO_TYPE = "turn-channels-asks";

const MOST_QUESTIONS = 20;

const DIFFERENCE =
  /inequivalent arg '([\w-]+)' for queue .* but current is (?:none|the value '(.*)' of type '(\w+)'|'(.*)')$/s;

/**
 * Asks on channels of `model`, which it ends, about a durable queue that is there.
 * @throws {Error} If it is not durable, or nobody else's business: what others of us would meet too.
 */
export async function queueKind(model: ChannelModel, queue: string): Promise<QueueKind> {
  const args: Record<string, string | number | boolean> = {};
  for (let question = 0; question < MOST_QUESTIONS; question++) {
    const words = await ask(model, queue, args);
    const [, name = "", value, type, plain] = DIFFERENCE.exec(words) ?? [];
    if (name === "x-queue-type") {
      // Before 4.0 a classic queue may have been declared without a type.
      return { type: value ?? plain ?? "classic", args };
    }
    if (!name.startsWith("x-") || name in args) {
      if (/inequivalent arg '(durable|auto_delete|exclusive)'/.test(words)) throw new Error(words);
      return { type: undefined, args, why: words };
    }
    args[name] = valueOf(value ?? plain ?? "", type);
  }
  return { type: undefined, args };
}

export function describeKind({ type, args, why }: QueueKind): string {
  const others = Object.entries(args).map(([name, value]) => `${name} ${value}`);
  const what = type ?? `exists, type unknown (${why ?? "RabbitMQ does not say"})`;
  return others.length === 0 ? what : `${what} with ${others.join(", ")}`;
}

/** Declares the queue with a type that there is none of. The server's words of refusal. */
async function ask(
  model: ChannelModel,
  queue: string,
  args: QueueKind["args"],
): Promise<string> {
  const channel: AmqpChannel = await model.createChannel();
  channel.on("error", () => {});
  try {
    const asked = { ...args, "x-queue-type": NO_TYPE };
    await channel.assertQueue(queue, { durable: true, arguments: asked });
    await channel.close();
    return "";
  } catch (error) {
    return serverWords(error);
  }
}

function valueOf(text: string, type: string | undefined): string | number | boolean {
  if (type === "bool") return text === "true";
  return type === undefined || type === "longstr" ? text : Number(text);
}
