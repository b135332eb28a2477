import assert from "node:assert/strict";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import type { Broker, Decision, QueuedMessage } from "../../src/broker/mod.ts";
import {
  type ParkedFilter,
  type ParkedMessage,
  ParkedMessages,
} from "../../src/inspect/parked_messages.ts";

interface Sample {
  readonly queue?: "inbound" | "event" | "held";
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** The parking queues of the connector `c`, with these in them. */
async function parkedWith(...samples: readonly Sample[]) {
  const broker = MemoryBroker.open();
  const source = "source";
  for (const queue of [source, "c.inbound.parked", "c.event.parked", "c.held.parked"]) {
    broker.declare(queue);
  }
  for (const { queue = "inbound", body, headers = {} } of samples) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    await broker.publish(source, new TextEncoder().encode(text));
    await broker.browse(source, () => ({ moveTo: `c.${queue}.parked`, headers }));
  }
  return { broker, messages: new ParkedMessages(["c"], broker) };
}

async function listed(messages: ParkedMessages, filter: ParkedFilter = {}) {
  const found: ParkedMessage[] = [];
  await messages.list(filter, (message) => void found.push(message));
  return found;
}

const at = (minute: number) => `2026-11-24T08:${String(minute).padStart(2, "0")}:00.000Z`;

/** A user's message, parked. */
function message(id: string, minute: number, reason = "Turn answered 404: Not found"): Sample {
  return {
    body: { message_id: id, from_addr: "+1", content: "secret" },
    headers: {
      "x-theirs": "kept",
      "x-parked-reason": reason,
      "x-parked-at": at(minute),
      "x-parked-status": 404,
      "x-parked-from": "c.inbound",
      "x-retry-attempts": 4,
      "x-retry-waits": 1,
      "x-moved-again": 1,
    },
  };
}

/** An event, parked. */
function event(id: string, about: string, minute: number): Sample {
  return {
    queue: "event",
    body: { event_id: id, user_message_id: about },
    headers: { "x-parked-reason": "Turn answered 400", "x-parked-at": at(minute) },
  };
}

/** One of Turn's messages that was held for a user, parked. */
function held(id: string, user: unknown, minute: number): Sample {
  return {
    queue: "held",
    body: { form: 1, id, request: { to: "+2" }, inbound: { message_id: "m0", from_addr: user } },
    headers: { "x-parked-reason": "bug: TypeError", "x-parked-at": at(minute) },
  };
}

Deno.test("ParkedMessages.list() tells of what was held whose it is, as well as it can be read", async () => {
  const { messages, broker } = await parkedWith(
    held("t1", "+27", 1),
    held("t2", 5, 2),
    { queue: "held", body: { form: 2, message: { message_id: "s1", to_addr: "+27" } } },
    { queue: "held", body: "{" },
    { queue: "held", body: { id: 7, inbound: null } },
  );
  assert.deepEqual(
    (await listed(messages)).map(({ queue, id, about, user }) => [queue, id, about, user]),
    [
      ["held", "t1", "t1", "+27"],
      ["held", "t2", "t2", null],
      ["held", "s1", "s1", "+27"],
      ["held", null, null, null],
      ["held", null, null, null],
    ],
  );
  assert.equal(await messages.replay({ id: "t1" }), 1);
  assert.equal(broker.waiting("c.held").length, 1);
  assert.equal(await messages.discard({ queue: "held", reason: "bug" }), 1);
});

Deno.test("ParkedMessages.list() tells what is known of each, messages before events", async () => {
  const { messages } = await parkedWith(event("e1", "m9", 1), message("m1", 2));
  const [first = assert.fail(), second = assert.fail(), ...rest] = await listed(messages);
  assert.deepEqual(rest, []);
  const { body, headers, ...known } = first;
  assert.deepEqual(known, {
    queue: "inbound",
    id: "m1",
    about: null,
    user: "+1",
    parkedAt: at(2),
    reason: "Turn answered 404: Not found",
    status: 404,
    attempts: 4,
    firstFailure: null,
  });
  assert.equal(JSON.parse(new TextDecoder().decode(body)).content, "secret");
  assert.equal(headers["x-theirs"], "kept");
  assert.deepEqual([second.queue, second.id, second.about, second.user], [
    "event",
    "e1",
    "m9",
    null,
  ]);
  assert.deepEqual([second.status, second.attempts], [null, 0]);
});

/** Filters, with the ids of what is meant by them. */
const FILTERS: readonly (readonly [string, ParkedFilter, readonly string[]])[] = [
  ["nothing", {}, ["m1", "m2", "m3", "e1", "e2"]],
  ["a queue", { queue: "event" }, ["e1", "e2"]],
  ["the other queue", { queue: "inbound" }, ["m1", "m2", "m3"]],
  ["an id", { id: "m2" }, ["m2"]],
  ["an event's own id", { id: "e2" }, ["e2"]],
  ["the id of what an event is about", { id: "m1" }, ["m1", "e1"]],
  ["a part of an id", { id: "m" }, []],
  ["a time", { since: new Date(at(3)) }, ["m3", "e1", "e2"]],
  ["a time to come", { since: new Date(at(59)) }, []],
  ["an end", { before: new Date(at(3)) }, ["m1", "m2"]],
  ["a reason in other capitals", { reason: "NOT FOUND" }, ["m1", "m3"]],
  ["an empty reason", { reason: "" }, ["m1", "m2", "m3", "e1", "e2"]],
  ["a reason that is a pattern elsewhere", { reason: "4.4" }, []],
  ["several", { queue: "inbound", reason: "404", since: new Date(at(2)) }, ["m3"]],
];

for (const [what, filter, expected] of FILTERS) {
  Deno.test(`ParkedMessages finds by ${what}`, async () => {
    const { messages } = await parkedWith(
      message("m1", 1),
      message("m2", 2, "Turn answered 422"),
      message("m3", 3),
      event("e1", "m1", 4),
      event("e2", "m8", 5),
    );
    assert.deepEqual((await listed(messages, filter)).map(({ id }) => id), expected);
  });
}

const UNREADABLE: readonly (readonly [string, unknown])[] = [
  ["no JSON", "{"],
  ["empty", ""],
  ["null", null],
  ["a list", [1]],
  ["a number", 7],
  ["ids of other types", { message_id: { a: 1 }, from_addr: 5 }],
  ["an empty id", { message_id: "" }],
];

for (const [what, body] of UNREADABLE) {
  Deno.test(`ParkedMessages takes a payload that is ${what}, by whoever parked it`, async () => {
    const headers = { "x-parked-at": 5, "x-parked-reason": ["?"], "x-retry-attempts": "many" };
    const { messages } = await parkedWith({ body, headers }, { body });
    for (const found of await listed(messages)) {
      assert.deepEqual([found.id, found.user, found.parkedAt, found.reason, found.attempts], [
        null,
        null,
        "",
        "",
        0,
      ]);
    }
    // When it was parked is not known, so not "since".
    assert.deepEqual(await listed(messages, { since: new Date(0) }), []);
    assert.equal((await listed(messages, { before: new Date() })).length, 2);
    assert.equal(await messages.replay({}), 2);
  });
}

Deno.test("ParkedMessages.replay() keeps the order, what is not meant stays in its place", async () => {
  const samples = ["m1", "m2", "m3", "m4", "m5"].map((id, index) =>
    message(id, index, index % 2 === 0 ? "meant" : "other")
  );
  const { broker, messages } = await parkedWith(...samples);
  assert.equal(await messages.replay({ reason: "meant" }), 3);
  const ids = broker.waiting("c.inbound").map(({ body }) =>
    JSON.parse(new TextDecoder().decode(body)).message_id
  );
  assert.deepEqual(ids, ["m1", "m3", "m5"]);
  assert.deepEqual((await listed(messages)).map(({ id }) => id), ["m2", "m4"]);
});

Deno.test("ParkedMessages.replay() takes off what tells of the parking, and nothing else", async () => {
  const { broker, messages } = await parkedWith(message("m1", 1));
  await messages.replay({});
  const [{ headers } = assert.fail()] = broker.waiting("c.inbound");
  assert.deepEqual(headers, { "x-theirs": "kept" });
});

Deno.test("ParkedMessages.replay() puts each back where it came from", async () => {
  const { broker, messages } = await parkedWith(message("m1", 1), event("e1", "m9", 1));
  assert.equal(await messages.replay({}), 2);
  assert.deepEqual([broker.waiting("c.inbound").length, broker.waiting("c.event").length], [1, 1]);
});

Deno.test("ParkedMessages.discard() deletes what is meant, and nothing else", async () => {
  const { broker, messages } = await parkedWith(message("m1", 1), message("m2", 2));
  assert.equal(await messages.discard({ id: "m1" }), 1);
  assert.equal(await messages.discard({ id: "m1" }), 0);
  assert.deepEqual((await listed(messages)).map(({ id }) => id), ["m2"]);
  assert.deepEqual(broker.waiting("c.inbound"), []);
});

/** A broker that is asked for these queues, in order. */
class Asked implements Pick<Broker, "declare" | "browse"> {
  readonly declared: string[] = [];
  declare(queue: string): void {
    this.declared.push(queue);
  }
  browse(
    _queue: string,
    _decide: (message: QueuedMessage) => Decision | Promise<Decision>,
  ): Promise<void> {
    return Promise.resolve();
  }
}

Deno.test("ParkedMessages declares nothing by looking, for a mistyped name would stay", async () => {
  const asked = new Asked();
  // Only these two are called.
  const messages = new ParkedMessages(["typo"], asked as unknown as Broker);
  await messages.list({}, () => {});
  await messages.discard({});
  assert.deepEqual(asked.declared, []);
  await messages.replay({});
  assert.deepEqual(asked.declared, ["typo.inbound", "typo.event", "typo.held"]);
});
