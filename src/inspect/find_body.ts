/**
 * What a body out of a queue says, as leniently as can be: it may be parked because it is wrong.
 *
 * @module
 */

import { parseFields } from "../async/mod.ts";

/** What is told of a message whose body alone is at hand. */
export interface MessageFields {
  /** vumi's form. */
  readonly timestamp: string;
  /** The user. */
  readonly from_addr: string;
  /** Where the user wrote to. */
  readonly to_addr: string;
  /** The transport. */
  readonly transport_name: string;
  /** Its kind. */
  readonly transport_type: string;
}

/** The fields of a user's message, "?" for what it lacks. */
export function fieldsOf(body: Uint8Array): MessageFields {
  const fields = parseFields(body);
  const text = (name: string): string => {
    const value = fields[name];
    return typeof value === "string" ? value : "?";
  };
  return {
    timestamp: text("timestamp"),
    from_addr: text("from_addr"),
    to_addr: text("to_addr"),
    transport_name: text("transport_name"),
    transport_type: text("transport_type"),
  };
}

/** What an event's body says of its message. */
export function eventWords(body: Uint8Array): string {
  const { event_type, delivery_status } = parseFields(body);
  const words = event_type === "delivery_report"
    ? ["delivery report", delivery_status]
    : [event_type];
  return words.filter((word) => typeof word === "string").join(" ") || "unreadable";
}
