// The AMQP headers that this program gives messages: all their names, and how those that tell of
// parking are written and read. Names stay as they are, for messages outlive versions.

import type { Disposition } from "./mod.ts";

/** AMQP headers that we give a message. Texts of more than 1000 characters are cut. */
export type Headers = Readonly<Record<string, string | number>>;

/** Headers of a parked message: why, when, from which queue, and Turn's HTTP status. */
const PARKED_HEADERS = {
  reason: "x-parked-reason",
  at: "x-parked-at",
  from: "x-parked-from",
  status: "x-parked-status",
} as const;

/** Headers of a message that is tried again, or waits for others; see bridge/retry_headers.ts. */
export const RETRY_HEADERS = {
  attempts: "x-retry-attempts",
  firstFailure: "x-retry-first-failure",
  waits: "x-retry-waits",
  copies: "x-retry-copies",
  place: "x-retry-place",
  delay: "x-retry-delay",
  begun: "x-retry-begun",
  reason: "x-retry-reason",
  status: "x-retry-status",
  said: "x-retry-said",
} as const;

/** Headers of a copy, for what it can't have in the same way as the message that it was made of. */
export const ORIGINAL_HEADERS = {
  cc: "x-original-cc",
  bcc: "x-original-bcc",
  expiration: "x-original-expiration",
  userId: "x-original-user-id",
  clusterId: "x-original-cluster-id",
  /** A table of what RabbitMQ had noted of its moving it, before it waited in a queue of ours. */
  death: "x-original-death",
  /** What can't be encoded and was left out, with commas between. */
  lost: "x-original-lost",
  /** Why its properties can't be read, or not all of them. */
  unreadable: "x-original-unreadable",
  /** The bytes of properties that can't be read. */
  properties: "x-original-properties",
} as const;

/** Those that are no longer true of a message that begins anew; `x-moved-` is of earlier versions. */
const OF_THE_PAST = /^x-(?:parked|retry|moved)-/;

/** Longest text in a header, in characters: enough for a person, far below a frame's limit. */
const MAX_TEXT_LENGTH = 1000;

/** The dispositions that leave a copy in another queue. */
export type Copied = Extract<Disposition, { kind: "later" | "again" | "park" }>;

/** The headers that a copy of a message of `queue` has beside or over the message's own. */
export function copyHeaders(queue: string, disposition: Copied, at: Date): Headers {
  if (disposition.kind !== "park") return shortened(disposition.headers);
  const { reason, status, headers } = disposition;
  return shortened({
    ...headers,
    [PARKED_HEADERS.reason]: reason,
    [PARKED_HEADERS.at]: at.toISOString(),
    [PARKED_HEADERS.from]: queue,
    ...status === undefined ? {} : { [PARKED_HEADERS.status]: status },
  });
}

/** What the headers of a parked message tell; null where they tell nothing, or no sense. */
export interface Parking {
  /** Why a person has to see to it. */
  readonly reason: string | null;
  /** When it was parked; ISO 8601. */
  readonly at: string | null;
  /** Turn's HTTP status, if it was for that. */
  readonly status: number | null;
  /** How often Turn was called about it. */
  readonly attempts: number;
  /** When calling Turn failed first; ISO 8601. */
  readonly firstFailure: string | null;
}

/** Reads the headers of a parked message. */
export function readParking(headers: Readonly<Record<string, unknown>>): Parking {
  const { [PARKED_HEADERS.status]: status, [RETRY_HEADERS.attempts]: attempts } = headers;
  return {
    reason: textOf(headers[PARKED_HEADERS.reason]),
    at: textOf(headers[PARKED_HEADERS.at]),
    status: typeof status === "number" ? status : null,
    attempts: typeof attempts === "number" ? attempts : 0,
    firstFailure: textOf(headers[RETRY_HEADERS.firstFailure]),
  };
}

/** The headers that a message keeps when it goes back into work as if it were new. */
export function withoutPast(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_PAST.test(name)));
}

/** The headers, with texts that are too long cut. */
export function shortened(headers: Headers): Headers {
  const cut = (value: string | number) =>
    typeof value === "string" ? value.slice(0, MAX_TEXT_LENGTH) : value;
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, cut(value)]));
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
