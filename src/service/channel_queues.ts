/**
 * What a channel's configuration says of queues, and what is wrong with those.
 *
 * @module
 */

import { type BrokerStatus, delayQueue } from "../broker/mod.ts";
import type { ChannelConfig } from "../config/mod.ts";
import { queuesOf } from "../vumi/mod.ts";

/** What a queue is to a channel, and to metrics. */
type Kind = "inbound" | "event" | "outbound" | "inbound_parked" | "event_parked" | "lead" | "delay";

/** What it means for messages when something can't be done with a queue; all others go on. */
const MEANS: Readonly<Record<Kind, string>> = {
  inbound: "messages from users wait",
  event: "events wait, and with them the statuses for Turn",
  outbound: "messages to users may be refused, and Turn asked to come again",
  inbound_parked: "messages from users that are to be parked wait",
  event_parked: "events that are to be parked wait",
  lead: "nobody may take messages off the queues, as it is not known which bridge is to",
  delay: "what is to be tried again later waits",
};

/** How long its messages wait until they are tried again, in milliseconds, one after the other. */
export function delaysMsOf({ retry_schedule }: ChannelConfig): readonly number[] {
  return retry_schedule.map((seconds) => Math.round(seconds * 1000));
}

/** How a delay is called, for people and in metrics: the end of its queue's name. */
export function delayName(delayMs: number): string {
  return delayQueue(delayMs).replace(/^.*\./, "");
}

/** What is wrong with the queues that the channel uses, by their names, in words for an operator. */
export function faultsOf(
  channel: ChannelConfig,
  { faults }: Pick<BrokerStatus, "faults">,
): Readonly<Record<string, string>> {
  if (faults.size === 0) return {};
  const known = kindsOf(channel).flatMap(([queue, kind]) => {
    const reason = faults.get(queue);
    return reason === undefined ? [] : [[queue, `${MEANS[kind]}: ${reason}`] as const];
  });
  return Object.fromEntries(known);
}

/** By what they are to it, whether something is wrong with the queues that the channel uses. */
export function faultyKinds(
  channel: ChannelConfig,
  { faults }: Pick<BrokerStatus, "faults">,
): ReadonlyMap<string, boolean> {
  const faulty = new Map<string, boolean>(Object.keys(MEANS).map((kind) => [kind, false]));
  if (faults.size === 0) return faulty;
  for (const [queue, kind] of kindsOf(channel)) if (faults.has(queue)) faulty.set(kind, true);
  return faulty;
}

function kindsOf(channel: ChannelConfig): readonly (readonly [string, Kind])[] {
  const queues = queuesOf(channel.connector_name);
  const { inbound, event, outbound, inboundParked, eventParked, lead } = queues;
  return [
    [inbound, "inbound"],
    [event, "event"],
    [outbound, "outbound"],
    [inboundParked, "inbound_parked"],
    [eventParked, "event_parked"],
    [lead, "lead"],
    ...delaysMsOf(channel).map((delayMs) => [delayQueue(delayMs), "delay"] as const),
  ];
}
