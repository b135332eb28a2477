import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Writable } from "node:stream";
import type { ChannelModel } from "amqplib";
import { writeTogether } from "../../../src/broker/rabbitmq/amqplib_internals.ts";

/** A socket, and what goes out over it: the texts of each packet. */
function socketOf(options: { readonly highWaterMark?: number } = {}) {
  const packets: string[] = [];
  const send = (chunks: readonly Buffer[], done: () => void): void => {
    packets.push(Buffer.concat(chunks).toString());
    done();
  };
  const stream = new Writable({
    ...options,
    write: (chunk, _encoding, done) => send([chunk], done),
    writev: (chunks, done) => send(chunks.map(({ chunk }) => chunk), done),
  });
  writeTogether({ connection: { stream } } as unknown as ChannelModel);
  return { stream, packets };
}

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

Deno.test("writeTogether() sends what is written in one turn as one, and what comes later after it", async () => {
  const { stream, packets } = socketOf();
  for (const text of ["a", "b", "c"]) stream.write(text);
  assert.deepEqual(packets, []);
  await turn();
  stream.write("d");
  await turn();
  stream.write("e");
  stream.end("f");
  await turn();
  assert.deepEqual(packets, ["abc", "d", "ef"]);
});

Deno.test("writeTogether() tells when too much waits, and when it has gone", async () => {
  const { stream, packets } = socketOf({ highWaterMark: 4 });
  const drained = new Promise<void>((resolve) => stream.once("drain", resolve));
  assert.equal(stream.write("abc"), true);
  assert.equal(stream.write("def"), false);
  await drained;
  assert.deepEqual(packets, ["abcdef"]);
});

Deno.test("writeTogether() tells of each write when it is through", async () => {
  const { stream } = socketOf();
  const through: string[] = [];
  for (const text of ["a", "b"]) stream.write(text, () => void through.push(text));
  await turn();
  assert.deepEqual(through, ["a", "b"]);
});
