/**
 * Reads the body of a parked message leniently: it may be parked because it is malformed.
 *
 * @module
 */

/** The fields of a user's message that a story has. */
export interface MessageFields {
  readonly timestamp: string;
  readonly from_addr: string;
  readonly to_addr: string;
  readonly transport_name: string;
  readonly transport_type: string;
}

/** The fields of a body; none if it can't be read. */
export function bodyOf(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** "?" stands for a missing field. */
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

/** An event in a few words. */
export function eventWords(body: Uint8Array): string {
  const { event_type, delivery_status } = bodyOf(body);
  const words = event_type === "delivery_report"
    ? ["delivery report", delivery_status]
    : [event_type];
  return words.filter((word) => typeof word === "string").join(" ") || "unreadable";
}
