// All that reaches below amqplib's interface, on one connection: a frame with properties is read here,
// and a message is written here, with our codec in place of amqplib's, which throws at what RabbitMQ
// takes. The names and the shape of frames are those of amqplib 2.3's lib/connection.js and
// lib/frame.js.

import { Buffer } from "node:buffer";
import process from "node:process";
import type { Socket } from "node:net";
import type { ChannelModel } from "amqplib";
import { ByteWriter } from "./codec/writer.ts";
import { decodeProperties, encodeProperties, type PropertyValues } from "./codec/properties.ts";

/** The parts of amqplib's connection that its types do not tell. */
interface WireConnection {
  readonly stream: Socket;
  /** Seconds between heartbeats, as agreed upon with the server; 0 for none. */
  readonly heartbeat: number;
  /** What was read from the socket and is not used yet. */
  rest: Buffer;
  /** The largest frame that is taken; 0 for any. */
  readonly maxFrameSize: number;
  /** The largest frame that the server takes. */
  readonly frameMax: number;
  sentSinceLastCheck: boolean;
  readonly channels: readonly (WireChannel | null | undefined)[];
  /** The next frame, decoded; false if it is not there yet. */
  recvFrame(): WireFrame | false;
  /** Hands a frame on. It is replaced when the connection is being closed. */
  accept(frame: WireFrame): void;
  /** Writes a message. It is replaced by one that throws when the connection is being closed. */
  sendMessage(...message: SentMessage): boolean;
  sendContent(channel: number, body: Buffer): boolean;
}

export interface WireChannel {
  /** amqplib's channel, as its users have it. */
  readonly channel: {
    closeWithError(id: unknown, reason: string, code: number, error: unknown): void;
  };
  readonly buffer: { write(frames: Buffer): boolean };
}

/** A frame, as amqplib's channels take it. A body has no `id`. */
export interface WireFrame {
  readonly channel: number;
  /** The method's, or {@linkcode BASIC} for properties. */
  readonly id?: number;
  /** How long the body is going to be, for properties. */
  readonly size?: number;
  /** A method's arguments, or properties. */
  readonly fields?: unknown;
  readonly content?: Buffer;
}

type SentMessage = [
  channel: number,
  method: number,
  fields: { readonly exchange: string; readonly routingKey: string; readonly mandatory: boolean },
  propertiesId: number,
  properties: PropertyValues,
  content: Buffer,
];

export const BASIC = 60;
const PUBLISH = 60 << 16 | 40;

const METHOD_FRAME = 1, HEADER_FRAME = 2, BODY_FRAME = 3;
const FRAME_END = 0xce;
/** Type, channel and size of a frame; its end is one byte more. */
const FRAME_START = 7;
/** Class, weight and size of the body come before the properties. */
const CONTENT_START = 12;
/** Bodies up to here are written with the rest at once, to be one packet. */
const SMALL_BODY = 2048;

export function internalsOf(model: ChannelModel): WireConnection {
  return model.connection as unknown as WireConnection;
}

/**
 * Makes what is written in one turn go out together from now on. amqplib writes each message and each
 * ack by itself, and each would be a packet of its own, for us and for RabbitMQ to handle. To leave that
 * to the kernel (Nagle's algorithm) would let single acks wait for the server's next word.
 */
export function writeTogether(model: ChannelModel): void {
  const stream = internalsOf(model).stream;
  const write = stream.write;
  const flush = (): void => stream.uncork();
  // deno-lint-ignore no-explicit-any -- Handed on as they come.
  stream.write = (...args: any[]): boolean => {
    if (stream.writableCorked === 0) {
      stream.cork();
      process.nextTick(flush);
    }
    return Reflect.apply(write, stream, args);
  };
}

/** Makes the connection read and write messages with our codec from now on. */
export function installCodec(model: ChannelModel): void {
  const connection = internalsOf(model);
  const { recvFrame, sendMessage } = connection;
  // amqplib's own calls it again when it has read more, so each frame comes by here.
  connection.recvFrame = () => readHeader(connection) ?? recvFrame.call(connection);
  connection.sendMessage = (...message) => {
    const [, method, , , , content] = message;
    const isOurs = method === PUBLISH && Buffer.isBuffer(content);
    const written = isOurs ? writeMessage(connection, message) : undefined;
    return written ?? sendMessage.apply(connection, message);
  };
}

/** Takes the next frame, if it is all there and is one with properties. */
function readHeader(connection: WireConnection): WireFrame | undefined {
  const { rest, maxFrameSize } = connection;
  if (rest[0] !== HEADER_FRAME || rest.length < FRAME_START) return undefined;
  const size = rest.readUInt32BE(3);
  const end = FRAME_START + size;
  // What is wrong with the frame itself amqplib tells.
  if (size < CONTENT_START || rest[end] !== FRAME_END) return undefined;
  if (maxFrameSize > 0 && size > maxFrameSize) return undefined;
  connection.rest = rest.subarray(end + 1);
  return {
    channel: rest.readUInt16BE(1),
    id: rest.readUInt16BE(FRAME_START),
    size: rest.readUInt32BE(FRAME_START + 4) * 2 ** 32 + rest.readUInt32BE(FRAME_START + 8),
    fields: decodeProperties(rest.subarray(FRAME_START + CONTENT_START, end)),
  };
}

/** Writes a message; undefined if its exchange or routing key is too long, which amqplib tells. */
function writeMessage(
  connection: WireConnection,
  [channel, , { exchange, routingKey, mandatory }, , values, content]: SentMessage,
): boolean | undefined {
  const writer = new ByteWriter();
  const endMethod = beginFrame(writer, METHOD_FRAME, channel);
  writer.uint32(PUBLISH);
  writer.uint16(0);
  if (!writer.shortText(exchange) || !writer.shortText(routingKey)) return undefined;
  writer.uint8(mandatory ? 1 : 0);
  endMethod();

  const endHeader = beginFrame(writer, HEADER_FRAME, channel);
  writer.uint16(BASIC);
  writer.uint16(0);
  writer.uint32(Math.floor(content.length / 2 ** 32));
  writer.uint32(content.length);
  writer.raw(encodeProperties(values, connection.frameMax - FRAME_START - 1 - CONTENT_START));
  endHeader();

  const isSmall = content.length > 0 && content.length <= SMALL_BODY;
  if (isSmall) {
    const endBody = beginFrame(writer, BODY_FRAME, channel);
    writer.raw(content);
    endBody();
  }
  connection.sentSinceLastCheck = true;
  // The channel is there: it is the one that writes.
  const written = connection.channels[channel]!.buffer.write(writer.bytes);
  return isSmall ? written : connection.sendContent(channel, content);
}

/** Begins a frame. Returns what ends it. */
function beginFrame(writer: ByteWriter, type: number, channel: number): () => void {
  writer.uint8(type);
  writer.uint16(channel);
  const sizeAt = writer.length;
  writer.uint32(0);
  return () => {
    writer.uint32At(sizeAt, writer.length - sizeAt - 4);
    writer.uint8(FRAME_END);
  };
}
