/**
 * AMQP 0-9-1 frame by frame, to put on the wire what no client library would, and to see what came
 * byte for byte. Each call makes a connection of its own; TLS is not spoken.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** A message, its properties as they are on the wire: two bytes of flags, then the values. */
export interface RawMessage {
  /** The flags and the values; `NO_PROPERTIES` for none. */
  readonly propertyBytes: Uint8Array;
  /** The payload. */
  readonly body: Uint8Array;
}

/** What {@linkcode publishRaw} publishes. */
export interface RawPublish extends RawMessage {
  /** The default exchange, unless given. */
  readonly exchange?: string;
  /** The queue, in the default exchange. */
  readonly routingKey: string;
}

/** Of a message without properties. */
export const NO_PROPERTIES: Uint8Array = new Uint8Array(2);

const FRAME_MAX = 131_072;
const FRAME_END = 0xce;
const METHOD = 1, HEADER = 2, BODY = 3, HEARTBEAT = 8;

/** What is sent and waited for: class and method, as one number. */
const id = (classId: number, methodId: number): number => classId * 65_536 + methodId;
const START = id(10, 10), START_OK = id(10, 11), TUNE = id(10, 30), TUNE_OK = id(10, 31);
const OPEN = id(10, 40), OPEN_OK = id(10, 41), CLOSE = id(10, 50), CLOSE_OK = id(10, 51);
const CHANNEL_OPEN = id(20, 10), CHANNEL_OPEN_OK = id(20, 11), CHANNEL_CLOSE = id(20, 40);
const CONFIRM = id(85, 10), CONFIRM_OK = id(85, 11);
const PUBLISH = id(60, 40), RETURN = id(60, 50), ACK = id(60, 80), NACK = id(60, 120);
const GET = id(60, 70), GET_OK = id(60, 71), GET_EMPTY = id(60, 72);

/**
 * Publishes a message and waits until it is confirmed.
 *
 * @throws {Error} If no queue takes it, or the server refuses it, with the server's words.
 */
export async function publishRaw(url: string, ...messages: readonly RawPublish[]): Promise<void> {
  using connection = await RawConnection.open(url);
  await connection.call(CONFIRM, [0], CONFIRM_OK);
  for (const { exchange = "", routingKey, propertyBytes, body } of messages) {
    const mandatory = 1;
    await connection.send(PUBLISH, [0, 0, ...short(exchange), ...short(routingKey), mandatory]);
    await connection.sendContent(propertyBytes, body);
    const { methodId } = await connection.method(ACK, NACK, RETURN);
    if (methodId !== ACK) throw new Error(`RabbitMQ has not taken the message: ${methodId}`);
  }
  await connection.call(CLOSE, [0, 200, 0, 0, 0, 0, 0], CLOSE_OK, 0);
}

/** Takes the first message out of a queue, if there is one. */
export async function getRaw(url: string, queue: string): Promise<RawMessage | undefined> {
  using connection = await RawConnection.open(url);
  await connection.send(GET, [0, 0, ...short(queue), 1]);
  const { methodId } = await connection.method(GET_OK, GET_EMPTY);
  const message = methodId === GET_OK ? await connection.content() : undefined;
  await connection.call(CLOSE, [0, 200, 0, 0, 0, 0, 0], CLOSE_OK, 0);
  return message;
}

/** A short string: its length in a byte. */
export function short(text: string | Uint8Array): number[] {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return [bytes.length, ...bytes];
}

/** Bytes with their length before them, in four bytes: a long string, a table or an array. */
export function long(content: string | Uint8Array | readonly number[]): Uint8Array {
  const bytes = typeof content === "string" ? Buffer.from(content) : Buffer.from(content);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

/** One header: its name, the letter of its type, and its value as it is on the wire. */
export function field(
  name: string | Uint8Array,
  type: string,
  value: Uint8Array | readonly number[] = [],
): Uint8Array {
  return Buffer.concat([Buffer.from(short(name)), Buffer.from(type), Buffer.from(value)]);
}

/** The property bytes of a message with these headers, made by {@linkcode field}, and nothing else. */
export function headerBytes(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Buffer.from([0x20, 0x00]), long(Buffer.concat(fields))]);
}

/** A value of type table or array (letter `A`) that is nested so deeply, and the letter before it. */
export function nested(depth: number): Uint8Array {
  const bytes = Buffer.alloc(depth * 5);
  for (let level = 0; level < depth; level++) {
    bytes.write("A", level * 5);
    bytes.writeUInt32BE((depth - level - 1) * 5, level * 5 + 1);
  }
  return bytes;
}

interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

class RawConnection implements Disposable {
  readonly #socket: Deno.TcpConn;
  #rest = Buffer.alloc(0);

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  static async open(address: string): Promise<RawConnection> {
    const url = new URL(address);
    const { hostname, port } = url;
    const socket = await Deno.connect({ hostname, port: Number(port) || 5672 });
    const connection = new RawConnection(socket);
    try {
      await connection.#handshake(url);
    } catch (error) {
      socket.close();
      throw error;
    }
    return connection;
  }

  async #handshake({ username, password, pathname }: URL): Promise<void> {
    const user = decodeURIComponent(username) || "guest";
    const secret = decodeURIComponent(password) || "guest";
    const vhost = decodeURIComponent(pathname.slice(1)) || "/";
    await this.#write(Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]));
    await this.method(START);
    const login = [...long([]), ...short("PLAIN"), ...long(`\0${user}\0${secret}`)];
    await this.send(START_OK, [...login, ...short("en_US")], 0);
    await this.method(TUNE);
    const tune = Buffer.alloc(8);
    tune.writeUInt16BE(1); // Channels; 0 would be more than the server allows.
    tune.writeUInt32BE(FRAME_MAX, 2);
    await this.send(TUNE_OK, tune, 0);
    await this.call(OPEN, [...short(vhost), 0, 0], OPEN_OK, 0);
    await this.call(CHANNEL_OPEN, [0], CHANNEL_OPEN_OK);
  }

  async call(method: number, args: readonly number[], ok: number, channel = 1): Promise<void> {
    await this.send(method, args, channel);
    await this.method(ok);
  }

  async send(method: number, args: readonly number[] | Buffer, channel = 1): Promise<void> {
    const payload = Buffer.alloc(4 + args.length);
    payload.writeUInt32BE(method);
    Buffer.from(args).copy(payload, 4);
    await this.#write(frame(METHOD, channel, payload));
  }

  async sendContent(propertyBytes: Uint8Array, body: Uint8Array): Promise<void> {
    const start = Buffer.alloc(12);
    start.writeUInt16BE(60);
    start.writeBigUInt64BE(BigInt(body.length), 4);
    await this.#write(frame(HEADER, 1, Buffer.concat([start, propertyBytes])));
    for (let at = 0; at < body.length; at += FRAME_MAX - 8) {
      await this.#write(frame(BODY, 1, body.subarray(at, at + FRAME_MAX - 8)));
    }
  }

  /** The next method; it has to be one of these. */
  async method(...wanted: readonly number[]): Promise<{ methodId: number }> {
    for (;;) {
      const { type, payload } = await this.#frame();
      if (type !== METHOD) continue; // What follows a return.
      const methodId = payload.readUInt32BE(0);
      if (wanted.includes(methodId)) return { methodId };
      const isEnd = methodId === CLOSE || methodId === CHANNEL_CLOSE;
      const words = payload.toString("utf8", 7, 7 + (payload[6] ?? 0));
      throw new Error(isEnd ? `RabbitMQ has ended it: ${words}` : `Unexpected method ${methodId}`);
    }
  }

  async content(): Promise<RawMessage> {
    const { payload } = await this.#frame();
    let left = Number(payload.readBigUInt64BE(4));
    const parts: Buffer[] = [];
    while (left > 0) {
      const part = (await this.#frame()).payload;
      parts.push(part);
      left -= part.length;
    }
    return { propertyBytes: payload.subarray(12), body: Buffer.concat(parts) };
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  async #frame(): Promise<Frame> {
    for (;;) {
      const { type, size } = await this.#start();
      const payload = await this.#take(size);
      await this.#take(1);
      if (type !== HEARTBEAT) return { type, payload };
    }
  }

  async #start(): Promise<{ type: number; size: number }> {
    const start = await this.#take(7);
    return { type: start[0] ?? 0, size: start.readUInt32BE(3) };
  }

  async #take(size: number): Promise<Buffer> {
    const chunk = new Uint8Array(65_536);
    while (this.#rest.length < size) {
      const count = await this.#socket.read(chunk);
      if (count === null) throw new Error("RabbitMQ has ended the connection");
      this.#rest = Buffer.concat([this.#rest, chunk.subarray(0, count)]);
    }
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return taken;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) sent += await this.#socket.write(bytes.subarray(sent));
  }
}

function frame(type: number, channel: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(payload.length + 8);
  bytes[0] = type;
  bytes.writeUInt16BE(channel, 1);
  bytes.writeUInt32BE(payload.length, 3);
  bytes.set(payload, 7);
  bytes[payload.length + 7] = FRAME_END;
  return bytes;
}
