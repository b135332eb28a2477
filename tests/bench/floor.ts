/**
 * The floor: the least that a process on Deno can do and still be a bridge. It checks the signature,
 * publishes persistent messages with confirms, hands messages and events to Turn and acks them.
 * There is no validation, no cache, no order, no retry, no log and no metric; and nothing is safe.
 *
 * It takes the bridge's flags, as far as it has a use for them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import process from "node:process";
import { parseArgs } from "node:util";
import { connect } from "amqplib";

const { values } = parseArgs({ args: Deno.args, strict: false });
const name = String(values["connector-name"]);
const secret = String(values["turn-hmac-secret"]);
const turn = String(values["turn-api-url"]);
const port = Number(String(values["http-bind"]).split(":")[1]);
const headers = new Headers({
  "Authorization": `Bearer ${values["auth-token"]}`,
  "Content-Type": "application/json",
});

const connection = await connect(String(values["amqp-url"]));
const publishing = await connection.createConfirmChannel();
await publishing.assertExchange("vumi", "direct", { durable: true });

async function accept(request: Request): Promise<Response> {
  if (request.method === "GET") return Response.json({ health: "ok" });
  const bytes = Buffer.from(await request.arrayBuffer());
  const right = createHmac("sha256", secret).update(bytes).digest();
  const given = Buffer.from(request.headers.get("x-turn-hook-signature") ?? "", "base64");
  if (!timingSafeEqual(right, given)) return new Response(null, { status: 401 });
  const { to, turn: { text } } = JSON.parse(bytes.toString());
  const id = crypto.randomUUID().replaceAll("-", "");
  const message = {
    message_id: id,
    to_addr: to,
    from_addr: "8110",
    transport_name: name,
    transport_type: "sms",
    message_version: "20110921",
    message_type: "user_message",
    timestamp: `${new Date().toISOString().slice(0, 23).replace("T", " ")}000`,
    in_reply_to: null,
    provider: null,
    group: null,
    session_event: "resume",
    content: text.body,
    routing_metadata: {},
    helper_metadata: {},
    transport_metadata: {},
    to_addr_type: null,
    from_addr_type: null,
  };
  await new Promise<void>((resolve, reject) => {
    const content = Buffer.from(JSON.stringify(message));
    const options = { persistent: true, mandatory: true, contentType: "application/json" };
    publishing.publish(
      "vumi",
      `${name}.outbound`,
      content,
      options,
      (error) => error ? reject(error) : resolve(),
    );
  });
  return Response.json({ messages: [{ id }] });
}

async function consume(
  queue: string,
  path: string,
  // deno-lint-ignore no-explicit-any -- No validation: that is the point.
  payload: (body: any) => unknown,
): Promise<void> {
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true });
  await channel.bindQueue(queue, "vumi", queue);
  await channel.prefetch(Number(values["worker-concurrency"]));
  await channel.consume(queue, async (message) => {
    if (message === null) return;
    const body = JSON.stringify(payload(JSON.parse(message.content.toString())));
    const response = await fetch(`${turn}/${path}`, { method: "POST", headers, body });
    await response.text();
    channel.ack(message);
  });
}

await publishing.assertQueue(`${name}.outbound`, { durable: true });
await publishing.bindQueue(`${name}.outbound`, "vumi", `${name}.outbound`);
await consume(`${name}.inbound`, "messages", ({ message_id: id, from_addr: from, content }) => ({
  contact: { id: from, profile: { name: from } },
  message: { type: "text", text: { body: content }, from, id, timestamp: "1781528400" },
}));
await consume(`${name}.event`, "statuses", ({ user_message_id, timestamp }) => ({
  user_message_id,
  timestamp: timestamp.slice(0, 19),
  status: "sent",
}));
process.on("SIGTERM", () => Deno.exit(0));
Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, accept);
