// A channel's queues by its configuration, and what is wrong with them.

import { type BrokerStatus, delayQueue } from "../broker/mod.ts";
import type { ChannelConfig } from "../config/mod.ts";
import { queuesOf } from "../vumi/mod.ts";

type Kind = "inbound" | "event" | "outbound" | "inbound_parked" | "event_parked" | "lead" | "delay";

/** What a faulty queue means for messages; other queues are not affected. */
const MEANS: Readonly<Record<Kind, string>> = {
  inbound: "messages from users wait",
  event: "events wait, and with them the statuses for Turn",
  outbound: "messages to users may be refused, and Turn asked to try again",
  inbound_parked: "messages from users that are to be parked wait",
  event_parked: "events that are to be parked wait",
  lead: "the queues may not be consumed, as it is not known which bridge should",
  delay: "what is to be tried again later waits",
};

export function delaysMsOf({ retry_schedule }: ChannelConfig): readonly number[] {
  return retry_schedule.map((seconds) => Math.round(seconds * 1000));
}

/** A delay's name in metrics, which its queue's name ends with. */
export function delayName(delayMs: number): string {
  return delayQueue(delayMs).replace(/^.*\./, "");
}

/** What is wrong with the channel's queues, by name, for an operator. */
export function faultsOf(
  channel: ChannelConfig,
  { faults }: Pick<BrokerStatus, "faults">,
): Readonly<Record<string, string>> {
  const known = kindsOf(channel).flatMap(([queue, kind]) => {
    const reason = faults.get(queue);
    return reason === undefined ? [] : [[queue, `${MEANS[kind]}: ${reason}`] as const];
  });
  return Object.fromEntries(known);
}

/** Whether something is wrong with the channel's queues, by kind. */
export function faultyKinds(
  channel: ChannelConfig,
  { faults }: Pick<BrokerStatus, "faults">,
): ReadonlyMap<string, boolean> {
  const faulty = new Set<string>();
  for (const [queue, kind] of kindsOf(channel)) if (faults.has(queue)) faulty.add(kind);
  return new Map(Object.keys(MEANS).map((kind) => [kind, faulty.has(kind)]));
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
