/**
 * The users of the benchmark, and what is said to and by them: of the sizes that people write.
 *
 * @module
 */

const TEXT = "Welcome back! What would you like to do?\n1. Find a clinic\n2. Talk to us\n3. Stop";

/** The address of user `number`. */
export function addressOf(number: number): string {
  return `+2782${String(number).padStart(7, "0")}`;
}

/** The body of a request of Turn's, in the size and with the keys of real ones. */
export function messageTo(address: string, number: number): unknown {
  return {
    to: address,
    turn: { type: "text", text: { body: `${TEXT} (${number})` } },
    waiting_for_user_input: true,
  };
}

/** Now, in the form of vumi's timestamps: what is old is looked at twice. */
function timestamp(): string {
  return `${new Date().toISOString().slice(0, 23).replace("T", " ")}000`;
}

/** A vumi message from a user, as a transport publishes it. */
export function messageFrom(address: string, id: string): unknown {
  return {
    message_id: id,
    to_addr: "8110",
    from_addr: address,
    transport_name: "smpp_transport",
    // A USSD message takes one answer only.
    transport_type: "sms",
    message_type: "user_message",
    message_version: "20110921",
    timestamp: timestamp(),
    in_reply_to: null,
    provider: "vodacom",
    group: null,
    session_event: "resume",
    content: "2",
    routing_metadata: {},
    helper_metadata: {},
    transport_metadata: { session_id: id },
    to_addr_type: null,
    from_addr_type: "msisdn",
  };
}

/** A vumi event: the message `id` was taken by the provider. */
export function eventAbout(id: string): unknown {
  return {
    event_id: crypto.randomUUID().replaceAll("-", ""),
    user_message_id: id,
    event_type: "ack",
    sent_message_id: `provider-${id}`,
    nack_reason: null,
    delivery_status: null,
    message_type: "event",
    message_version: "20110921",
    timestamp: timestamp(),
    routing_metadata: {},
    helper_metadata: {},
    transport_metadata: {},
  };
}
