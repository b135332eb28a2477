/**
 * What a flow does wrong, said at the phone where it is seen.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MemoryBroker } from "../../../src/broker/memory/memory_broker.ts";
import type { Action } from "../../../src/simulator/handset/actions.ts";
import type { Happening } from "../../../src/simulator/handset/events.ts";
import { PhonePlay, type PhonePlayOptions } from "../../../src/simulator/handset/phone_play.ts";
import { lateWords, mergedWords, refusedWords } from "../../../src/simulator/handset/warnings.ts";
import { Transport } from "../../../src/simulator/transport.ts";
import { createReply, encodeMessage, type Message } from "../../../src/vumi/mod.ts";
import { until } from "../../support/until.ts";
import { startDemoPlay } from "../play.ts";

const USER = "+26612345678";
const CODE = "*120*8864#";

Deno.test("what came late is said by how many networks have hung up", () => {
  assert.equal(lateWords(7_999, false), undefined);
  assert.equal(
    lateWords(8_000, true),
    "This came 8 s after the user dialled: some networks have hung up.",
  );
  assert.equal(
    lateWords(14_300, false),
    "This came 14 s after the user's answer: most networks have hung up.",
  );
});

Deno.test("what was merged is said by its number, and what was refused in the bridge's words", () => {
  assert.equal(mergedWords(2), "Your flow sent two messages; they were merged.");
  assert.equal(mergedWords("more"), "Your flow sent more than three messages; they were merged.");
  assert.equal(mergedWords(12), "Your flow sent 12 messages; they were merged.");
  const body = { errors: [{ details: "The text takes 3 SMS, and sms.long is refuse" }] };
  assert.equal(refusedWords(422, body), "Refused: The text takes 3 SMS, and sms.long is refuse.");
  assert.equal(refusedWords(503, "oops"), "Not taken now: Turn was told 503.");
  assert.equal(refusedWords(undefined, ""), "The bridge did not answer Turn.");
});

/** What is said on the page, of its flows and networks. */
function hear(journal: { watch: (watcher: { added(it: Happening): void }) => Disposable }) {
  const warned: string[] = [];
  const said: string[] = [];
  const watch = journal.watch({
    added: (it) => {
      if (it.kind === "warning") warned.push(it.text);
      if (it.kind === "said") said.push(it.text);
    },
  });
  return { warned, said, [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

function sent(turn: Readonly<Record<string, unknown>>, waits = true): Action {
  return { do: "send", to: USER, turn, content: "", waits, replyTo: "", badSignature: false };
}

const text = (body: string) => ({ type: "text", text: { body } });

for (
  const { what, messages, warning, flags } of [
    {
      what: "sends two messages at once",
      messages: [sent(text("Welcome!"), false), sent(text("Your name?"))],
      warning: /^Your flow sent two messages; they were merged\.$/,
    },
    {
      what: "sends a sticker",
      messages: [sent({ type: "sticker", sticker: { id: "1" } })],
      warning: /^Refused: nothing to show for a sticker\./,
    },
    {
      what: "sends what has no words",
      messages: [sent({ type: "order", order: {} })],
      warning: /^Refused: .*order/,
    },
    {
      what: "sends more than a screen",
      messages: [sent(text("word ".repeat(60)))],
      warning: /^Your flow's text takes more than one screen/,
    },
    {
      what: "needs more than GSM-7",
      messages: [sent(text("Ş, ş?"))],
      warning: /^"Ş" is not GSM-7, so a screen holds 80 characters\. Plain characters would do\.$/,
    },
    {
      what: "is slow",
      messages: [sent(text("At last"))],
      warning: /^Your flow showed nothing within 15 s, and the network hung up\.$/,
      flags: { "ussd-settle": "2" },
    },
  ]
) {
  Deno.test(`the demo warns of a flow that ${what}`, async () => {
    const isSlow = flags !== undefined;
    await using playing = await startDemoPlay(isSlow ? { flags, ussdWaitMs: 200 } : {});
    const { play } = playing;
    await play.act({ do: "setTurnReplies", on: false });
    using heard = hear(play.journal);
    await play.act({ do: "dial", address: USER, code: CODE });
    await until("Turn to know", () => playing.turn.calls.length > 0);
    for (const message of messages) await play.act(message);
    await until(`${warning}`, () => heard.warned.some((words) => warning.test(words)));
    assert.equal(heard.warned.filter((words) => warning.test(words)).length, 1);
  });
}

Deno.test("the demo warns of nothing where nothing is wrong", async () => {
  await using playing = await startDemoPlay();
  const { play } = playing;
  using heard = hear(play.journal);
  await play.act({ do: "dial", address: USER, code: CODE });
  await until(
    "the question",
    () => heard.said.some((words) => words.includes("What is your name?")),
  );
  await play.act({ do: "answer", address: USER, text: "Neo" });
  await until("the menu", () => heard.said.some((words) => words.includes("1. Well")));
  await play.act({ do: "text", address: "+26687654321", text: "Hello" });
  await until("the echo", () => heard.said.includes("You wrote: Hello"));
  assert.deepEqual(heard.warned, []);
});

/** Phones with a bridge elsewhere, of which the test has the other end of the queues, and the metrics. */
async function playPhones(options: Partial<PhonePlayOptions> = {}) {
  await using parts = new AsyncDisposableStack();
  const broker = MemoryBroker.open();
  const transport = parts.use(new Transport("n", broker));
  const metrics = { text: "", consumers: 1, answer: () => new Response(metrics.text) };
  const server = parts.use(
    Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => metrics.answer(),
    ),
  );
  const play = parts.use(
    new PhonePlay({
      ...{ transport, number: "8110", ...options },
      bridge: {
        ...{ connector: "n", queue: "n.inbound" },
        consumers: () => Promise.resolve(metrics.consumers),
        address: `http://127.0.0.1:${server.addr.port}`,
      },
    }),
  );
  play.start();
  const inbound: Message[] = [];
  parts.use(transport.watch({ published: (message) => void inbound.push(message) }));
  const listening = parts.use(play.journal.listen("", play.hello, [], () => {}));
  const heard = parts.use(hear(play.journal));
  const reply = async (content: string, session_event: "resume" | "close" = "resume") => {
    const { length } = heard.said;
    const message = createReply(inbound.at(-1) ?? assert.fail(), { content, session_event });
    await broker.publish(transport.queues.outbound, encodeMessage(message));
    await until("it to come", () => heard.said.length > length);
  };
  const all = parts.move();
  return {
    ...{ play, metrics, heard, inbound, reply, broker, listening },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function counted(merged: number, notShown: number, late: number): string {
  const of = 'connector="n"';
  return `turn_channels_ussd_screens_total{messages="1",${of}} 7
turn_channels_ussd_screens_total{messages="2",${of}} ${merged}
turn_channels_messages_total{flow="outbound",result="not_shown",${of}} ${notShown}
turn_channels_ussd_late_total{result="sms",${of}} ${late}
turn_channels_ussd_screens_total{messages="2",connector="other"} ${merged * 9}
`;
}

Deno.test("the handset says what a bridge elsewhere counts while it is looked at, and not what it had counted", async () => {
  await using network = await playPhones();
  const { play, metrics, heard } = network;
  metrics.text = counted(3, 1, 0);
  await play.act({ do: "dial", address: USER, code: CODE });
  await until("the counts", () => play.now().some((it) => it.kind === "bridge" && it.asked === ""));
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.deepEqual(heard.warned, []);
  metrics.text = counted(4, 2, 1);
  await until("three warnings", () => heard.warned.length >= 3);
  assert.deepEqual(heard.warned, [
    "Your flow sent two messages; they were merged.",
    "Refused: nothing to show for a sticker, a reaction or the like. The flow goes on without it.",
    "Your flow's message was too late for its session: it goes by SMS.",
  ]);
});

Deno.test("the handset says that no bridge listens, and that one can't be asked", async () => {
  await using network = await playPhones();
  const { play, metrics, heard } = network;
  const bridge = () => play.now().find((it) => it.kind === "bridge");
  metrics.text = "something_else 1\n";
  await until("nobody to ask", () => bridge()?.asked !== "");
  metrics.consumers = 0;
  await until("nobody to listen", () => bridge()?.listens === false);
  await play.act({ do: "dial", address: USER, code: CODE });
  assert.deepEqual(heard.warned, ["No bridge is listening on n.inbound."]);
  metrics.consumers = 1;
  await until("one to listen", () => bridge()?.listens === true);
});

Deno.test("the handset outlives a bridge that ends in the middle of its answer", async () => {
  await using network = await playPhones();
  const { play, metrics } = network;
  const bridge = () => play.now().find((it) => it.kind === "bridge");
  metrics.text = counted(0, 0, 0);
  await until("an answer", () => bridge()?.asked === "");
  let broken = 0;
  metrics.answer = () => {
    broken++;
    const headers = { "Content-Length": `${metrics.text.length + 1}` };
    return new Response(new Blob([metrics.text]).stream(), { headers });
  };
  await until("two broken answers", () => broken >= 2);
  assert.notEqual(bridge()?.asked, "");
});

Deno.test("an operator is chosen by its limits: what does not fit on its screens is said", async () => {
  await using network = await playPhones();
  const { play, heard, reply } = network;
  await play.act({ do: "setNetwork", id: "small-hurried" });
  await play.act({ do: "dial", address: USER, code: CODE });
  await reply("a".repeat(170));
  const [phone] = play.now().filter((it) => it.kind === "phone");
  assert.equal(phone?.session?.size.capacity, 160);
  assert.deepEqual(heard.warned, [
    "This network shows 160 of its 170 characters. Set ussd.page_chars to 160, and it becomes pages.",
  ]);
  await play.act({ do: "answer", address: USER, text: "1" });
  const [waiting] = play.now().filter((it) => it.kind === "phone");
  const waitMs = waiting?.session?.waitMs ?? 0;
  assert.ok(waitMs > 4_000 && waitMs <= 8_000, `${waitMs}`);
});

Deno.test("a bad network loses one session in four, and tells vumi so", async () => {
  let random = 0;
  await using network = await playPhones({ random: () => random });
  const { play, heard, inbound } = network;
  const dial = { do: "dial", address: USER, code: CODE } as const;
  await play.act({ do: "setBadNetwork", on: true });
  await play.act(dial);
  await until("its end", () => heard.said.includes("The network lost the session"));
  assert.equal(inbound.at(-1)?.session_event, "close");
  for (const [isBad, at] of [[true, 0.25], [false, 0]] as const) {
    random = at;
    await play.act({ do: "setBadNetwork", on: isBad });
    await play.act(dial);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(inbound.at(-1)?.session_event, "new");
    await play.act({ do: "hangUp", address: USER });
  }
});

Deno.test("phones of a channel of USSD dial its own code, and of one of SMS none", async () => {
  await using ussd = await playPhones({ transportType: "ussd", number: "*134*9#" });
  assert.deepEqual([ussd.play.hello.media, ussd.play.hello.ussdCode], ["ussd", "*134*9#"]);
  await using sms = await playPhones({ transportType: "sms" });
  assert.equal(sms.play.hello.media, "sms");
  await using other = await playPhones({ transportType: "xmpp" });
  assert.equal(other.play.hello.media, "both");
});
