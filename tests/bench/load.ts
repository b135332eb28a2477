/**
 * Makes Turn's requests, as a process of its own: so many connections, each with one request after
 * the other. Requests are made and signed before the clock starts, and answers only looked through
 * for the status and the id, so that it costs about a tenth of what the bridge does.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { answerLines } from "./helper.ts";
import { addressOf, messageTo } from "./people.ts";
import { type Percentiles, percentiles } from "./numbers.ts";

/** What can be asked of it. */
export interface LoadAsked {
  /** The ports on 127.0.0.1, over which the connections are spread. */
  readonly ports: readonly number[];
  /** How many connections. */
  readonly connections: number;
  /** How many requests in all. */
  readonly requests: number;
  /** How many users they are for, in turn. */
  readonly users: number;
  /** What they are signed with. */
  readonly secret: string;
}

/** What it answers. */
export interface LoadAnswer extends Percentiles {
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** The ids of the messages, as they were answered. */
  readonly ids: readonly string[];
}

let serial = 0;

async function load(asked: LoadAsked): Promise<LoadAnswer> {
  const requests = Array.from({ length: asked.requests }, () => request(serial++, asked));
  const connections = await Promise.all(
    Array.from(
      { length: asked.connections },
      (_, index) => Deno.connect({ hostname: "127.0.0.1", port: portOf(index, asked) }),
    ),
  );
  const times: number[] = [];
  const ids: string[] = [];
  const begin = performance.now();
  await Promise.all(connections.map(async (connection) => {
    const buffer = Buffer.alloc(4096);
    for (let next = requests.pop(); next !== undefined; next = requests.pop()) {
      const sent = performance.now();
      await connection.write(next);
      ids.push(await readId(connection, buffer));
      times.push(performance.now() - sent);
    }
    connection.close();
  }));
  return { seconds: (performance.now() - begin) / 1000, ids, ...percentiles(times) };
}

function portOf(connection: number, { ports }: LoadAsked): number {
  return ports[connection % ports.length] ?? 0;
}

/** Each is another: what is sent twice may be answered without being published again. */
function request(number: number, { users, secret }: LoadAsked): Uint8Array {
  const body = JSON.stringify(messageTo(addressOf(number % users), number));
  const signature = createHmac("sha256", secret).update(body).digest("base64");
  return new TextEncoder().encode(
    "POST /messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" +
      `X-Turn-Hook-Signature: ${signature}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

const ID = '"id":"';

async function readId(connection: Deno.Conn, buffer: Buffer): Promise<string> {
  let text = "";
  while (!text.endsWith("}")) {
    const length = await connection.read(buffer);
    if (length === null) throw new Error(`The connection was closed after: ${text}`);
    text += buffer.toString("latin1", 0, length);
  }
  const start = text.indexOf(ID) + ID.length;
  if (!text.startsWith("HTTP/1.1 200") || start < ID.length) throw new Error(`Answered ${text}`);
  return text.slice(start, text.indexOf('"', start));
}

await answerLines(load);
