import assert from "node:assert/strict";
import { MemoryBroker } from "../../../src/broker/memory/memory_broker.ts";
import type { QueuedMessage } from "../../../src/broker/mod.ts";
import type { Happening } from "../../../src/simulator/handset/events.ts";
import { Journal } from "../../../src/simulator/handset/journal.ts";
import { PhoneError, Phones, type PhonesOptions } from "../../../src/simulator/handset/phones.ts";
import { Transport } from "../../../src/simulator/transport.ts";
import {
  createReply,
  decodeMessage,
  encodeMessage,
  type Event,
  type Message,
} from "../../../src/vumi/mod.ts";
import { until } from "../../support/until.ts";

const USER = "+26612345678";
const CODE = "*120*8864#";

/** Phones on queues, of which the test has the other end. */
class Network implements AsyncDisposable {
  readonly broker = MemoryBroker.open();
  readonly transport = new Transport("n", this.broker);
  readonly inbound: Message[] = [];
  readonly events: Event[] = [];
  readonly happenings: Happening[] = [];
  readonly phones: Phones;
  readonly #watch: Disposable;

  constructor(options: Partial<PhonesOptions> = {}) {
    const journal = new Journal();
    const add = journal.add.bind(journal);
    journal.add = (happening) => {
      this.happenings.push(happening);
      add(happening);
    };
    const { transport } = this;
    transport.start();
    this.#watch = transport.watch({
      published: (message) => void this.inbound.push(message),
      reported: (event) => void this.events.push(event),
    });
    this.phones = new Phones({
      transport,
      journal,
      number: "8110",
      ussdTimeoutMs: 60_000,
      ...options,
    });
    this.phones.add(USER);
  }

  /** The user's session. */
  get session() {
    return this.phones.all[0]?.session ?? assert.fail("no session");
  }

  /** What is on the phones. */
  get said(): string[] {
    return this.happenings.flatMap((it) => it.kind === "said" ? [`${it.by}: ${it.text}`] : []);
  }

  /** The bridge answers the user's last message. */
  async replies(content: string, session_event: "resume" | "close"): Promise<Message> {
    const { length } = this.said;
    const reply = createReply(this.inbound.at(-1) ?? assert.fail(), { content, session_event });
    await this.broker.publish(this.transport.queues.outbound, encodeMessage(reply));
    await until("the reply", () => this.said.length > length);
    return reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch[Symbol.dispose]();
    this.phones[Symbol.dispose]();
    await this.transport[Symbol.asyncDispose]();
  }
}

Deno.test("Phones put an SMS on the queue, as vumi has it", async () => {
  await using network = new Network();
  await network.phones.act({ do: "text", address: USER, text: "Hi" });
  const [queued] = network.broker.waiting("n.inbound");
  const message = decodeMessage(queued?.body ?? assert.fail());
  const { from_addr, to_addr, transport_type, content, session_event } = message;
  assert.deepEqual({ from_addr, to_addr, transport_type, content, session_event }, {
    from_addr: USER,
    to_addr: "8110",
    transport_type: "sms",
    content: "Hi",
    session_event: null,
  });
});

Deno.test("Phones count what the service says, by SMS and on a screen", async () => {
  await using network = new Network();
  const sizes = () =>
    network.happenings.flatMap((it) => it.kind === "said" && it.by === "service" ? [it.size] : []);
  await network.phones.act({ do: "text", address: USER, text: "Hi" });
  await network.replies("a".repeat(161), "close");
  await network.phones.act({ do: "dial", address: USER, code: CODE });
  await network.replies("Ndeşi?", "resume");
  const onScreen = { encoding: "ucs2", characters: 6, capacity: 80 } as const;
  assert.deepEqual(sizes(), [{ encoding: "gsm7", characters: 161, segments: 2 }, onScreen]);
  assert.deepEqual(network.session.size, onScreen);
  const others = network.happenings.flatMap((it) => {
    return it.kind === "said" && it.by !== "service" ? [it.size] : [];
  });
  assert.deepEqual(new Set(others), new Set([null]));
});

Deno.test("Phones report by themselves what became of a message", async () => {
  await using network = new Network();
  await network.phones.act({ do: "text", address: USER, text: "Hi" });
  const { message_id } = await network.replies("Hello", "close");
  await until("two reports", () => network.events.length === 2);
  assert.deepEqual(network.events.map((event) => [event.event_type, event.user_message_id]), [
    ["ack", message_id],
    ["delivery_report", message_id],
  ]);
});

Deno.test("Phones report by hand, if that is wanted", async () => {
  await using network = new Network();
  network.phones.reportsByItself = false;
  await network.phones.act({ do: "text", address: USER, text: "Hi" });
  const { message_id } = await network.replies("Hello", "close");
  assert.equal(network.events.length, 0);
  await network.phones.act({ do: "report", id: message_id, report: "failed" });
  await network.phones.act({ do: "report", id: message_id, report: "nack" });
  const [failed, nack] = network.events;
  assert.equal(failed?.delivery_status, "failed");
  assert.equal(nack?.event_type, "nack");
  assert.ok(nack?.nack_reason);
});

Deno.test("a USSD session is dialled, asked, answered and ended", async () => {
  await using network = new Network();
  const { phones } = network;
  await phones.act({ do: "dial", address: USER, code: CODE });
  assert.equal(network.session.state, "waiting");
  await network.replies("Your name?", "resume");
  assert.deepEqual([network.session.state, network.session.text], ["asking", "Your name?"]);
  await phones.act({ do: "answer", address: USER, text: "Neo" });
  assert.equal(network.session.state, "waiting");
  await network.replies("Bye", "close");
  const { state, endedBy, text, screens } = network.session;
  assert.deepEqual({ state, endedBy, text, screens }, {
    state: "ended",
    endedBy: "service",
    text: "Bye",
    screens: 2,
  });
  assert.deepEqual(
    network.inbound.map(({ session_event, content, to_addr }) => [session_event, content, to_addr]),
    [["new", null, CODE], ["resume", "Neo", CODE]],
  );
});

Deno.test("a USSD session that is hung up tells vumi so", async () => {
  await using network = new Network();
  await network.phones.act({ do: "dial", address: USER, code: CODE });
  await network.phones.act({ do: "hangUp", address: USER });
  assert.equal(network.session.endedBy, "user");
  const { session_event, content } = network.inbound.at(-1) ?? assert.fail();
  assert.deepEqual([session_event, content], ["close", null]);
});

Deno.test("a USSD session ends when its time is up, waiting or asking, and tells vumi so", async () => {
  for (const asks of [false, true]) {
    await using network = new Network({ ussdTimeoutMs: 150 });
    await network.phones.act({ do: "dial", address: USER, code: CODE });
    if (asks) await network.replies("Your name?", "resume");
    await until("the end", () => network.session.state === "ended");
    assert.equal(network.session.endedBy, "time");
    assert.equal(network.inbound.at(-1)?.session_event, "close");
    assert.ok(network.said.includes("network: Timed out"));
  }
});

Deno.test("a USSD session takes one answer to each thing, and the network refuses a second", async () => {
  await using network = new Network();
  await network.phones.act({ do: "dial", address: USER, code: CODE });
  await network.replies("First", "resume");
  const second = await network.replies("Second", "resume");
  assert.equal(network.session.text, "First");
  await until("the nack", () => network.events.some((event) => event.event_type === "nack"));
  const nack = network.events.find((event) => event.event_type === "nack");
  assert.equal(nack?.user_message_id, second.message_id);
  assert.equal(network.said.at(-1), "network: A second answer to one request was dropped");
});

Deno.test("a USSD session ends when no screen comes in time, and what comes later is lost", async () => {
  await using network = new Network({ ussdWaitMs: 100 });
  await network.phones.act({ do: "dial", address: USER, code: CODE });
  const request = network.inbound.at(-1) ?? assert.fail();
  assert.ok((network.session.waitMs ?? 0) > 0);
  await until("the end", () => network.session.state === "ended");
  assert.deepEqual([network.session.endedBy, network.session.waitMs], ["silence", null]);
  assert.equal(network.inbound.at(-1)?.session_event, "close");
  const end = "network: No screen came in time: the network ended the session";
  assert.equal(network.said.at(-1), end);
  const reply = createReply(request, { content: "At last", session_event: "resume" });
  await network.broker.publish(network.transport.queues.outbound, encodeMessage(reply));
  await until("the notice", () => network.said.at(-1) !== end);
  assert.equal(network.said.at(-1), "network: A message was lost: no session is waiting for it");
});

Deno.test("a USSD session whose screen came waits for the user, and not for the network", async () => {
  await using network = new Network({ ussdWaitMs: 100 });
  await network.phones.act({ do: "dial", address: USER, code: CODE });
  await network.replies("Your name?", "resume");
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual([network.session.state, network.session.waitMs], ["asking", null]);
});

for (
  const { what, act } of [
    {
      what: "to answer what is not asked",
      act: (phones: Phones) => phones.act({ do: "answer", address: USER, text: "Hi" }),
    },
    {
      what: "to hang up what is not open",
      act: (phones: Phones) => phones.act({ do: "hangUp", address: USER }),
    },
    {
      what: "to write from no phone",
      act: (phones: Phones) => phones.act({ do: "text", address: "+1", text: "Hi" }),
    },
    {
      what: "to dial in a session",
      act: async (phones: Phones) => {
        await phones.act({ do: "dial", address: USER, code: CODE });
        await phones.act({ do: "dial", address: USER, code: CODE });
      },
    },
    {
      what: "more phones than there is room for",
      // deno-lint-ignore require-await -- a fault has to reject
      act: async (phones: Phones) => {
        for (let n = 0; n < 50; n++) phones.add(`+${n}`);
      },
    },
  ]
) {
  Deno.test(`Phones refuse ${what}`, async () => {
    await using network = new Network();
    await assert.rejects(act(network.phones), PhoneError);
  });
}

Deno.test("Phones refuse to take a phone that the tour has", async () => {
  await using network = new Network({ isReserved: (address) => address === USER });
  const action = { do: "text", address: USER, text: "Hi" } as const;
  await assert.rejects(network.phones.act(action), PhoneError);
});

Deno.test("Phones have one for whom somebody writes to, as long as there is room", async () => {
  await using network = new Network();
  const message = network.transport.compose({
    from_addr: "8110",
    to_addr: "+27831234567",
    transport_type: "sms",
    content: "Out of the blue",
  });
  await network.broker.publish("n.outbound", encodeMessage(message));
  await until("the message", () => network.said.includes("service: Out of the blue"));
  assert.deepEqual(network.phones.all.map(({ address }) => address), [USER, "+27831234567"]);
});

Deno.test("Phones say when a message could not be sent", async () => {
  await using network = new Network();
  network.transport.publish = () => Promise.reject(new Error("the broker is away"));
  await network.phones.act({ do: "text", address: USER, text: "Hi" });
  assert.deepEqual(network.said, ["network: Not sent: the broker is away"]);
});

Deno.test("Phones say that a report could not be made, and nothing breaks", async () => {
  await using network = new Network();
  await network.phones.act({ do: "text", address: USER, text: "Hi" });
  await network.replies("Hello", "close");
  await until("the ack", () => network.events.length > 0);
  await network.broker[Symbol.asyncDispose]();
  await until(
    "the notice",
    () => network.said.at(-1)?.startsWith("network: Not reported: ") ?? false,
  );
  const action = { do: "report", id: "x", report: "ack" } as const;
  await assert.rejects(network.phones.act(action), PhoneError);
});

Deno.test("What can't be read on its way to a phone is parked, and nobody's bug", async () => {
  await using network = new Network();
  const { outbound } = network.transport.queues;
  await network.broker.publish(outbound, new TextEncoder().encode("no JSON"));
  const parked = (): readonly QueuedMessage[] => network.broker.waiting(`${outbound}.parked`);
  await until("it to be parked", () => parked().length > 0);
  assert.match(String(parked()[0]?.headers["x-parked-reason"]), /^Cannot read vumi message: /);
});
