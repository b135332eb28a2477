/**
 * The order of a start: listening, publishing, consuming.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import type { Broker } from "../../src/broker/mod.ts";
import { ListenError } from "../../src/service/listener.ts";
import { type Service, startService } from "../../src/service/service.ts";
import { FakeTurn } from "../support/fake_turn.ts";
import { createMessage, encodeMessage } from "../../src/vumi/mod.ts";
import { testConfig, TOKEN } from "../support/bridge.ts";

/** A broker that has a message from a user, and that can't be published to before `connect()`. */
class Waiting {
  readonly broker: Broker;
  readonly queue = "turn.inbound";
  readonly #memory = MemoryBroker.open();
  readonly #connected = Promise.withResolvers<void>();

  constructor() {
    this.broker = new Proxy<Broker>(this.#memory, {
      get: (memory, name) => {
        if (name === "connected") return () => this.#connected.promise;
        const value: unknown = Reflect.get(memory, name, memory);
        return typeof value === "function" ? value.bind(memory) : value;
      },
    });
  }

  /** The message comes. */
  async fill(): Promise<void> {
    this.#memory.declare(this.queue);
    const message = createMessage({
      to_addr: "8110",
      from_addr: "+1",
      transport_name: "sms",
      transport_type: "sms",
      content: "hello",
      session_event: null,
    });
    await this.#memory.publish(this.queue, encodeMessage(message));
  }

  /** How many messages nobody has taken. */
  get left(): number {
    return this.#memory.waiting(this.queue).length;
  }

  connect(): void {
    this.#connected.resolve();
  }
}

async function start(turn: FakeTurn, { broker }: Waiting, bind = "127.0.0.1:0"): Promise<Service> {
  const flags = { "amqp-url": "memory:", "http-bind": bind };
  return await startService(await testConfig("turn", turn.url, flags), { broker });
}

Deno.test("startService() consumes only when messages can be published, and listens before", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  const waiting = new Waiting();
  await waiting.fill();
  const begun = performance.now();
  await using service = await start(turn, waiting);
  const ms = performance.now() - begun;
  assert.ok(ms > 1_900 && ms < 20_000, `${ms}`); // A broker that is away is not waited for any longer.
  assert.equal(await (await fetch(`${service.address}/livez`)).text(), "ok\n");
  assert.deepEqual([waiting.left, turn.calls.length], [1, 0]);
  waiting.connect();
  await turn.received(1);
});

Deno.test("startService() waits no longer than for the broker", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  const waiting = new Waiting();
  await waiting.fill();
  waiting.connect();
  await using _ = await start(turn, waiting);
  assert.equal(waiting.left, 0);
  await turn.received(1);
});

Deno.test("a service that is drained before messages can be published takes none any more", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  const waiting = new Waiting();
  await waiting.fill();
  await using service = await start(turn, waiting);
  await service.drain(AbortSignal.timeout(10_000));
  waiting.connect();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([waiting.left, turn.calls.length], [1, 0]);
});

Deno.test("startService() takes no message if it can't listen", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const waiting = new Waiting();
  await waiting.fill();
  waiting.connect();
  await assert.rejects(start(turn, waiting, `127.0.0.1:${taken.addr.port}`), ListenError);
  assert.deepEqual([waiting.left, turn.calls.length], [1, 0]);
});
