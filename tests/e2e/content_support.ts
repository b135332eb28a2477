/**
 * A conversation of a user with Turn, of messages of all types.
 *
 * @module
 */

import { formatTimestamp } from "../../src/vumi/mod.ts";
import { TestBridge } from "../support/bridge.ts";
import { TEMPLATES } from "../support/turn_messages.ts";
import { until } from "../support/until.ts";

/** Who writes. */
export const USER = "+27820001111";

/** Both sides of a bridge. */
type Sides = Pick<TestBridge, "turn" | "transport">;

/** Starts a bridge with words for templates. */
export async function start(flags: Record<string, string> = {}): Promise<TestBridge> {
  return await TestBridge.start({ templates: TEMPLATES, ...flags });
}

/** Turn asks for a message; answers what it is told. */
export function ask(bridge: TestBridge, turn: unknown, more: Record<string, unknown> = {}) {
  return bridge.send({ to: USER, from: null, turn, waiting_for_user_input: true, ...more });
}

/** The same; resolves when the phone shows it. */
export async function show(bridge: TestBridge, turn: unknown, more: Record<string, unknown> = {}) {
  const before = bridge.transport.outbound.length;
  const asked = await ask(bridge, turn, more);
  await bridge.transport.received(before + 1);
  return asked;
}

let written = 0;

/** The user writes or dials; resolves when that is in the queue, with the message's id. */
export async function write(
  bridge: Pick<Sides, "transport">,
  content: string | null,
  more: Record<string, unknown> = {},
): Promise<string> {
  const message_id = `user${written++}`;
  await bridge.transport.sendInbound({
    message_id,
    from_addr: USER,
    to_addr: "*120*8864#",
    transport_name: "ussd_transport",
    transport_type: "ussd",
    session_event: content === null ? "new" : "resume",
    timestamp: formatTimestamp(new Date()),
    content,
    ...more,
  });
  return message_id;
}

/** The bodies of all calls. */
// deno-lint-ignore no-explicit-any -- JSON of several shapes, which the assertions look into.
export function bodies(bridge: Pick<Sides, "turn">): any[] {
  return bridge.turn.calls.map(({ body }) => body);
}

/** What Turn was told of the user's message with this id. */
export async function told(bridge: Pick<Sides, "turn">, id: string) {
  const messages = () => bodies(bridge).flatMap(({ message }) => message?.id === id ? message : []);
  await until(`Turn to be told of ${id}`, () => messages().length > 0);
  return messages().at(-1);
}

/** What Turn was told of its message with this id. */
export function statusesOf(bridge: Pick<Sides, "turn">, id: string): string[] {
  return bodies(bridge).filter(({ user_message_id }) => user_message_id === id)
    .map(({ status }) => status);
}

/** The transport says of a message that it was submitted, or that the user has it. */
export async function report(
  { transport }: Pick<Sides, "transport">,
  user_message_id: string,
  event_type: "ack" | "delivery_report",
): Promise<void> {
  // Of one that still waits to be sent nothing can be said; it is not sent any more then.
  const isThere = () =>
    transport.outbound.some(({ message }) => message["message_id"] === user_message_id);
  await until("the message of which an event tells", isThere);
  await transport.sendEvent({
    event_type,
    user_message_id,
    sent_message_id: "s",
    ...(event_type === "ack" ? {} : { delivery_status: "delivered" }),
  });
}

/** A text of so many sentences of about 40 characters, no two of them alike. */
export function facts(count: number): string {
  const sentences = Array.from(
    { length: count },
    (_, n) => `Fact ${n + 1}: clean water is good for you.`,
  );
  return sentences.join(" ");
}
