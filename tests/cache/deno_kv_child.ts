/**
 * A process that puts messages into a Deno KV cache and counts them until it is killed, and prints the id of each
 * one when its put has resolved. Arguments: path, prefix of the ids.
 *
 * @module
 */

import { DenoKvFile } from "../../src/cache/deno_kv/deno_kv_file.ts";
import { DenoKvStore } from "../../src/cache/deno_kv/deno_kv_store.ts";
import { MessageCache } from "../../src/cache/mod.ts";
import { remembered } from "./samples.ts";

const [path = "", prefix = ""] = Deno.args;
const encoder = new TextEncoder();
const day = 86_400_000;
const cache = new MessageCache({
  store: new DenoKvStore({ file: await DenoKvFile.open(path), namespace: "shared" }),
  inboundTtlMs: day,
  outboundTtlMs: day,
});

async function putForever(writer: number): Promise<void> {
  for (let count = 0;; count++) {
    const id = `${prefix}-${writer}-${count}`;
    const message = remembered({ message_id: id, from_addr: id });
    await cache.putInbound(message, [{ flow: "inbound", result: "in" }]);
    Deno.stdout.writeSync(encoder.encode(`${id}\n`));
  }
}

await Promise.all(Array.from({ length: 16 }, (_, writer) => putForever(writer)));
