// What the flows note down in the cache of messages that Turn has, of what it was told, and of what
// waits to be tried again: written by the flows, read by them and by the command `find`. All of it is
// ours, so it is not checked when it is read.

import { createHash } from "node:crypto";
import { MAX_NOTE_LENGTH, type Note, userKey } from "../cache/mod.ts";
import type { Flow } from "../telemetry/mod.ts";
import type { Status } from "../turn/mod.ts";

/** How long it is remembered that Turn has something, in milliseconds: 48 hours. */
export const DELIVERED_TTL_MS: number = 48 * 60 * 60_000;

/** That Turn has a user's message, or was told of an event. */
export interface DeliveredRecord {
  /** Since when, in milliseconds since 1970. */
  readonly at: number;
  /** At which attempt it took it. */
  readonly attempts: number;
}

/** An event that Turn was told of. */
export interface ToldEvent extends DeliveredRecord {
  /** See {@linkcode eventKey}. */
  readonly id: string;
  /** What the transport said. */
  readonly event: Said;
  /** What Turn was told. */
  readonly status: Status["status"];
  /** The operator's word for what the transport said, if there was one. */
  readonly word?: string;
}

/** What an event says, in one word. */
export type Said = "ack" | "nack" | "pending" | "failed" | "delivered";

/** What Turn has been told of a message. */
export interface ToldRecord {
  /** How far the message has come; see statuses.ts. */
  readonly progress: number;
  /** By which events; the last ones. */
  readonly events: readonly ToldEvent[];
}

/** That Turn has been told nothing. */
export const NOTHING_TOLD: ToldRecord = { progress: 0, events: [] };

/** What comes out of a queue. */
export type QueuedFlow = Exclude<Flow, "outbound">;

/** That a message of a user's, or an event, waits in a delay queue; the note `delayed`. */
export interface DelayedRecord {
  /** Which of both it is. */
  readonly flow: QueuedFlow;
  /** Its own id. */
  readonly id: string;
  /** For how long it waits, in milliseconds. */
  readonly delayMs: number;
  /** When it is in its queue again, in milliseconds since 1970; perhaps it was not taken yet. */
  readonly until: number;
  /** How many calls to Turn have failed; none, if it only waits behind others. */
  readonly attempts: number;
  /** When the first of them did, in milliseconds since 1970. */
  readonly firstFailureAt: number | undefined;
  /** Why it waits; nothing of what Turn said, which may quote the message. */
  readonly reason: string;
  /** The address of the user that it is about, as far as is known. */
  readonly user: string | undefined;
  /** For an event, the id of the message that it is about. */
  readonly about: string | undefined;
}

/** One of a list of what waits; there is more of it in the note `delayed`. */
export type DelayedEntry = Pick<DelayedRecord, "flow" | "id" | "until">;

/** A message has an event or three; more than so many are not remembered. */
const MOST_EVENTS = 8;

/** As it is written: eight of them fit into a note whatever their ids are, if they have no words. */
type Row = readonly [string, Said, Status["status"], at: number, attempts: number, word?: string];

/** The value of the note `delivered_inbound`. */
export function formatDelivered({ at, attempts }: DeliveredRecord): string {
  return JSON.stringify({ at, attempts });
}

/** The note that Turn has a user's message, or need not have it. */
export function deliveredNote(id: string, record: DeliveredRecord): Note {
  return { kind: "delivered_inbound", id, value: formatDelivered(record), ttlMs: DELIVERED_TTL_MS };
}

/**
 * The note that a message of Turn's is done with.
 * @param at When RabbitMQ had it, in milliseconds since 1970; 0 if it has another end.
 */
export function confirmedNote(id: string, at: number): Note {
  return { kind: "confirmed", id, value: `${at}`, ttlMs: DELIVERED_TTL_MS };
}

/** Reads {@linkcode formatDelivered}. */
export function readDelivered(note: string | undefined): DeliveredRecord | undefined {
  return note === undefined ? undefined : JSON.parse(note);
}

/** The value of the note `told`, when Turn has been told of one more. */
export function formatToldRecord({ progress, events }: ToldRecord): string {
  let rows = events.slice(-MOST_EVENTS).map(({ id, event, status, at, attempts, word }): Row => {
    const row = [id, event, status, at, attempts] as const;
    return word === undefined ? row : [...row, word];
  });
  while (JSON.stringify({ progress, rows }).length > MAX_NOTE_LENGTH) rows = rows.slice(1);
  return JSON.stringify({ progress, rows });
}

/** Reads {@linkcode formatToldRecord}. */
export function readToldRecord(note: string | undefined): ToldRecord {
  if (note === undefined) return NOTHING_TOLD;
  // An earlier version of the program had no `rows`.
  const { progress, rows = [] }: { progress: number; rows?: readonly Row[] } = JSON.parse(note);
  const events = rows.map(([id, event, status, at, attempts, word]) => (
    { id, event, status, at, attempts, ...word !== undefined && { word } }
  ));
  return { progress, events };
}

/** Where in the cache the {@linkcode DelayedRecord} of a message or event is: the id of that note. */
export function delayedNoteId(flow: QueuedFlow, id: string): string {
  return `${flow}:${id}`;
}

/** Longest text that is noted of each. */
const MOST_TEXT = 150;

/** The value of the note `delayed`; what is longer than any address or id is left out. */
export function formatDelayed(note: DelayedRecord): string {
  const short = (text: string | undefined): string | undefined =>
    text !== undefined && JSON.stringify(text).length <= MOST_TEXT ? text : undefined;
  const { id, reason, user, about } = note;
  return JSON.stringify({
    ...note,
    id: short(id) ?? "",
    reason: short(reason) ?? short(reason.slice(0, 100)) ?? "",
    user: short(user),
    about: short(about),
  });
}

/** Reads {@linkcode formatDelayed}. */
export function readDelayed(note: string | undefined): DelayedRecord | undefined {
  if (note === undefined) return undefined;
  return { firstFailureAt: undefined, user: undefined, about: undefined, ...JSON.parse(note) };
}

/** Where in the cache the list of what waits is, of a user or about a message to one. */
export function delayedListId(
  of: { readonly user: string } | { readonly about: string },
): string {
  return "user" in of ? `user:${userKey(of.user)}` : `about:${of.about}`;
}

/** So many of a user's, or about a message, are listed: the last ones. */
const MOST_LISTED = 20;

/** The value of the note `delayed_list`. */
export function formatDelayedList(entries: readonly DelayedEntry[]): string {
  let rows = entries.slice(-MOST_LISTED).map(({ flow, id, until }) => [flow, id, until] as const);
  while (JSON.stringify(rows).length > MAX_NOTE_LENGTH) rows = rows.slice(1);
  return JSON.stringify(rows);
}

/** Reads {@linkcode formatDelayedList}. */
export function readDelayedList(note: string | undefined): readonly DelayedEntry[] {
  if (note === undefined) return [];
  const rows: readonly (readonly [QueuedFlow, string, number])[] = JSON.parse(note);
  return rows.map(([flow, id, until]) => ({ flow, id, until }));
}

/** An event's id, short in any case. */
export function eventKey(eventId: string): string {
  if (/^[\w-]{1,64}$/.test(eventId)) return eventId;
  return createHash("sha256").update(eventId).digest("base64");
}
