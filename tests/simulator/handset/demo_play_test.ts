import assert from "node:assert/strict";
import { send } from "../../support/fake_turn.ts";
import type { Action } from "../../../src/simulator/handset/actions.ts";
import type { MessageTrace, PageEvent, Sample } from "../../../src/simulator/handset/events.ts";
import { until } from "../../support/until.ts";
import { startDemoPlay } from "../play.ts";

const USER = "+26612345678";
type Playing = Awaited<ReturnType<typeof startDemoPlay>>;

/** Listens to the play, as the page would. */
function listen({ play }: Playing) {
  const events: PageEvent[] = [];
  const listening = play.journal.listen("", play.hello, play.now(), (frame) => {
    events.push(JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? ""));
  });
  /** How far the messages have come, in the order in which they began. */
  const traces = (): MessageTrace[] => {
    const latest = new Map<string, MessageTrace>();
    for (const event of events) {
      if (event.kind === "trace") latest.set(event.trace.id, event.trace);
    }
    return [...latest.values()];
  };
  const steps = (id: string): string[] =>
    events.flatMap((event) => {
      return event.kind === "trace" && event.trace.id === id && event.step !== undefined
        ? [event.step.title.replace(/[\d.]+ m?s/, "…")]
        : [];
    });
  return { events, traces, steps, [Symbol.dispose]: () => listening[Symbol.dispose]() };
}

Deno.test("DemoPlay shows each message's way, step by step", async () => {
  await using playing = await startDemoPlay();
  using seen = listen(playing);
  await playing.play.act({ do: "text", address: USER, text: "Hi" });
  await until("all of it", () => {
    return seen.traces().length === 4 && seen.traces().every(({ state }) => state === "done");
  });
  const [inbound, outbound, ack, report] = seen.traces();
  assert.deepEqual(
    [inbound, outbound, ack, report].map((trace) => [trace?.flow, trace?.text]),
    [
      ["inbound", "Hi"],
      ["outbound", "You wrote: Hi"],
      ["status", "ack"],
      ["status", "delivered"],
    ],
  );
  assert.deepEqual(seen.steps(inbound?.id ?? ""), [
    "SMS on play.inbound",
    "POST /messages",
    "Turn answered 200 in …",
  ]);
  assert.deepEqual(seen.steps(outbound?.id ?? ""), [
    "Turn: POST /messages, signature right",
    "Answered 200",
    "Taken off play.outbound",
  ]);
  assert.deepEqual(seen.steps(report?.id ?? ""), [
    "On play.event",
    "POST /statuses",
    "Turn answered 200 in …",
  ]);
  assert.ok([ack, report].every((status) => status?.address === USER));
  assert.deepEqual([ack?.note, report?.note], ["sent", "delivered"]);
});

for (
  const { mode, title, state } of [
    { mode: "429", title: "Turn answered 429 in …", state: "retrying" },
    { mode: "500", title: "Turn answered 500 in …", state: "retrying" },
    { mode: "400", title: "Turn answered 400 in …", state: "parked" },
    { mode: "none", title: "Turn does not answer", state: "retrying" },
  ] as const
) {
  Deno.test(`DemoPlay shows what the bridge does when Turn answers ${mode}`, async () => {
    // Seconds between attempts: with the default it may be a minute.
    const flags = { "retry-delay-exponent": "1" };
    await using playing = await startDemoPlay({ flags });
    using seen = listen(playing);
    const { play } = playing;
    await play.act({ do: "setTurnAnswers", mode });
    await play.act({ do: "text", address: USER, text: "Hi" });
    await until(state, () => seen.traces().some((trace) => trace.state === state));
    const [{ id } = assert.fail()] = seen.traces();
    await until(title, () => seen.steps(id).includes(title));
    await play.act({ do: "setTurnAnswers", mode: "200" });
    if (mode === "400") {
      await until("it to be told of", () =>
        seen.events.some((event) => {
          return event.kind === "parked" && event.total === 1;
        }));
      await play.act({ do: "replay", key: id });
    }
    await until("Turn to have it", () => seen.traces()[0]?.state === "done");
    assert.ok((seen.traces()[0]?.attempts ?? 0) >= (mode === "none" ? 1 : 2));
  });
}

Deno.test("DemoPlay lists a time-out as one", async () => {
  await using playing = await startDemoPlay({ flags: { "mo-message-url-timeout": "0.3" } });
  using seen = listen(playing);
  const { play } = playing;
  await play.act({ do: "setTurnAnswers", mode: "none" });
  await play.act({ do: "text", address: USER, text: "Hi" });
  const steps = () => seen.steps(seen.traces()[0]?.id ?? "");
  await until(
    "the time-out",
    () => steps().includes("Timed out: Turn did not answer within …"),
  );
  await play.act({ do: "setTurnAnswers", mode: "200" });
  await until("Turn to have it", () => seen.traces()[0]?.state === "done");
});

const BUTTONS = {
  type: "interactive",
  interactive: {
    type: "button",
    body: { text: "Are you well?" },
    action: {
      buttons: ["Yes", "No", "Not sure"].map((title) => {
        return { type: "reply", reply: { id: title.toLowerCase(), title } };
      }),
    },
  },
};

/** What Turn's people send by hand. */
function byHand(turn: Readonly<Record<string, unknown>>, content = ""): Action {
  const usual = { waits: true, replyTo: "", badSignature: false };
  return { do: "send", to: USER, turn, content, ...usual };
}

for (const answer of ["2", "no"]) {
  Deno.test(`DemoPlay names what a user chose who answered ${JSON.stringify(answer)}`, async () => {
    await using playing = await startDemoPlay();
    using seen = listen(playing);
    const { play } = playing;
    await play.act({ do: "setTurnReplies", on: false });
    await play.act(byHand(BUTTONS));
    await until("the menu", () => seen.traces()[0]?.state === "done");
    assert.equal(seen.traces()[0]?.text, "Are you well?\n• Yes\n• No\n• Not sure");
    await play.act({ do: "text", address: USER, text: answer });
    const picked = () => seen.traces().find(({ flow }) => flow === "inbound");
    await until("Turn to have it", () => picked()?.state === "done");
    assert.equal(picked()?.text, answer);
    assert.deepEqual(picked()?.told, { text: "No", choice: "picked 2 of 3 as button_reply" });
    const steps = seen.steps(picked()?.id ?? "");
    assert.ok(steps.includes("POST /messages: picked 2 of 3 as button_reply"), `${steps}`);
  });
}

Deno.test("DemoPlay shows what Turn was told in words, when it takes no choices", async () => {
  await using playing = await startDemoPlay({
    answer: ({ content }) => {
      const isChoice = content?.kind === "message" && content.choice !== undefined;
      return new Response(null, { status: isChoice ? 400 : 200 });
    },
  });
  using seen = listen(playing);
  const { play } = playing;
  await play.act({ do: "setTurnReplies", on: false });
  await play.act(byHand(BUTTONS));
  await until("the menu", () => seen.traces()[0]?.state === "done");
  await play.act({ do: "text", address: USER, text: "1" });
  const picked = () => seen.traces().find(({ flow }) => flow === "inbound");
  await until("Turn to have it", () => picked()?.state === "done");
  assert.deepEqual(picked()?.told, { text: "Yes", choice: null });
});

Deno.test("DemoPlay shows a template by the words that Turn sends beside it", async () => {
  await using playing = await startDemoPlay();
  using seen = listen(playing);
  await playing.play.act(byHand({ type: "template", template: { name: "t" } }, "Come at nine"));
  await until("it", () => seen.traces()[0]?.state === "done");
  const said = seen.events.filter((event) => event.kind === "said");
  assert.deepEqual(said.map(({ text }) => text), ["Come at nine"]);
});

Deno.test("DemoPlay shows that a sticker is nothing for a phone", async () => {
  await using playing = await startDemoPlay();
  using seen = listen(playing);
  await playing.play.act(byHand({ type: "sticker", sticker: { id: "1" } }));
  await until("its end", () => seen.traces()[0]?.state === "not_shown");
  assert.ok(!seen.events.some(({ kind }) => kind === "said"));
});

Deno.test("DemoPlay shows that the bridge brings pages by itself", async () => {
  await using playing = await startDemoPlay();
  using seen = listen(playing);
  const { play, turn } = playing;
  await play.act({ do: "setTurnReplies", on: false });
  await play.act({ do: "dial", address: USER, code: "*120*8864#" });
  await until("Turn to know", () => seen.traces()[0]?.state === "done");
  await play.act(byHand({ type: "text", text: { body: "word ".repeat(60) } }));
  const session = () => seen.events.findLast((event) => event.kind === "phone")?.session;
  await until("the first page", () => session()?.text.endsWith("\n98. More") ?? false);
  await play.act({ do: "answer", address: USER, text: "98" });
  await until("the second page", () => session()?.screens === 2 && session()?.state === "asking");
  const asked = () => seen.traces().find(({ text }) => text === "98");
  await until("the trace to end", () => asked()?.state === "paged");
  assert.ok(seen.steps(asked()?.id ?? "").includes("The bridge brought the next page"));
  assert.equal(seen.traces().filter(({ flow }) => flow === "outbound").length, 1);
  assert.equal(turn.calls.filter(({ path }) => path === "/messages").length, 1);
});

const OUTBOUND = ({ flow }: MessageTrace): boolean => flow === "outbound";

Deno.test("DemoPlay shows which messages wait for a screen, and the screen that shows them", async () => {
  await using playing = await startDemoPlay({ flags: { "ussd-settle": "1" } });
  using seen = listen(playing);
  const { play } = playing;
  await play.act({ do: "setTurnMessages", count: 3 });
  await play.act({ do: "dial", address: USER, code: "*120*8864#" });
  const sent = (): MessageTrace[] => seen.traces().filter(OUTBOUND);
  await until("all to be held", () => sent().filter(({ state }) => state === "held").length === 3);
  await until("all to be shown", () => sent().every(({ state }) => state === "done"));
  assert.deepEqual(sent().map(({ text, note }) => [text, note]), [
    ["Welcome!", "3 messages on one screen"],
    ["This takes a minute.", "3 messages on one screen"],
    ["What is your name?", "3 messages on one screen"],
  ]);
  const [first] = sent();
  assert.deepEqual(new Set(sent().map(({ screenId }) => screenId)), new Set([first?.messageId]));
  const session = seen.events.findLast((event) => event.kind === "phone")?.session;
  assert.equal(session?.screenId, first?.messageId);
  assert.equal(session?.text, "Welcome!\nThis takes a minute.\nWhat is your name?");
  const statuses = () =>
    seen.traces().filter(({ flow, state }) => flow === "status" && state === "done");
  await until("a status of each", () => statuses().length === 3);
  assert.deepEqual(
    new Set(statuses().map(({ messageId }) => messageId)),
    new Set(sent().map(({ messageId }) => messageId)),
  );
});

const SLOW = {
  "ussd-hold-text": "Please wait. Reply 1.",
  "ussd-answer-deadline": "0.3",
  "ussd-settle": "0.1",
  "sms-fallback-transport-name": "sms",
  "sms-fallback-from-addr": "8110",
  "sms-fallback-notice-text": "Dial again.",
};

Deno.test("DemoPlay shows the bridge's own screen while Turn is slow, and no message of Turn's", async () => {
  await using playing = await startDemoPlay({ flags: SLOW });
  using seen = listen(playing);
  const { play } = playing;
  const session = () => seen.events.findLast((event) => event.kind === "phone")?.session;
  await play.act({ do: "setTurnDelay", seconds: 1 });
  await play.act({ do: "dial", address: USER, code: "*120*8864#" });
  await until("the hold", () => session()?.text === "Please wait. Reply 1.");
  const own = () => seen.traces().filter(({ isOwn }) => isOwn);
  await until("its trace", () => own().length === 1);
  assert.match(own()[0]?.id ?? "", /^[0-9a-f]{32}-own$/);
  assert.deepEqual([own()[0]?.state, own()[0]?.note], ["done", "the bridge's own screen"]);
  await until("Turn's message", () => seen.traces().some(({ state }) => state === "held"));
  await play.act({ do: "answer", address: USER, text: "1" });
  await until("Turn's screen", () => session()?.text === "Welcome! What is your name?");
  await until("the answer to be nobody's", () => {
    return seen.traces().some(({ text, state }) => text === "1" && state === "skipped");
  });
});

Deno.test("DemoPlay shows a message that came too late: an SMS says so, and the next dial shows it", async () => {
  await using playing = await startDemoPlay({ flags: SLOW, ussdWaitMs: 60_000 });
  using seen = listen(playing);
  const { play } = playing;
  await play.act({ do: "setTurnReplies", on: false });
  await play.act({ do: "dial", address: USER, code: "*120*8864#" });
  await until("Turn to know", () => seen.traces()[0]?.state === "done");
  await play.act({ do: "hangUp", address: USER });
  await until("it to be known", () => seen.traces().some(({ state }) => state === "skipped"));
  await play.act(byHand({ type: "text", text: { body: "Your results are in" } }));
  const late = () => seen.traces().find(({ text }) => text === "Your results are in");
  await until("it to be late", () => late()?.state === "late");
  assert.equal(late()?.note, "the next dial shows it, an SMS says so");
  const sms = seen.events.filter((event) => event.kind === "said" && !event.ussd);
  assert.deepEqual(sms.map((event) => event.kind === "said" && event.text), ["Dial again."]);
  await play.act({ do: "dial", address: USER, code: "*120*8864#" });
  await until("it to be shown", () => late()?.state === "done");
  assert.equal(late()?.screenId, late()?.messageId);
});

Deno.test("DemoPlay shows who asks without it, with curl, say", async () => {
  await using playing = await startDemoPlay();
  using seen = listen(playing);
  const body = { to: USER, turn: { type: "text", text: { body: "From afar" } } };
  const response = await send(`${playing.service.address}/messages`, body, { secret: "secret" });
  assert.equal(response.status, 200, await response.text());
  await until("it", () => seen.traces().some(({ text }) => text === "From afar"));
  const [trace] = seen.traces();
  assert.deepEqual([trace?.flow, trace?.state], ["outbound", "done"]);
});

Deno.test("DemoPlay makes the load that is asked for, and measures it", async () => {
  await using playing = await startDemoPlay();
  using seen = listen(playing);
  const { play, turn } = playing;
  await play.act({ do: "setLoad", rate: 100 });
  const samples = (): Sample[] => seen.events.filter((event) => event.kind === "sample");
  await until("samples", () => samples().filter(({ delivered }) => delivered > 0).length >= 3);
  await play.act({ do: "setLoad", rate: 0 });
  await until("the end", () => samples().at(-1)?.sent === 0 && samples().at(-1)?.between === 0);
  const sent = samples().reduce((sum, sample) => sum + sample.sent / 2, 0);
  const delivered = samples().reduce((sum, sample) => sum + sample.delivered / 2, 0);
  assert.equal(delivered, sent);
  assert.equal(turn.calls.length, sent);
  assert.ok(samples().some(({ medianMs, p95Ms }) => medianMs !== null && p95Ms !== null));
  assert.ok(!seen.events.some(({ kind }) => kind === "said" || kind === "trace"));
});

Deno.test("DemoPlay keeps the phones of the tour from others while it plays", async () => {
  await using playing = await startDemoPlay();
  using seen = listen(playing);
  const { play } = playing;
  const tour = play.tour(playing.screen, 100);
  await assert.rejects(play.act({ do: "text", address: USER, text: "Hi" }), /The tour is using/);
  assert.equal(await tour, true);
  await play.act({ do: "text", address: USER, text: "Hi" });
  const verdicts = seen.events.filter((event) => event.kind === "verdict");
  assert.deepEqual(verdicts.map(({ good }) => good), [true, true, true]);
  const statuses = seen.traces().filter(({ flow }) => flow === "status");
  assert.ok(statuses.length >= 2);
});

Deno.test("DemoPlay tells how the bridge says it is", async () => {
  await using playing = await startDemoPlay();
  using seen = listen(playing);
  await until("its health", () =>
    seen.events.some((event) => {
      return event.kind === "health" && Object(event.report).health === "ok";
    }));
});

Deno.test("DemoPlay tells of Turn's rate limit, when Turn has told of it", async () => {
  await using playing = await startDemoPlay();
  using seen = listen(playing);
  const { play } = playing;
  await play.act({ do: "setTurnAnswers", mode: "429" });
  await play.act({ do: "text", address: USER, text: "Hi" });
  await until("the limit", () =>
    seen.events.some((event) => {
      return event.kind === "health" && event.limits.some(([, left, limit]) => {
        return left === 0 && limit === 20;
      });
    }));
  await play.act({ do: "setTurnAnswers", mode: "200" });
  await until("Turn to have it", () => seen.traces()[0]?.state === "done");
});

Deno.test("DemoPlay ends when what it asked the bridge for is answered", async () => {
  await using playing = await startDemoPlay();
  const { play, turn } = playing;
  const answers: unknown[] = [];
  using _watch = turn.watch({
    asks: (_, answered) => void answered.then(({ status }) => answers.push(status)),
  });
  await play.act(byHand({ type: "text", text: { body: "Hi" } }));
  await play[Symbol.asyncDispose]();
  assert.deepEqual(answers, [200]);
});
