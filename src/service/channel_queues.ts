// A channel's queues by its configuration, and what is wrong with them.

import { type BrokerStatus, delayQueue } from "../broker/mod.ts";
import type { ChannelConfig } from "../config/mod.ts";
import { type ConnectorQueues, queuesOf } from "../vumi/mod.ts";

/** What a faulty queue means for messages, by its kind; other queues are not affected. */
const MEANS: Readonly<Record<string, string>> = {
  inbound: "messages from users wait",
  event: "events wait, and with them the statuses for Turn",
  held: "messages to users of USSD wait, or are refused, and Turn asked to try again",
  heldSms:
    "SMS that are to be sent again, or at a rate, wait, or are refused, and Turn asked to try again",
  heldParked: "held messages that are to be parked wait",
  outbound: "messages to users may be refused, and Turn asked to try again",
  inboundParked: "messages from users that are to be parked wait",
  eventParked: "events that are to be parked wait",
  lead: "the queues may not be consumed, as it is not known which bridge should",
  delay: "what is to be tried again later waits",
} satisfies Record<keyof ConnectorQueues | "delay", string>;

export function delaysMsOf({ retry_schedule }: ChannelConfig): readonly number[] {
  return retry_schedule.map((seconds) => Math.round(seconds * 1000));
}

/** What is wrong with the channel's queues, by name, for an operator. */
export function faultsOf(
  channel: ChannelConfig,
  { faults }: Pick<BrokerStatus, "faults">,
): Readonly<Record<string, string>> {
  const faulty = kindsOf(channel).filter(([queue]) => faults.has(queue));
  const known = faulty.map(([queue, kind]) => [queue, `${MEANS[kind]}: ${faults.get(queue)}`]);
  return Object.fromEntries(known);
}

/** Whether something is wrong with the channel's queues, by kind as metrics have it. */
export function faultyKinds(
  channel: ChannelConfig,
  { faults }: Pick<BrokerStatus, "faults">,
): ReadonlyMap<string, boolean> {
  const faulty = new Set<string>();
  for (const [queue, kind] of kindsOf(channel)) if (faults.has(queue)) faulty.add(kind);
  const label = (kind: string): string =>
    kind.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return new Map(Object.keys(MEANS).map((kind) => [label(kind), faulty.has(kind)]));
}

function kindsOf(channel: ChannelConfig): readonly (readonly [queue: string, kind: string])[] {
  const own = Object.entries({ ...queuesOf(channel.connector_name) });
  return [
    ...own.map(([kind, queue]) => [queue, kind] as const),
    ...delaysMsOf(channel).map((delayMs) => [delayQueue(delayMs), "delay"] as const),
  ];
}
