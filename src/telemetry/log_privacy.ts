// What a log line tells of people. Whoever logs writes the address of a user as the property `user`,
// and what a message says as `content`, both as they are; here the one is shortened and the other
// left out, unless an operator wants them.

import type { LogRecord } from "@logtape/logtape";

/** What log lines may show of people. */
export interface LogPrivacy {
  /** Whether users' addresses are written whole. */
  readonly addresses: boolean;
  /** Whether what messages say is written. */
  readonly content: boolean;
}

/** Ends of a number with its country, from which an operator may know it again. */
const HEAD = 5;
const TAIL = 3;

/**
 * An address that still tells users apart, most of the time, but that nobody can write to:
 * `+26612345678` becomes `+2661...678`, and shorter ones show less.
 */
export function shortenAddress(address: string): string {
  const text = address.slice(0, 1000);
  const { length } = text;
  const short = length < HEAD + 2 * TAIL;
  const head = short ? Math.floor(length / 3) : HEAD;
  const tail = short ? Math.floor(length / 5) : TAIL;
  // Not "…": one character outside Latin-1 doubles what the engine keeps, and does, for all of the line.
  return `${text.slice(0, head)}...${text.slice(length - tail)}`.toWellFormed();
}

/** The record as it may be written. Its message is made only if it is asked for. */
export function privateRecord(record: LogRecord, { addresses, content }: LogPrivacy): LogRecord {
  const { category, level, timestamp, rawMessage } = record;
  const { user, content: said, ...properties } = record.properties;
  if (user === undefined && said === undefined) return record;
  if (user !== undefined) properties.user = addresses ? user : shortenAddress(String(user));
  if (said !== undefined && content) properties.content = said;
  return {
    category,
    level,
    timestamp,
    rawMessage,
    properties,
    get message() {
      const hidden = new Map<unknown, unknown>();
      if (user !== undefined) hidden.set(user, properties.user);
      // Where the text does not name it, a value that is equal is something else: "delivered", say.
      const isNamed = said !== undefined && String(rawMessage).includes("{content}");
      if (isNamed && !content) hidden.set(said, "(content)");
      // Values stand at the odd places of a message, between its constant parts.
      return record.message.map((part, index) =>
        index % 2 === 1 && hidden.has(part) ? hidden.get(part) : part
      );
    },
  };
}
