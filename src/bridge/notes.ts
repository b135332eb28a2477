/**
 * What the flows note down in the cache of messages that Turn has, and of what it was told: written
 * by the flows, read by them and by the command `find`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Status } from "../turn/mod.ts";
import type { Event } from "../vumi/mod.ts";

/** That Turn has a user's message. */
export interface DeliveredNote {
  /** Since when, in milliseconds since 1970. */
  readonly at: number;
  /** At which attempt it took it. */
  readonly attempts: number;
}

/** An event that Turn was told of. */
export interface ToldEvent {
  /** See {@linkcode eventKey}. */
  readonly id: string;
  /** What the transport said. */
  readonly event: Said;
  /** What Turn was told. */
  readonly status: Status["status"];
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** At which attempt it took it. */
  readonly attempts: number;
}

/** What an event says, in one word. */
export type Said = "ack" | "nack" | "pending" | "failed" | "delivered";

/** What Turn has been told of a message. */
export interface Told {
  /** How far the message has come; see statuses.ts. */
  readonly progress: number;
  /** By which events; the last ones. */
  readonly events: readonly ToldEvent[];
}

/** That Turn has been told nothing. */
export const NOTHING_TOLD: Told = { progress: 0, events: [] };

/** A message has an event or three; more than so many are not remembered. */
const MOST_EVENTS = 8;

/** As it is written: eight of them fit into a note whatever their ids are. */
type Row = readonly [
  ToldEvent["id"],
  ToldEvent["event"],
  ToldEvent["status"],
  ToldEvent["at"],
  ToldEvent["attempts"],
];

/** The value of the note `delivered_inbound`. */
export function formatDelivered({ at, attempts }: DeliveredNote): string {
  return JSON.stringify({ at, attempts });
}

/** Reads {@linkcode formatDelivered}; it is ours, so its form is known. */
export function readDelivered(note: string | undefined): DeliveredNote | undefined {
  return note === undefined ? undefined : JSON.parse(note);
}

/** The value of the note `told`, when Turn has been told of one more. */
export function formatTold({ progress, events }: Told): string {
  const rows = events.slice(-MOST_EVENTS)
    .map(({ id, event, status, at, attempts }): Row => [id, event, status, at, attempts]);
  return JSON.stringify({ progress, rows });
}

/** Reads {@linkcode formatTold}; it is ours, so its form is known. */
export function readTold(note: string | undefined): Told {
  if (note === undefined) return NOTHING_TOLD;
  // An earlier version of the program had no `rows`.
  const { progress, rows = [] }: { progress: number; rows?: readonly Row[] } = JSON.parse(note);
  const events = rows.map(([id, event, status, at, attempts]) => (
    { id, event, status, at, attempts }
  ));
  return { progress, events };
}

/** An event's id, short in any case. */
export function eventKey(eventId: string): string {
  if (/^[\w-]{1,64}$/.test(eventId)) return eventId;
  return createHash("sha256").update(eventId).digest("base64");
}

/** What an event says, in one word. */
export function saidBy({ event_type, delivery_status }: Event): Said {
  return event_type === "delivery_report" ? delivery_status ?? "pending" : event_type;
}
