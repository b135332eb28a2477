/**
 * What a body out of a queue says, as leniently as can be: it may be parked because it is wrong.
 *
 * @module
 */

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

/** The fields of a body; none if it can't be read. */
export function bodyOf(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {}; // It says nothing, then.
  }
}

/** Those of a user's message, "?" for what it lacks. */
export function fieldsOf(body: Uint8Array): MessageFields {
  const fields = bodyOf(body);
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
  const { event_type, delivery_status } = bodyOf(body);
  const words = event_type === "delivery_report"
    ? ["delivery report", delivery_status]
    : [event_type];
  return words.filter((word) => typeof word === "string").join(" ") || "unreadable";
}
